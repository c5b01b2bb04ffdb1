use std::error::Error;
use std::fs;

use rcgen::{
    CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    SignatureAlgorithm, date_time_ymd,
};
use tempfile::TempDir;

use super::{FilesError, Pair, PairFiles, Timestamp};

/// A directory with `tls.crt` and `tls.key`.
struct Files(TempDir);

impl Files {
    fn new(certificate: &str, key: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::write(files.0.path().join("tls.crt"), certificate).unwrap();
        fs::write(files.0.path().join("tls.key"), key).unwrap();
        files
    }

    fn load_at(&self, now: &str) -> Result<Pair, FilesError> {
        let directory = self.0.path();
        let now = now.parse::<Timestamp>().unwrap();
        let files = PairFiles::new(directory.join("tls.crt"), directory.join("tls.key"));
        files.load(now).map(|(pair, _)| pair)
    }

    fn load(&self) -> Result<Pair, FilesError> {
        self.load_at("2026-11-24T06:00:00Z")
    }

    /// The error as a person reads it, with its causes.
    fn complaint(&self) -> String {
        complaint(&self.load().unwrap_err())
    }
}

fn complaint(error: &FilesError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A certificate of 2026 and its key, PEM.
fn made_with(algorithm: &'static SignatureAlgorithm) -> (String, String) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn made() -> (String, String) {
    made_with(&PKCS_ECDSA_P256_SHA256)
}

#[test]
fn a_pair_of_any_supported_kind_is_loaded() {
    for algorithm in [
        &PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
        &PKCS_ED25519,
    ] {
        let (certificate, key) = made_with(algorithm);
        let pair = Files::new(&certificate, &key).load().unwrap();
        let validity = pair.validity();
        assert_eq!(validity.not_before.to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(validity.not_after.to_string(), "2027-01-01T00:00:00Z");
    }
}

#[test]
fn a_chain_is_kept_whole_and_in_its_order() {
    let ((leaf, key), (issuer, _)) = (made(), made());
    let pair = Files::new(&format!("{leaf}{issuer}"), &key).load().unwrap();
    assert_eq!(pair.chain().len(), 2);
}

#[test]
fn text_around_the_pem_does_no_harm() {
    let (certificate, key) = made();
    let files = Files::new(
        &format!("subject=CN=x\n{certificate}\ntrailing\n"),
        &format!("# a key\n{certificate}{key}"),
    );
    assert!(files.load().is_ok());
}

#[test]
fn a_file_that_is_missing_is_named() {
    for (name, what) in [("tls.crt", "certificate"), ("tls.key", "private key")] {
        let (certificate, key) = made();
        let files = Files::new(&certificate, &key);
        let path = files.0.path().join(name);
        fs::remove_file(&path).unwrap();
        let expected = format!("cannot read {what} file {path:?}: No such file or directory");
        assert!(
            files.complaint().starts_with(&expected),
            "{}",
            files.complaint()
        );
    }
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named_with_the_reason() {
    let (certificate, key) = made();
    let cut = certificate.replace("-----END CERTIFICATE-----", "");
    let not_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let second_broken = format!("{certificate}{not_x509}");
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old_encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: \
                         AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let unknown = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let bad_base64 = "-----BEGIN PRIVATE KEY-----\n????\n-----END PRIVATE KEY-----\n";
    for (certificate, key, file, reason) in [
        ("", key.as_str(), "certificate", "no certificate in it"),
        ("hello", &key, "certificate", "no certificate in it"),
        (&key, &key, "certificate", "no certificate in it"),
        (&cut, &key, "certificate", "its PEM is broken"),
        (
            not_x509,
            &key,
            "certificate",
            "certificate 1 in it is not an X.509",
        ),
        (
            &second_broken,
            &key,
            "certificate",
            "certificate 2 in it is not an X.509",
        ),
        (&certificate, "", "private key", "no private key in it"),
        (
            &certificate,
            &certificate,
            "private key",
            "no private key in it",
        ),
        (&certificate, bad_base64, "private key", "its PEM is broken"),
        (&certificate, encrypted, "private key", "is encrypted"),
        (&certificate, old_encrypted, "private key", "is encrypted"),
        (&certificate, unknown, "private key", "of no supported kind"),
    ] {
        let complaint = Files::new(certificate, key).complaint();
        let named = format!("cannot use {file} file \"/");
        assert!(complaint.starts_with(&named), "{complaint}");
        assert!(complaint.contains(reason), "{complaint}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused_naming_both_files() {
    let ((certificate, _), (_, key)) = (made(), made());
    let complaint = Files::new(&certificate, &key).complaint();
    for words in ["tls.crt", "tls.key", "does not belong to the certificate"] {
        assert!(complaint.contains(words), "{complaint}");
    }
}

#[test]
fn a_chain_in_the_wrong_order_is_told_from_a_foreign_key() {
    let ((leaf, key), (issuer, _)) = (made(), made());
    let complaint = Files::new(&format!("{issuer}{leaf}"), &key).complaint();
    assert!(
        complaint.contains("belongs to certificate 2 of the chain"),
        "{complaint}"
    );
}

#[test]
fn an_expired_certificate_is_refused_with_its_date_and_one_not_yet_valid_is_not() {
    let (certificate, key) = made();
    let files = Files::new(&certificate, &key);
    let complaint = complaint(&files.load_at("2027-01-01T00:00:01Z").unwrap_err());
    assert!(
        complaint.contains("expired at 2027-01-01T00:00:00Z"),
        "{complaint}"
    );
    assert!(
        complaint.contains("now it is 2027-01-01T00:00:01Z"),
        "{complaint}"
    );
    assert!(files.load_at("2027-01-01T00:00:00Z").is_ok());
    assert!(files.load_at("2025-12-31T23:59:59Z").is_ok());
}

#[test]
fn a_certificate_without_end_is_valid() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(9999, 12, 31);
    let certificate = params.self_signed(&key).unwrap();
    let pair = Files::new(&certificate.pem(), &key.serialize_pem())
        .load()
        .unwrap();
    assert_eq!(pair.validity().not_after, Timestamp::MAX);
}
