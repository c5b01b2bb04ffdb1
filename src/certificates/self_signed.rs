//! A certificate and its own CA, made in memory.
//!
//! For `serve` with `--write-ca`: nothing is kept, so that every start has another CA, and the
//! webhook configuration has to be given the new one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use jiff::Timestamp;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
    date_time_ymd,
};
use rustls_pki_types::ServerName;

use super::pair::{Chain, ChainError, KeyError, Pair, PairError, key_from_pem};

/// Clients whose clock is behind ours by less accept the certificate at once.
const BACKDATED_BY: Duration = Duration::from_hours(1);
/// How long from now both certificates are valid. They end together: a certificate that outlives
/// its CA only looks valid.
const VALID_FOR: Duration = Duration::from_hours(365 * 24);

/// A certificate and the CA that signed it.
#[derive(Debug)]
pub struct SelfSigned {
    /// The CA, PEM: what a client must trust. Its key is gone.
    pub ca_pem: String,
    /// The server's certificate and key.
    pub pair: Pair,
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
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
    Chain(#[from] ChainError),
    /// What was made cannot be read.
    #[error("cannot read the private key just made")]
    Key(#[from] KeyError),
    /// What was made cannot be served.
    #[error("cannot use the certificate just made")]
    Pair(#[from] PairError),
}

/// Makes a CA and a certificate for 127.0.0.1, `::1`, localhost and these names or addresses.
///
/// # Errors
///
/// When a name is none, or the machine has no randomness.
pub fn make(extra_names: &[String], now: Timestamp) -> Result<SelfSigned, SelfSignedError> {
    let ca = CertifiedIssuer::self_signed(ca_params(now), new_key()?)?;
    let key = new_key()?;
    let leaf = leaf_params(extra_names, now)?.signed_by(&key, &ca)?;
    let chain = Chain::from_der(vec![leaf.into()])?;
    let key = key_from_pem(key.serialize_pem().as_bytes())?;
    Ok(SelfSigned {
        ca_pem: ca.pem(),
        pair: Pair::new(chain, key, now)?,
    })
}

fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

fn ca_params(now: Timestamp) -> CertificateParams {
    let mut params = params("bindguard self-signed CA", now);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(
    extra_names: &[String],
    now: Timestamp,
) -> Result<CertificateParams, SelfSignedError> {
    let mut params = params("bindguard", now);
    params.subject_alt_names = alternative_names(extra_names)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn params(common_name: &str, now: Timestamp) -> CertificateParams {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "bindguard");
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.use_authority_key_identifier_extension = true;
    let after_1970 = |timestamp: Timestamp| {
        Duration::from_secs(u64::try_from(timestamp.as_second()).unwrap_or_default())
    };
    let epoch = date_time_ymd(1970, 1, 1);
    let not_before = now.checked_sub(BACKDATED_BY).unwrap_or(Timestamp::MIN);
    let not_after = now.checked_add(VALID_FOR).unwrap_or(Timestamp::MAX);
    params.not_before = epoch + after_1970(not_before);
    params.not_after = epoch + after_1970(not_after);
    params
}

fn alternative_names(extra_names: &[String]) -> Result<Vec<SanType>, SelfSignedError> {
    let mut names = vec![
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    let own = "localhost".to_owned();
    for name in [&own].into_iter().chain(extra_names) {
        let name = alternative_name(name)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Clients written in Go refuse a whole certificate for one name that is none, so each is checked.
fn alternative_name(name: &str) -> Result<SanType, SelfSignedError> {
    let no_name = || SelfSignedError::Name {
        name: name.to_owned(),
    };
    match ServerName::try_from(name).map_err(|_| no_name())? {
        ServerName::IpAddress(address) => Ok(SanType::IpAddress(address.into())),
        ServerName::DnsName(dns) => Ia5String::try_from(dns.as_ref())
            .map(SanType::DnsName)
            .map_err(|_| no_name()),
        _ => Err(no_name()),
    }
}

#[cfg(test)]
#[path = "self_signed_tests.rs"]
mod tests;
