//! The certificate authority that the API server serves with and knows users by.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::der;
use super::user::User;

const NAME: &str = "bindguard test authority";

pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its private key, both PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, NAME);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, fresh_key())
            .expect("an authority can sign itself");
        Self { issuer }
    }

    /// The authority's own certificate, PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server that is reached by any of these addresses or names.
    pub fn server(&self, names: &[&str]) -> Pair {
        let key = fresh_key();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("these are addresses or DNS names");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("an authority can sign");
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// A certificate that the API server takes for this user, in these groups.
    pub fn client(&self, user: &User) -> Pair {
        let key = fresh_key();
        let certificate =
            der::client_certificate(NAME, self.issuer.key(), &key, user.name(), user.groups());
        Pair {
            certificate: der::pem("CERTIFICATE", &certificate),
            key: key.serialize_pem(),
        }
    }
}

pub fn fresh_key() -> KeyPair {
    KeyPair::generate().expect("the system has randomness for a key")
}
