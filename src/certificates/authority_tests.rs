use std::time::Duration;

use jiff::Timestamp;

use super::{Authority, AuthorityError, BACKDATED_BY, CaCertificate};
use crate::certificates::pair::Chain;

const DAY: Duration = Duration::from_hours(24);

fn now() -> Timestamp {
    "2026-11-24T06:00:00Z".parse().unwrap()
}

fn names() -> Vec<String> {
    vec!["bindguard.bindguard.svc".to_owned()]
}

#[test]
fn an_authority_that_is_stored_goes_on_signing() {
    let made = Authority::make(now(), DAY).unwrap();
    let (certificate, key) = (made.certificate().pem(), made.key_pem());
    let read = Authority::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(read, made);
    let issued = read.issue(&names(), now(), DAY).unwrap();
    let chain = Chain::from_pem(issued.chain_pem.as_bytes()).unwrap();
    let leaf = &chain.certificates()[0];
    assert!(made.certificate().has_signed(leaf));
    let other = Authority::make(now(), DAY).unwrap();
    assert!(!other.certificate().has_signed(leaf));
    assert!(!made.certificate().has_signed(b"no certificate"));
    assert_ne!(
        other.certificate().facts.subject,
        made.certificate().facts.subject
    );
}

#[test]
fn certificates_begin_an_hour_early_and_end_with_their_authority() {
    let made = Authority::make(now(), DAY).unwrap();
    assert_eq!(
        made.certificate().validity().not_before,
        now() - BACKDATED_BY
    );
    assert_eq!(made.certificate().validity().not_after, now() + DAY);
    let until = |lifetime| {
        let later = now() + Duration::from_hours(12);
        let issued = made.issue(&names(), later, lifetime).unwrap();
        let chain = Chain::from_pem(issued.chain_pem.as_bytes()).unwrap();
        let facts = super::Facts::read(&chain.certificates()[0]).unwrap();
        assert_eq!(facts.validity.not_before, later - BACKDATED_BY);
        facts.validity.not_after
    };
    assert_eq!(
        until(Duration::from_hours(6)),
        now() + Duration::from_hours(18)
    );
    assert_eq!(until(2 * DAY), now() + DAY);
}

#[test]
fn what_is_no_authority_is_refused_with_the_reason() {
    let (one, two) = (
        Authority::make(now(), DAY).unwrap(),
        Authority::make(now(), DAY).unwrap(),
    );
    let (certificate, key) = (one.certificate().pem(), one.key_pem());
    let issued = one.issue(&names(), now(), DAY).unwrap();
    let both = format!("{certificate}{}", two.certificate().pem());
    for (certificate, key, reason) in [
        ("", key, AuthorityError::Certificate),
        (&certificate[..200], key, AuthorityError::Certificate),
        (&both, key, AuthorityError::Certificate),
        (&issued.chain_pem, key, AuthorityError::NotAuthority),
        (certificate, "", AuthorityError::Key),
        (certificate, &key[..100], AuthorityError::Key),
        (certificate, certificate, AuthorityError::Key),
        (certificate, two.key_pem(), AuthorityError::Mismatch),
    ] {
        let refused = Authority::from_pem(certificate.as_bytes(), key.as_bytes());
        assert_eq!(refused.unwrap_err(), reason);
    }
}

#[test]
fn a_bundle_is_read_as_far_as_it_can_be() {
    let one = Authority::make(now(), DAY).unwrap();
    let leaf = one.issue(&names(), now(), DAY).unwrap().chain_pem;
    let text = format!(
        "{}{leaf}{}-----BEGIN",
        one.certificate().pem(),
        one.certificate().pem()
    );
    let read = CaCertificate::in_bundle(text.as_bytes());
    assert_eq!(read, [one.certificate().clone(), one.certificate().clone()]);
    assert!(CaCertificate::in_bundle(b"").is_empty());
}

#[test]
fn the_key_is_not_shown() {
    let made = Authority::make(now(), DAY).unwrap();
    let line = made.key_pem().lines().nth(1).unwrap();
    assert!(!format!("{made:?}").contains(line));
}
