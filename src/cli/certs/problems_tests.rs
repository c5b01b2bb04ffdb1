use std::time::Duration;

use jiff::Timestamp;

use super::{Certificates, Look, Webhook, all};
use crate::certificates::authority::Authority;
use crate::certificates::ca_bundle::TrustingWebhook;
use crate::certificates::secret::{
    Authorities, read_authorities, read_serving, with_authorities, with_serving,
};

const YEAR: Duration = Duration::from_hours(8760);
const QUARTER: Duration = Duration::from_hours(2160);

fn start() -> Timestamp {
    "2026-11-24T06:00:00Z".parse().unwrap()
}

fn authority() -> Authority {
    Authority::make(start(), YEAR).unwrap()
}

/// An installation in which all is well, at the start.
fn whole() -> Look {
    let signing = authority();
    let issued = signing
        .issue(&["s.n.svc".to_owned()], start(), QUARTER)
        .unwrap();
    let serving = with_serving(None, "tls", &issued, signing.certificate());
    let authorities = Authorities {
        signing: Some(signing),
        ..Authorities::default()
    };
    let bundle = authorities.bundle().into_bytes();
    let secret = with_authorities(None, "ca", &authorities, false);
    Look {
        certificates: Certificates::SelfManaged,
        ca_secret: "n/ca".to_owned(),
        tls_secret: "n/tls".to_owned(),
        configuration: "bindguard".to_owned(),
        has_authorities: true,
        authorities: read_authorities(Some(&secret)),
        has_serving: true,
        serving: read_serving(Some(&serving)),
        webhooks: vec![Webhook {
            kind: "K",
            webhook: TrustingWebhook {
                place: 0,
                name: "w".to_owned(),
                host: "s.n.svc".to_owned(),
                bundle,
            },
        }],
        unread: Vec::new(),
    }
}

fn problems(change: impl FnOnce(&mut Look)) -> Vec<String> {
    let mut look = whole();
    change(&mut look);
    all(&look, start())
}

#[test]
fn nothing_is_wrong_until_renewal_is_overdue() {
    let look = whole();
    for (days, problem) in [
        (0, ""),
        (60, ""),
        (74, ""),
        (
            76,
            "should have been replaced at 2027-01-23T06:00:00Z, and expires at 2027-02-22T06:00:00Z",
        ),
        (91, "expired at 2027-02-22T06:00:00Z"),
    ] {
        let now = start() + Duration::from_hours(days * 24);
        let found = all(&look, now).concat();
        assert!(found.contains(problem), "{days}: {found}");
        assert_eq!(found.is_empty(), problem.is_empty(), "{days}: {found}");
    }
    let early = all(&look, start() - Duration::from_hours(2));
    assert!(early[0].ends_with("the CA is not valid before 2026-11-24T05:00:00Z"));
}

#[test]
fn each_thing_that_is_wrong_is_named_once() {
    let gone = problems(|look| {
        look.has_authorities = false;
        look.authorities = read_authorities(None);
        look.has_serving = false;
        look.serving = read_serving(None);
        look.webhooks.clear();
    });
    assert_eq!(
        gone,
        [
            "Secret n/ca does not exist",
            "Secret n/tls does not exist",
            "no webhook configuration \"bindguard\" has a webhook of bindguard",
        ]
    );
    let another = problems(|look| {
        let authorities = Authorities {
            signing: Some(authority()),
            ..Authorities::default()
        };
        look.authorities.authorities = authorities;
    });
    assert_eq!(
        another,
        [
            "Secret n/tls: the certificate is not signed by the CA of n/ca",
            "K, webhook w: its caBundle is not what Secret n/ca says",
        ]
    );
    let elsewhere = problems(|look| look.webhooks[0].webhook.host = "other.n.svc".to_owned());
    assert!(
        elsewhere[0].starts_with(
            "K, webhook w: its caBundle does not trust the certificate for \"other.n.svc\": "
        ),
        "{elsewhere:?}"
    );
    let broken = problems(|look| {
        look.serving.serving = None;
        look.serving.fault = Some("cannot use its tls.crt".to_owned());
    });
    assert_eq!(broken, ["Secret n/tls: cannot use its tls.crt"]);
}

#[test]
fn a_rotation_under_way_is_nothing_wrong() {
    let under_way = problems(|look| {
        look.authorities.authorities.next = Some(authority());
        look.webhooks[0].webhook.bundle = look.authorities.authorities.bundle().into_bytes();
    });
    assert_eq!(under_way, [""; 0]);
}

#[test]
fn what_is_not_read_or_not_ours_is_not_judged() {
    let unread = problems(|look| {
        look.has_authorities = false;
        look.authorities = read_authorities(None);
        look.unread = vec!["cannot read Secret n/ca: forbidden".to_owned()];
    });
    assert_eq!(unread, [""; 0]);
    let unread = problems(|look| {
        look.webhooks.clear();
        let kind = "ValidatingWebhookConfiguration";
        look.unread = vec![format!("cannot read {kind} bindguard: forbidden")];
    });
    assert_eq!(unread, [""; 0]);
    let external = problems(|look| {
        look.certificates = Certificates::External;
        look.has_authorities = false;
        look.authorities = read_authorities(None);
    });
    assert_eq!(external, [""; 0]);
}
