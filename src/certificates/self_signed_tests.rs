use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::X509Certificate;

use super::{IssueError, SelfSigned, SelfSignedError, Timestamp, make};

fn now() -> Timestamp {
    "2026-11-24T06:00:00Z".parse().unwrap()
}

fn made(extra_names: &[&str]) -> SelfSigned {
    let names: Vec<_> = extra_names.iter().map(|name| (*name).to_owned()).collect();
    make(&names, now()).unwrap()
}

fn ca(made: &SelfSigned) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(made.ca_pem.as_bytes()).unwrap()
}

fn leaf(made: &SelfSigned) -> &CertificateDer<'static> {
    &made.pair.chain()[0]
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> X509Certificate<'a> {
    x509_parser::parse_x509_certificate(der).unwrap().1
}

fn verify(trusted: &SelfSigned, shown: &SelfSigned, name: &str, at: Timestamp) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(ca(trusted)).unwrap();
    let provider = Arc::new(default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .unwrap();
    let seconds = u64::try_from(at.as_second()).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let name = ServerName::try_from(name).unwrap();
    verifier
        .verify_server_cert(leaf(shown), &[], &name, &[], at)
        .is_ok()
}

#[test]
fn the_ca_vouches_for_every_name_and_for_no_other() {
    let made = made(&["bindguard.bindguard.svc", "10.1.2.3", "localhost"]);
    for name in [
        "127.0.0.1",
        "::1",
        "localhost",
        "bindguard.bindguard.svc",
        "10.1.2.3",
    ] {
        assert!(verify(&made, &made, name, now()), "{name}");
    }
    for name in ["example.com", "10.1.2.4", "svc", "::2"] {
        assert!(!verify(&made, &made, name, now()), "{name}");
    }
}

#[test]
fn every_start_has_a_ca_of_its_own() {
    let (first, second) = (made(&[]), made(&[]));
    assert_ne!(first.ca_pem, second.ca_pem);
    assert_ne!(leaf(&first), leaf(&second));
    assert_ne!(parsed(leaf(&first)).serial, parsed(leaf(&second)).serial);
    assert!(!verify(&first, &second, "localhost", now()));
}

#[test]
fn it_is_valid_from_an_hour_ago_for_a_year() {
    let made = made(&[]);
    let validity = made.pair.validity();
    assert_eq!(validity.not_before.to_string(), "2026-11-24T05:00:00Z");
    assert_eq!(validity.not_after.to_string(), "2027-11-24T06:00:00Z");
    let ca = ca(&made);
    assert_eq!(parsed(&ca).validity(), parsed(leaf(&made)).validity());
    let at = |time: &str| verify(&made, &made, "localhost", time.parse().unwrap());
    assert!(at("2026-11-24T05:00:00Z") && at("2027-11-24T05:59:59Z"));
    assert!(!at("2026-11-24T04:59:59Z") && !at("2027-11-24T06:00:01Z"));
}

#[test]
fn only_the_ca_may_sign_and_only_the_leaf_may_serve() {
    let made = made(&[]);
    let ca = ca(&made);
    let (ca, leaf) = (parsed(&ca), parsed(leaf(&made)));
    assert!(ca.is_ca() && !leaf.is_ca());
    assert_eq!(
        ca.basic_constraints()
            .unwrap()
            .unwrap()
            .value
            .path_len_constraint,
        Some(0)
    );
    let usage = |certificate: &X509Certificate<'_>| {
        let usage = certificate.key_usage().unwrap().unwrap();
        assert!(usage.critical);
        (usage.value.key_cert_sign(), usage.value.digital_signature())
    };
    assert_eq!((usage(&ca), usage(&leaf)), ((true, false), (false, true)));
    let purpose = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(purpose.server_auth && !purpose.client_auth && !purpose.any);
    assert_eq!(leaf.issuer(), ca.subject());
    assert_ne!(leaf.subject(), ca.subject());
}

#[test]
fn the_leaf_names_the_key_that_signed_it() {
    // What tells a verifier which of two CAs of the same name is meant.
    let made = made(&[]);
    let ca = ca(&made);
    let key_id = |certificate: &X509Certificate<'_>, of_issuer: bool| {
        certificate
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) if !of_issuer => Some(id.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(id) if of_issuer => {
                    id.key_identifier.as_ref().map(|id| id.0.to_vec())
                }
                _ => None,
            })
    };
    let signer = key_id(&parsed(leaf(&made)), true);
    assert!(signer.is_some());
    assert_eq!(signer, key_id(&parsed(&ca), false));
}

#[test]
fn a_name_that_is_given_twice_is_written_once() {
    let made = made(&["localhost", "127.0.0.1", "a.example", "a.example"]);
    let leaf = parsed(leaf(&made));
    let names = &leaf
        .subject_alternative_name()
        .unwrap()
        .unwrap()
        .value
        .general_names;
    let dns: Vec<_> = names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
        .collect();
    assert_eq!(dns, ["localhost", "a.example"]);
    assert_eq!(names.len(), 4);
}

#[test]
fn a_name_that_is_none_is_refused_by_name() {
    for name in [
        "",
        "a b",
        "a..b",
        "*.example.com",
        "https://host",
        "host:8443",
        "ä.example",
    ] {
        let error = make(&[name.to_owned()], now()).unwrap_err();
        assert!(
            matches!(
                &error,
                SelfSignedError::Issue(IssueError::Name { name: refused }) if refused == name
            ),
            "{name:?}: {error}"
        );
    }
}

#[test]
fn a_clock_at_either_end_of_time_is_no_panic() {
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        drop(make(&[], now));
    }
}
