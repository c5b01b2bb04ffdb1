//! Certificate authorities of our own, and the certificates that they sign.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use pem::{EncodeConfig, LineEnding, Pem};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SanType, date_time_ymd,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use x509_parser::prelude::parse_x509_certificate;

use super::facts::Facts;
use super::pair::Validity;

/// How much earlier than now a certificate begins to be valid: clients whose clock is behind ours
/// by less accept it at once.
pub const BACKDATED_BY: Duration = Duration::from_hours(1);

/// A CA's certificate, which others trust. Its key may be anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaCertificate {
    der: CertificateDer<'static>,
    pem: String,
    /// What it says.
    pub facts: Facts,
}

/// A CA with its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    certificate: CaCertificate,
    key_pem: String,
}

/// A certificate that an authority has just signed.
#[derive(Clone)]
pub struct Issued {
    /// The certificate, PEM.
    pub chain_pem: String,
    /// Its private key, PEM.
    pub key_pem: String,
}

/// Why a text is no authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Not one certificate in PEM.
    #[error("the CA certificate is broken")]
    Certificate,
    /// It is a certificate, but not one that may sign others.
    #[error("the certificate is not that of a CA")]
    NotAuthority,
    /// Not a private key in PEM, or of an unknown kind.
    #[error("the private key of the CA is broken")]
    Key,
    /// The key is another one's.
    #[error("the private key does not belong to the CA certificate")]
    Mismatch,
}

/// Why nothing could be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// A name that no certificate can be for.
    #[error("{name:?} is neither a DNS name nor an IP address")]
    Name {
        /// Which.
        name: String,
    },
    /// The machine has no randomness, or the generator refuses.
    #[error("cannot make a certificate")]
    Generate(#[from] rcgen::Error),
    /// What was made cannot be read.
    #[error("cannot read the certificate just made")]
    Read(#[from] AuthorityError),
}

impl CaCertificate {
    /// Reads the one certificate of a PEM text.
    ///
    /// # Errors
    ///
    /// When it is none, or not that of a CA.
    pub fn from_pem(text: &[u8]) -> Result<Self, AuthorityError> {
        let mut all = CertificateDer::pem_slice_iter(text);
        match (all.next(), all.next()) {
            (Some(Ok(der)), None) => Self::from_der(der),
            _ => Err(AuthorityError::Certificate),
        }
    }

    /// Takes a certificate for that of a CA.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn from_der(der: CertificateDer<'static>) -> Result<Self, AuthorityError> {
        let facts = Facts::read(&der).map_err(|_| AuthorityError::Certificate)?;
        if !facts.is_authority {
            return Err(AuthorityError::NotAuthority);
        }
        let pem = pem::encode_config(
            &Pem::new("CERTIFICATE", der.to_vec()),
            EncodeConfig::new().set_line_ending(LineEnding::LF),
        );
        Ok(Self { der, pem, facts })
    }

    /// The certificates of CAs in a bundle, as far as it can be read.
    pub fn in_bundle(text: &[u8]) -> Vec<Self> {
        CertificateDer::pem_slice_iter(text)
            .map_while(Result::ok)
            .filter_map(|der| Self::from_der(der).ok())
            .collect()
    }

    /// Its bytes.
    #[must_use]
    pub const fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// It as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// When it is valid.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.facts.validity
    }

    /// Whether it has signed this certificate.
    #[must_use]
    pub fn has_signed(&self, certificate: &[u8]) -> bool {
        let (Ok((_, own)), Ok((_, other))) = (
            parse_x509_certificate(&self.der),
            parse_x509_certificate(certificate),
        ) else {
            return false;
        };
        other.issuer() == own.subject() && other.verify_signature(Some(own.public_key())).is_ok()
    }
}

impl Authority {
    /// Makes an authority that is valid for so long.
    ///
    /// # Errors
    ///
    /// When the machine has no randomness.
    pub fn make(now: Timestamp, lifetime: Duration) -> Result<Self, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        // Two of the same name could not be told apart by those who look at them.
        let mark = key.public_key_raw().iter().rev().take(4);
        let mark = mark.fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let name = format!("bindguard CA {mark}");
        let mut parameters = between(&name, now, now.checked_add(lifetime).ok());
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(parameters, key)?;
        Ok(Self {
            certificate: CaCertificate::from_der(issuer.der().clone())?,
            key_pem: issuer.key().serialize_pem(),
        })
    }

    /// Reads an authority from PEM.
    ///
    /// # Errors
    ///
    /// When one of both is broken, or they don't belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, AuthorityError> {
        let certificate = CaCertificate::from_pem(certificate)?;
        let key_pem = String::from_utf8(key.to_vec()).map_err(|_| AuthorityError::Key)?;
        let key = KeyPair::from_pem(&key_pem).map_err(|_| AuthorityError::Key)?;
        let (_, read) =
            parse_x509_certificate(&certificate.der).map_err(|_| AuthorityError::Certificate)?;
        if read.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(AuthorityError::Mismatch);
        }
        Ok(Self {
            certificate,
            key_pem,
        })
    }

    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &CaCertificate {
        &self.certificate
    }

    /// Its private key, PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Signs a certificate of a new key for a server of these names and addresses, which is valid
    /// for so long, and never longer than the authority.
    ///
    /// # Errors
    ///
    /// When a name is none, or the machine has no randomness.
    pub fn issue(
        &self,
        names: &[String],
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Issued, IssueError> {
        let until = now
            .checked_add(lifetime)
            .map_or(self.certificate.validity().not_after, |until| {
                until.min(self.certificate.validity().not_after)
            });
        let mut parameters = between("bindguard", now, Some(until));
        parameters.subject_alt_names = alternative_names(names)?;
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let own_key = KeyPair::from_pem(&self.key_pem)?;
        let issuer = Issuer::from_ca_cert_der(&self.certificate.der, own_key)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = parameters.signed_by(&key, &issuer)?;
        Ok(Issued {
            chain_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

impl fmt::Debug for Authority {
    /// Without the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authority")
            .field("certificate", &self.certificate.facts)
            .finish_non_exhaustive()
    }
}

fn between(common_name: &str, now: Timestamp, until: Option<Timestamp>) -> CertificateParams {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "bindguard");
    name.push(DnType::CommonName, common_name);
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name;
    parameters.use_authority_key_identifier_extension = true;
    let after_1970 = |timestamp: Timestamp| {
        Duration::from_secs(u64::try_from(timestamp.as_second()).unwrap_or_default())
    };
    let epoch = date_time_ymd(1970, 1, 1);
    let from = now.checked_sub(BACKDATED_BY).unwrap_or(Timestamp::MIN);
    parameters.not_before = epoch + after_1970(from);
    parameters.not_after = epoch + after_1970(until.unwrap_or(Timestamp::MAX));
    parameters
}

/// Clients written in Go refuse a whole certificate for one name that is none, so each is checked.
fn alternative_names(names: &[String]) -> Result<Vec<SanType>, IssueError> {
    let mut all = Vec::new();
    for name in names {
        let name = alternative_name(name).ok_or_else(|| IssueError::Name { name: name.clone() })?;
        if !all.contains(&name) {
            all.push(name);
        }
    }
    Ok(all)
}

fn alternative_name(name: &str) -> Option<SanType> {
    match ServerName::try_from(name).ok()? {
        ServerName::IpAddress(address) => Some(SanType::IpAddress(address.into())),
        ServerName::DnsName(dns) => Ia5String::try_from(dns.as_ref()).ok().map(SanType::DnsName),
        _ => None,
    }
}

#[cfg(test)]
#[path = "authority_tests.rs"]
mod tests;
