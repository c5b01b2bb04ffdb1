use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::{
    Authorities, Authority, ROTATE, read_authorities, read_pair, read_serving, with_authorities,
    with_serving,
};

const DAY: Duration = Duration::from_hours(24);

fn now() -> Timestamp {
    "2026-11-24T06:00:00Z".parse().unwrap()
}

fn authority() -> Authority {
    Authority::make(now(), DAY).unwrap()
}

fn all() -> Authorities {
    Authorities {
        signing: Some(authority()),
        next: Some(authority()),
        previous: vec![
            authority().certificate().clone(),
            authority().certificate().clone(),
        ],
    }
}

fn set(secret: &mut Secret, key: &str, text: &[u8]) {
    let data = secret.data.as_mut().unwrap();
    data.insert(key.to_owned(), ByteString(text.to_vec()));
}

#[test]
fn what_is_written_is_read() {
    for authorities in [
        all(),
        Authorities {
            next: None,
            previous: Vec::new(),
            ..all()
        },
        Authorities {
            signing: None,
            ..all()
        },
        Authorities::default(),
    ] {
        let secret = with_authorities(None, "ca", &authorities, false);
        let found = read_authorities(Some(&secret));
        assert_eq!(found.authorities, authorities);
        assert!(found.faults.is_empty() && !found.is_rotation_asked);
    }
    let found = read_authorities(None);
    assert_eq!(found.authorities, Authorities::default());
    assert!(found.faults.is_empty());
}

#[test]
fn a_part_that_is_broken_leaves_the_others_and_is_named() {
    let authorities = all();
    let broken = |key: &str, text: &[u8]| {
        let mut secret = with_authorities(None, "ca", &authorities, false);
        set(&mut secret, key, text);
        read_authorities(Some(&secret))
    };
    let (signing, next) = (&authorities.signing, &authorities.next);
    let found = broken("ca.key", b"x");
    assert_eq!(found.authorities.next, *next);
    assert_eq!(found.authorities.signing, None);
    // It may have signed what is served.
    let orphan = signing.as_ref().unwrap().certificate();
    assert_eq!(found.authorities.previous.last(), Some(orphan));
    assert_eq!(
        found.faults,
        ["ca.crt and ca.key: the private key of the CA is broken"]
    );

    let found = broken("ca.crt", b"");
    assert_eq!(found.authorities.previous, authorities.previous);
    assert_eq!(found.faults.len(), 1);
    let other = next.as_ref().unwrap().key_pem();
    let found = broken("ca.key", other.as_bytes());
    assert!(
        found.faults[0].contains("does not belong"),
        "{:?}",
        found.faults
    );
    let found = broken("next.crt", b"\xff");
    assert_eq!(
        (found.authorities.signing, found.authorities.next),
        (signing.clone(), None)
    );
    let found = broken("previous.crt", b"-----BEGIN CERTIFICATE-----");
    assert_eq!(found.authorities.trusted().len(), 2);
    assert_eq!(found.faults, ["previous.crt: it is broken"]);
}

#[test]
fn a_bundle_holds_each_once_and_the_signing_one_first() {
    let mut authorities = all();
    let signing = authorities.signing.as_ref().unwrap().certificate().clone();
    authorities.previous.push(signing.clone());
    assert_eq!(authorities.trusted().len(), 4);
    let bundle = authorities.bundle();
    assert!(bundle.starts_with(signing.pem()));
    assert_eq!(bundle.matches("-----BEGIN CERTIFICATE-----").count(), 4);
    assert!(!bundle.contains("PRIVATE"));
    assert_eq!(Authorities::default().bundle(), "");
}

#[test]
fn a_serving_certificate_is_read_with_its_authority() {
    let authority = authority();
    let names = ["a.example".to_owned()];
    let issued = authority.issue(&names, now(), DAY).unwrap();
    let secret = with_serving(None, "tls", &issued, authority.certificate());
    let found = read_serving(Some(&secret));
    assert_eq!(found.fault, None);
    assert_eq!(found.serving.unwrap().facts.names, names);
    assert_eq!(found.authorities, [authority.certificate().clone()]);
    assert!(read_pair(&secret).unwrap().is_some());

    for (key, text, fault) in [
        (
            "tls.crt",
            &b""[..],
            "cannot use its tls.crt: there is no certificate",
        ),
        (
            "tls.key",
            b"",
            "cannot use its tls.key: there is no private key",
        ),
        ("tls.crt", b"x", "cannot use its tls.crt"),
        (
            "tls.key",
            authority.key_pem().as_bytes(),
            "cannot use its tls.crt with its tls.key",
        ),
    ] {
        let mut broken = secret.clone();
        set(&mut broken, key, text);
        let found = read_serving(Some(&broken));
        assert!(found.serving.is_none());
        let told = found.fault.unwrap();
        assert!(told.starts_with(fault), "{key}: {told}");
    }
    let empty = Secret::default();
    assert_eq!(read_serving(Some(&empty)), read_serving(None));
    assert!(read_pair(&empty).unwrap().is_none());
}

#[test]
fn what_others_wrote_about_a_secret_stays_but_for_an_answered_request() {
    let mut before = with_authorities(None, "ca", &all(), false);
    before.metadata.resource_version = Some("7".to_owned());
    let annotations = [(ROTATE, "now"), ("other", "1")];
    let annotations = annotations.map(|(key, value)| (key.to_owned(), value.to_owned()));
    before.metadata.annotations = Some(annotations.into());
    assert!(read_authorities(Some(&before)).is_rotation_asked);
    let unanswered = with_authorities(Some(&before), "ca", &all(), false);
    assert!(read_authorities(Some(&unanswered)).is_rotation_asked);
    let answered = with_authorities(Some(&before), "ca", &all(), true);
    assert!(!read_authorities(Some(&answered)).is_rotation_asked);
    assert_eq!(answered.metadata.resource_version.as_deref(), Some("7"));
    assert_eq!(answered.metadata.annotations.unwrap().len(), 1);
    assert_eq!(answered.metadata.labels, before.metadata.labels);
}
