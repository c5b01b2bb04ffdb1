//! What the two Secrets hold: the authorities, and the certificate that is served.
//!
//! The authorities of a rotation under way are told apart by the keys under which they are stored,
//! so that whoever reads the Secret knows where it stands:
//!
//! | keys | what they hold |
//! |---|---|
//! | `ca.crt`, `ca.key` | the authority that signs |
//! | `next.crt`, `next.key` | one that is being published and will sign |
//! | `previous.crt` | certificates of those that signed before and are still trusted |

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use rustls::sign::SigningKey;
use rustls_pki_types::CertificateDer;

use super::authority::{Authority, CaCertificate, Issued};
use super::facts::Facts;
use super::pair::{Chain, ChainError, KeyError, Pair, PairError, key_from_pem};

/// The annotation that asks the controller to rotate what a Secret holds. Its value is for people.
pub const ROTATE: &str = "bindguard.dev/rotate";

const CA: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const NEXT: &str = "next.crt";
const NEXT_KEY: &str = "next.key";
const PREVIOUS: &str = "previous.crt";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The authorities, as far as there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities {
    /// Signs what is served.
    pub signing: Option<Authority>,
    /// Is being published, and will sign.
    pub next: Option<Authority>,
    /// Signed before, and may have signed what is still served.
    pub previous: Vec<CaCertificate>,
}

impl Authorities {
    /// Every certificate that is to be trusted, each once: that of the authority that signs first.
    #[must_use]
    pub fn trusted(&self) -> Vec<&CaCertificate> {
        let with_keys = self.signing.iter().chain(&self.next);
        let all = with_keys.map(Authority::certificate).chain(&self.previous);
        let mut trusted: Vec<&CaCertificate> = Vec::new();
        for certificate in all {
            if !trusted.contains(&certificate) {
                trusted.push(certificate);
            }
        }
        trusted
    }

    /// What every `caBundle` is to hold, PEM. Empty if there is no authority at all.
    #[must_use]
    pub fn bundle(&self) -> String {
        self.trusted().into_iter().map(CaCertificate::pem).collect()
    }
}

/// What was found in the Secret of the authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundAuthorities {
    /// What can be used. A certificate without its key is among the previous ones: it may have
    /// signed what is served.
    pub authorities: Authorities,
    /// What is wrong with the rest, for people.
    pub faults: Vec<String>,
    /// Whether a rotation is asked for.
    pub is_rotation_asked: bool,
}

/// Reads the Secret of the authorities; one without data is as good as none.
#[must_use]
pub fn read_authorities(secret: Option<&Secret>) -> FoundAuthorities {
    let mut found = FoundAuthorities {
        is_rotation_asked: is_rotation_asked(secret),
        ..FoundAuthorities::default()
    };
    let mut orphans = Vec::new();
    let mut part = |certificate: &str, key: &str| {
        let (certificate_pem, key_pem) = (value(secret, certificate), value(secret, key));
        if certificate_pem.is_empty() && key_pem.is_empty() {
            return None;
        }
        match Authority::from_pem(certificate_pem, key_pem) {
            Ok(authority) => Some(authority),
            Err(error) => {
                found
                    .faults
                    .push(format!("{certificate} and {key}: {error}"));
                orphans.extend(CaCertificate::from_pem(certificate_pem).ok());
                None
            }
        }
    };
    let signing = part(CA, CA_KEY);
    let next = part(NEXT, NEXT_KEY);
    let text = value(secret, PREVIOUS);
    let mut previous = CaCertificate::in_bundle(text);
    if !text.is_empty() && Chain::from_pem(text).is_err() {
        found.faults.push(format!("{PREVIOUS}: it is broken"));
    }
    previous.extend(orphans);
    found.authorities = Authorities {
        signing,
        next,
        previous,
    };
    found
}

/// The Secret with these authorities in the place of those it held, its rotation begun or over.
#[must_use]
pub fn with_authorities(
    before: Option<&Secret>,
    name: &str,
    authorities: &Authorities,
    is_answered: bool,
) -> Secret {
    let mut secret = renewed(before, name, "Opaque", is_answered);
    let mut data = BTreeMap::new();
    let mut put = |key: &str, text: &str| {
        data.insert(key.to_owned(), ByteString(text.as_bytes().to_vec()));
    };
    for (authority, certificate, key) in [
        (&authorities.signing, CA, CA_KEY),
        (&authorities.next, NEXT, NEXT_KEY),
    ] {
        if let Some(authority) = authority {
            put(certificate, authority.certificate().pem());
            put(key, authority.key_pem());
        }
    }
    if !authorities.previous.is_empty() {
        let previous = authorities.previous.iter().map(CaCertificate::pem);
        put(PREVIOUS, &previous.collect::<String>());
    }
    secret.data = Some(data);
    secret
}

/// Why what a Secret holds cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    /// Its `tls.crt` is not usable.
    #[error("cannot use its {CERTIFICATE}")]
    Certificate(#[source] ChainError),
    /// Its `tls.key` is not usable.
    #[error("cannot use its {KEY}")]
    Key(#[source] KeyError),
    /// Both are, but not together.
    #[error("cannot use its {CERTIFICATE} with its {KEY}")]
    Pair(#[from] PairError),
}

/// A chain and a key, which may not belong together.
pub type Apart = (Chain, Arc<dyn SigningKey>);

/// The chain and key of a Secret, still apart. `None` if it has neither: nobody has filled it yet.
///
/// # Errors
///
/// When one of them is broken.
pub fn read_pair(secret: &Secret) -> Result<Option<Apart>, ServingError> {
    let (certificate, key) = (value(Some(secret), CERTIFICATE), value(Some(secret), KEY));
    if certificate.is_empty() && key.is_empty() {
        return Ok(None);
    }
    let chain = Chain::from_pem(certificate).map_err(ServingError::Certificate)?;
    let key = key_from_pem(key).map_err(ServingError::Key)?;
    Ok(Some((chain, key)))
}

/// The certificate that a Secret has for serving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// It, first, and those that signed it.
    pub chain: Vec<CertificateDer<'static>>,
    /// What it says.
    pub facts: Facts,
}

/// What was found in the Secret of the serving certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundServing {
    /// What can be used, whatever the time is.
    pub serving: Option<Serving>,
    /// What is wrong with it, for people.
    pub fault: Option<String>,
    /// The authorities that the Secret names beside it, which signed it.
    pub authorities: Vec<CaCertificate>,
    /// Whether a rotation is asked for.
    pub is_rotation_asked: bool,
}

/// Reads the Secret of the serving certificate; one without data is as good as none.
#[must_use]
pub fn read_serving(secret: Option<&Secret>) -> FoundServing {
    let mut found = FoundServing {
        authorities: CaCertificate::in_bundle(value(secret, CA)),
        is_rotation_asked: is_rotation_asked(secret),
        ..FoundServing::default()
    };
    let read = secret.map(read_pair).transpose();
    let pair = read.and_then(|pair| {
        let pair = pair.flatten();
        let fitting = pair.map(|(chain, key)| Pair::fitting(chain, key));
        Ok(fitting.transpose()?)
    });
    match pair {
        Ok(None) => {}
        Ok(Some(pair)) => {
            let chain = pair.chain().to_vec();
            let facts = chain.first().and_then(|own| Facts::read(own).ok());
            found.serving = facts.map(|facts| Serving { chain, facts });
        }
        Err(error) => {
            found.fault = Some(crate::telemetry::causes::WithCauses(&error).to_string());
        }
    }
    found
}

/// The Secret with this certificate in the place of the one it held.
#[must_use]
pub fn with_serving(
    before: Option<&Secret>,
    name: &str,
    issued: &Issued,
    authority: &CaCertificate,
) -> Secret {
    let mut secret = renewed(before, name, "kubernetes.io/tls", true);
    let data = [
        (CERTIFICATE, issued.chain_pem.as_str()),
        (KEY, &issued.key_pem),
        (CA, authority.pem()),
    ];
    let data = data.map(|(key, text)| (key.to_owned(), ByteString(text.as_bytes().to_vec())));
    secret.data = Some(data.into());
    secret
}

/// The Secret as it was, or a new one. Its type cannot be changed and stays.
fn renewed(before: Option<&Secret>, name: &str, kind: &str, is_answered: bool) -> Secret {
    let mut secret = before.cloned().unwrap_or_default();
    if before.is_none() {
        secret.type_ = Some(kind.to_owned());
        secret.metadata.name = Some(name.to_owned());
        let label = ("app.kubernetes.io/part-of", "bindguard");
        let labels = [label].map(|(key, text)| (key.to_owned(), text.to_owned()));
        secret.metadata.labels = Some(labels.into());
    }
    secret.metadata.managed_fields = None;
    if let Some(annotations) = secret.metadata.annotations.as_mut().filter(|_| is_answered) {
        annotations.remove(ROTATE);
    }
    secret
}

fn is_rotation_asked(secret: Option<&Secret>) -> bool {
    let annotations = secret.and_then(|secret| secret.metadata.annotations.as_ref());
    annotations.is_some_and(|annotations| annotations.contains_key(ROTATE))
}

fn value<'s>(secret: Option<&'s Secret>, key: &str) -> &'s [u8] {
    secret
        .and_then(|secret| secret.data.as_ref()?.get(key))
        .map(|value| value.0.as_slice())
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
