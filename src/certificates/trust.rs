//! Whether a client that trusts a bundle would accept a chain.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::facts::Facts;

/// Why a client would not accept it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Nothing in the bundle is an authority that is valid now.
    #[error("it holds no authority that is valid now")]
    Empty,
    /// Part of the bundle is broken, for which Go takes none of it.
    #[error("its PEM is broken")]
    Broken,
    /// Not a name at all.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    Name(String),
    /// There is no chain.
    #[error("there is no certificate")]
    NoCertificate,
    /// The chain leads to no authority of the bundle, has expired, or is for other names.
    #[error("{0}")]
    Refused(String),
}

/// Whether a client that trusts this bundle (PEM) accepts this chain from the host of this name.
///
/// # Errors
///
/// When it would not.
pub fn verify(
    chain: &[CertificateDer<'static>],
    bundle: &[u8],
    host: &str,
    now: Timestamp,
) -> Result<(), Distrust> {
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| Distrust::Name(host.to_owned()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let certificate = certificate.map_err(|_| Distrust::Broken)?;
        let facts = Facts::read(&certificate).map_err(|_| Distrust::Broken)?;
        // Go looks at the dates of an authority as well.
        if facts.validity.holds_at(now) {
            // What cannot be one is left out, as Go does.
            let _ = roots.add(certificate);
        }
    }
    if roots.is_empty() {
        return Err(Distrust::Empty);
    }
    let (own, others) = chain.split_first().ok_or(Distrust::NoCertificate)?;
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| Distrust::Empty)?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier
        .verify_server_cert(own, others, &name, &[], time)
        .map(|_| ())
        .map_err(|error| Distrust::Refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use rustls_pki_types::CertificateDer;

    use super::super::authority::Authority;
    use super::super::pair::Chain;
    use super::{Distrust, verify};

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> Timestamp {
        "2026-11-24T06:00:00Z".parse().unwrap()
    }

    fn chain(authority: &Authority) -> Vec<CertificateDer<'static>> {
        let issued = authority.issue(&["a.example".to_owned()], now(), DAY);
        let chain = Chain::from_pem(issued.unwrap().chain_pem.as_bytes());
        chain.unwrap().certificates().to_vec()
    }

    #[test]
    fn one_of_several_authorities_is_enough() {
        let one = Authority::make(now(), DAY).unwrap();
        let two = Authority::make(now(), DAY).unwrap();
        let bundle = format!("{}{}", two.certificate().pem(), one.certificate().pem());
        let chain = chain(&one);
        assert_eq!(
            verify(&chain, bundle.as_bytes(), "a.example", now()),
            Ok(())
        );
        let other = two.certificate().pem().as_bytes();
        let refused = verify(&chain, other, "a.example", now()).unwrap_err();
        assert!(matches!(&refused, Distrust::Refused(why) if why.contains("UnknownIssuer")));
        let refused = verify(&chain, bundle.as_bytes(), "b.example", now()).unwrap_err();
        assert!(matches!(&refused, Distrust::Refused(why) if why.contains("not valid for name")));
    }

    #[test]
    fn time_and_form_count() {
        let one = Authority::make(now(), DAY).unwrap();
        let (chain, bundle) = (chain(&one), one.certificate().pem());
        let at = |at| verify(&chain, bundle.as_bytes(), "a.example", at);
        assert_eq!(at(now() + 2 * DAY), Err(Distrust::Empty));
        assert_eq!(at(now() - Duration::from_hours(2)), Err(Distrust::Empty));
        let with = |bundle: &str, host| verify(&chain, bundle.as_bytes(), host, now());
        assert_eq!(with("", "a.example"), Err(Distrust::Empty));
        assert_eq!(with(&bundle[..300], "a.example"), Err(Distrust::Broken));
        assert_eq!(with(bundle, "a b"), Err(Distrust::Name("a b".to_owned())));
        let nothing = verify(&[], bundle.as_bytes(), "a.example", now());
        assert_eq!(nothing, Err(Distrust::NoCertificate));
    }
}
