//! What can be read in a certificate.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;

use super::authority::BACKDATED_BY;
use super::pair::{Validity, timestamp};

/// What people and rules ask about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whose it is, as RFC 4514 writes it.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The DNS names and IP addresses that it is for, in alphabetical order.
    pub names: Vec<String>,
    /// When it is valid.
    pub validity: Validity,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub fingerprint: String,
    /// Whether it may sign others.
    pub is_authority: bool,
}

impl Facts {
    /// Reads a certificate.
    ///
    /// # Errors
    ///
    /// When it is not X.509.
    pub fn read(der: &[u8]) -> Result<Self, X509Error> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der)?;
        let basic = certificate.basic_constraints()?;
        Ok(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: names(&certificate)?,
            validity: Validity {
                not_before: timestamp(certificate.validity().not_before),
                not_after: timestamp(certificate.validity().not_after),
            },
            fingerprint: fingerprint(der),
            is_authority: basic.is_some_and(|basic| basic.value.ca),
        })
    }
}

fn fingerprint(der: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(der) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn names(certificate: &X509Certificate<'_>) -> Result<Vec<String>, X509Error> {
    let Some(extension) = certificate.subject_alternative_name()? else {
        return Ok(Vec::new());
    };
    let names = extension.value.general_names.iter();
    let mut names: Vec<String> = names.filter_map(name).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let sixteen = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            four.or(sixteen).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

impl Validity {
    /// Whether it is valid at this moment.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// When it was made, as far as it was made here: certificates begin that much earlier.
    #[must_use]
    pub fn made(&self) -> Timestamp {
        let made = self.not_before.checked_add(BACKDATED_BY);
        made.ok()
            .filter(|made| *made < self.not_after)
            .unwrap_or(self.not_before)
    }

    /// How long it is good for, from when it was made.
    #[must_use]
    pub fn life(&self) -> Duration {
        Duration::try_from(self.not_after.duration_since(self.made())).unwrap_or_default()
    }

    /// The moment at which so many thirds of its life are over.
    #[must_use]
    pub fn thirds(&self, number: u32) -> Timestamp {
        let passed = self.life() / 3 * number;
        self.made().checked_add(passed).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::super::authority::Authority;
    use super::{Facts, Validity};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn what_was_put_into_a_certificate_is_read_from_it() {
        let authority = Authority::make(at(0), Duration::from_mins(15)).unwrap();
        let facts = &authority.certificate().facts;
        assert!(facts.is_authority && facts.names.is_empty());
        assert_eq!(facts.subject, facts.issuer);
        assert!(facts.subject.starts_with("O=bindguard, CN=bindguard CA "));
        assert_eq!(facts.fingerprint.len(), 64);

        let names = ["b.example", "10.0.0.1", "a.example", "fd00::1"].map(str::to_owned);
        let issued = authority
            .issue(&names, at(0), Duration::from_mins(5))
            .unwrap();
        let chain = super::super::pair::Chain::from_pem(issued.chain_pem.as_bytes()).unwrap();
        let facts = Facts::read(&chain.certificates()[0]).unwrap();
        assert_eq!(
            facts.names,
            ["10.0.0.1", "a.example", "b.example", "fd00::1"]
        );
        assert_eq!(facts.issuer, authority.certificate().facts.subject);
        assert!(!facts.is_authority);
    }

    #[test]
    fn a_life_is_counted_from_when_the_certificate_was_made() {
        let validity = Validity {
            not_before: at(-3600),
            not_after: at(900),
        };
        assert_eq!(validity.made(), at(0));
        assert_eq!(validity.life(), Duration::from_mins(15));
        assert_eq!(validity.thirds(2), at(600));
        assert!(validity.holds_at(at(900)) && !validity.holds_at(at(901)));
        assert!(validity.holds_at(at(-3600)) && !validity.holds_at(at(-3601)));
        // Made elsewhere, for less than an hour.
        let short = Validity {
            not_before: at(0),
            not_after: at(300),
        };
        assert_eq!(short.life(), Duration::from_mins(5));
        let never = Validity {
            not_before: at(0),
            not_after: Timestamp::MAX,
        };
        assert!(never.thirds(2) > at(0));
        let backwards = Validity {
            not_before: at(0),
            not_after: at(-10),
        };
        assert_eq!(backwards.life(), Duration::ZERO);
    }
}
