//! Certificates and keys, good and bad.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

/// A certificate and its key, PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) fn good() -> Pair {
    make(2100)
}

pub(crate) fn expired() -> Pair {
    make(2020)
}

fn make(last_year: i32) -> Pair {
    let key = KeyPair::generate().expect("the system has randomness");
    let mut params =
        CertificateParams::new(vec!["localhost".to_owned()]).expect("localhost is a DNS name");
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 1);
    let certificate = params.self_signed(&key).expect("a key can sign");
    Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}

/// PKCS #8 says in its label that a key is encrypted; what is in it nobody looks at.
pub(crate) const ENCRYPTED_KEY: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcG\n-----END ENCRYPTED PRIVATE KEY-----\n";

/// PEM in its form, with bytes in it that are no certificate.
pub(crate) const NO_X509: &str =
    "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n";

/// PEM that breaks off.
pub(crate) const CUT_OFF: &str = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n";
