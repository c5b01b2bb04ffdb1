use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::super::authority::{Authority, CaCertificate};
use super::super::secret::{
    ROTATE, read_authorities, read_serving, with_authorities, with_serving,
};
use super::{Evidence, MOST_PREVIOUS, PUBLISH_FOR, Settings, Step, needs_witnesses, next_step};

#[path = "rotation_laws.rs"]
mod laws;

const YEAR: Duration = Duration::from_hours(8760);
const QUARTER: Duration = Duration::from_hours(2160);
const DAY: Duration = Duration::from_hours(24);

fn start() -> Timestamp {
    "2026-11-24T06:00:00Z".parse().unwrap()
}

fn settings() -> Settings {
    let names = ["bindguard.bindguard.svc", "10.0.0.1"].map(str::to_owned);
    Settings::new(names, YEAR, QUARTER)
}

/// The two Secrets, and a controller that is asked again and again.
struct Store {
    now: Timestamp,
    ca: Option<Secret>,
    serving: Option<Secret>,
}

impl Store {
    fn new() -> Self {
        Self {
            now: start(),
            ca: None,
            serving: None,
        }
    }

    /// One that has settled.
    fn settled() -> Self {
        let mut store = Self::new();
        store.settle(None, false, &[]);
        store
    }

    fn step(
        &mut self,
        published: Option<Duration>,
        all_serve: bool,
        seen: &[CaCertificate],
    ) -> Step {
        let found = read_authorities(self.ca.as_ref());
        let serving = read_serving(self.serving.as_ref());
        let evidence = Evidence {
            now: self.now,
            published_for: published,
            all_serve_signing: all_serve,
            witnessed: seen,
        };
        let step = next_step(&settings(), &found, &serving, evidence).unwrap();
        match &step {
            Step::Wait => {}
            Step::Authorities(change) => {
                let (authorities, is_answered) = (&change.authorities, change.is_answered);
                let written = with_authorities(self.ca.as_ref(), "ca", authorities, is_answered);
                self.ca = Some(written);
            }
            Step::Issue { .. } => {
                let signing = found.authorities.signing.unwrap();
                let issued = signing
                    .issue(settings().names(), self.now, QUARTER)
                    .unwrap();
                let written =
                    with_serving(self.serving.as_ref(), "tls", &issued, signing.certificate());
                self.serving = Some(written);
            }
        }
        step
    }

    /// Until there is nothing to do; gives what was done.
    fn settle(
        &mut self,
        published: Option<Duration>,
        all_serve: bool,
        seen: &[CaCertificate],
    ) -> Vec<&'static str> {
        let mut done = Vec::new();
        loop {
            match self.step(published, all_serve, seen) {
                Step::Wait => return done,
                Step::Authorities(_) => done.push("authorities"),
                Step::Issue { .. } => done.push("issue"),
            }
            assert!(done.len() < 10, "it never settles: {done:?}");
        }
    }

    fn authorities(&self) -> super::Authorities {
        read_authorities(self.ca.as_ref()).authorities
    }

    fn signing(&self) -> CaCertificate {
        self.authorities().signing.unwrap().certificate().clone()
    }

    fn serving(&self) -> super::super::secret::Serving {
        read_serving(self.serving.as_ref()).serving.unwrap()
    }

    fn ask(secret: &mut Option<Secret>) {
        let annotations = secret
            .as_mut()
            .unwrap()
            .metadata
            .annotations
            .get_or_insert_default();
        annotations.insert(ROTATE.to_owned(), "now".to_owned());
    }

    fn break_key(secret: &mut Option<Secret>, key: &str) {
        let data = secret.as_mut().unwrap().data.as_mut().unwrap();
        data.get_mut(key).unwrap().0 = b"broken".to_vec();
    }
}

#[test]
fn the_first_time_an_authority_and_a_certificate_are_made_at_once() {
    let mut store = Store::new();
    assert_eq!(store.settle(None, false, &[]), ["authorities", "issue"]);
    assert!(store.signing().has_signed(&store.serving().chain[0]));
    assert_eq!(store.serving().facts.names, settings().names());
    assert_eq!(store.ca.as_ref().unwrap().type_.as_deref(), Some("Opaque"));
    let kind = store.serving.as_ref().unwrap().type_.as_deref();
    assert_eq!(kind, Some("kubernetes.io/tls"));
}

#[test]
fn secrets_that_somebody_made_empty_are_filled_in_place() {
    let mut store = Store::new();
    let empty = |kind: &str| {
        let mut secret = Secret::default();
        secret.metadata.resource_version = Some("7".to_owned());
        secret.type_ = Some(kind.to_owned());
        secret.data = Some([("tls.crt".to_owned(), ByteString::default())].into());
        Some(secret)
    };
    (store.ca, store.serving) = (empty("Opaque"), empty("Opaque"));
    assert_eq!(store.settle(None, false, &[]), ["authorities", "issue"]);
    let secret = store.serving.unwrap();
    assert_eq!(secret.metadata.resource_version.as_deref(), Some("7"));
    assert_eq!(secret.type_.as_deref(), Some("Opaque"));
}

#[test]
fn the_certificate_is_renewed_at_two_thirds_of_its_life() {
    let mut store = Store::settled();
    let before = store.serving();
    store.now = start() + QUARTER / 3 * 2 - Duration::from_secs(1);
    assert_eq!(store.settle(None, false, &[]), [""; 0]);
    store.now = start() + QUARTER / 3 * 2;
    assert_eq!(store.settle(None, false, &[]), ["issue"]);
    assert_ne!(store.serving(), before);
    assert_eq!(store.settle(None, false, &[]), [""; 0]);
}

#[test]
fn an_authority_is_replaced_in_three_steps_each_of_which_waits_for_its_evidence() {
    let mut store = Store::settled();
    let old = store.signing();
    let old_leaf = store.serving();
    // Its certificates are renewed meanwhile, and do not count here.
    store.now = start() + YEAR / 3 * 2;
    assert_eq!(store.settle(None, true, &[]), ["authorities", "issue"]);
    assert_ne!(store.serving(), old_leaf);
    let authorities = store.authorities();
    let next = authorities.next.clone().unwrap().certificate().clone();
    assert_eq!(authorities.trusted(), [&old, &next]);

    for short in [None, Some(PUBLISH_FOR / 10 * 9)] {
        assert_eq!(store.settle(short, true, &[]), [""; 0]);
    }
    assert!(old.has_signed(&store.serving().chain[0]));
    let published = Some(PUBLISH_FOR);
    assert_eq!(
        store.settle(published, false, &[]),
        ["authorities", "issue"]
    );
    assert_eq!(store.authorities().trusted(), [&next, &old]);
    assert!(next.has_signed(&store.serving().chain[0]));

    assert_eq!(store.settle(published, false, &[]), [""; 0]);
    assert_eq!(store.settle(published, true, &[]), ["authorities"]);
    assert_eq!(store.authorities().trusted(), [&next]);
    assert_eq!(store.settle(published, true, &[]), [""; 0]);
}

#[test]
fn an_old_authority_that_nobody_can_be_seen_to_need_is_kept_until_it_expires() {
    let mut store = Store::settled();
    Store::ask(&mut store.ca);
    let published = Some(PUBLISH_FOR);
    store.settle(published, false, &[]);
    assert_eq!(store.authorities().previous.len(), 1);
    store.now = start() + YEAR;
    store.settle(published, false, &[]);
    let is_old = |ca: &&CaCertificate| ca.validity().not_after == start() + YEAR;
    assert!(store.authorities().previous.iter().any(|ca| is_old(&ca)));
    store.now = start() + YEAR + Duration::from_secs(1);
    store.settle(published, false, &[]);
    assert!(!store.authorities().previous.iter().any(|ca| is_old(&ca)));
}

#[test]
fn a_rotation_that_is_asked_for_is_done_once() {
    let mut store = Store::settled();
    let before = store.serving();
    Store::ask(&mut store.serving);
    assert_eq!(store.settle(None, true, &[]), ["issue"]);
    assert_ne!(store.serving(), before);
    assert!(!read_serving(store.serving.as_ref()).is_rotation_asked);

    let (old, published) = (store.signing(), Some(PUBLISH_FOR));
    Store::ask(&mut store.ca);
    assert_eq!(store.settle(None, true, &[]), ["authorities"]);
    let found = read_authorities(store.ca.as_ref());
    assert!(!found.is_rotation_asked && found.authorities.next.is_some());
    let done = store.settle(published, true, &[]);
    // What everyone is seen to serve follows what is issued.
    assert_eq!(done, ["authorities", "authorities", "issue"]);
    assert_ne!(store.signing(), old);
    assert_eq!(store.settle(published, true, &[]), [""; 0]);
}

#[test]
fn a_broken_certificate_is_issued_anew_and_a_lost_key_of_the_authority_costs_an_overlap() {
    for key in ["tls.crt", "tls.key"] {
        let mut store = Store::settled();
        Store::break_key(&mut store.serving, key);
        assert_eq!(store.settle(None, true, &[]), ["issue"]);
    }
    let mut store = Store::settled();
    let (old, leaf) = (store.signing(), store.serving());
    Store::break_key(&mut store.ca, "ca.key");
    assert!(needs_witnesses(
        &read_authorities(store.ca.as_ref()),
        store.now
    ));
    assert_eq!(store.settle(None, false, &[]), ["authorities"]);
    let authorities = store.authorities();
    assert!(authorities.signing.is_none());
    assert_eq!(authorities.trusted().last(), Some(&&old));
    assert_eq!(store.serving(), leaf);
    let done = store.settle(Some(PUBLISH_FOR), false, &[]);
    assert_eq!(done, ["authorities", "issue"]);
    assert_eq!(store.authorities().previous, [old]);
}

#[test]
fn a_lost_authority_stays_trusted_as_far_as_it_is_witnessed() {
    let mut store = Store::settled();
    let old = store.signing();
    store.ca = None;
    assert_eq!(
        store.settle(None, false, std::slice::from_ref(&old)),
        ["authorities"]
    );
    assert!(store.authorities().signing.is_none());
    assert_eq!(store.authorities().previous, [old]);

    // Nobody serves anything of it: there is nothing to lose.
    let mut store = Store::settled();
    store.ca = None;
    assert_eq!(store.settle(None, false, &[]), ["authorities", "issue"]);
    assert!(store.authorities().previous.is_empty());

    // Neither does one that has expired.
    let mut store = Store::settled();
    let old = store.signing();
    store.ca = None;
    store.now = start() + YEAR + DAY;
    assert_eq!(store.settle(None, false, &[old]), ["authorities", "issue"]);
    assert!(store.authorities().previous.is_empty());
}

#[test]
fn whatever_a_clock_says_what_is_not_valid_now_is_replaced() {
    for jump in [-2 * 3600, 20 * 365 * 24 * 3600] {
        let mut store = Store::settled();
        store.now = Timestamp::from_second(start().as_second() + jump).unwrap();
        assert_eq!(store.settle(None, false, &[]), ["authorities", "issue"]);
        assert!(store.signing().validity().holds_at(store.now));
        assert!(store.serving().facts.validity.holds_at(store.now));
    }
    // Within the hour by which certificates begin early, nothing is amiss.
    let mut store = Store::settled();
    store.now = start() - Duration::from_mins(59);
    assert_eq!(store.settle(None, false, &[]), [""; 0]);
}

#[test]
fn other_names_make_another_certificate() {
    let store = Store::settled();
    let more = Settings::new(["a.example".to_owned()], YEAR, QUARTER);
    let (found, serving) = (
        read_authorities(store.ca.as_ref()),
        read_serving(store.serving.as_ref()),
    );
    let evidence = Evidence {
        now: store.now,
        published_for: None,
        all_serve_signing: false,
        witnessed: &[],
    };
    let step = next_step(&more, &found, &serving, evidence).unwrap();
    assert!(matches!(step, Step::Issue { reason } if reason.contains("other names")));
    let same = Settings::new(
        ["10.0.0.1", "bindguard.bindguard.svc", "10.0.0.1"].map(str::to_owned),
        YEAR,
        QUARTER,
    );
    let step = next_step(&same, &found, &serving, evidence).unwrap();
    assert_eq!(step, Step::Wait);
    let addresses = Settings::new(["fd00:0::1".to_owned()], YEAR, QUARTER);
    assert_eq!(addresses.names(), ["fd00::1"]);
}

#[test]
fn a_certificate_that_ends_with_its_authority_is_not_renewed_in_vain() {
    let mut store = Store::settled();
    // Endpoints cannot be seen and configurations are not right, for long.
    store.now = start() + YEAR - QUARTER / 2;
    store.settle(None, false, &[]);
    assert_eq!(store.serving().facts.validity.not_after, start() + YEAR);
    store.now = start() + YEAR - Duration::from_secs(5);
    assert_eq!(store.settle(None, false, &[]), [""; 0]);
}

#[test]
fn not_all_previous_authorities_are_kept_for_ever() {
    let many: Vec<CaCertificate> = (0..20)
        .map(|_| {
            Authority::make(start(), YEAR)
                .unwrap()
                .certificate()
                .clone()
        })
        .collect();
    let mut store = Store::new();
    store.settle(None, false, &many);
    assert_eq!(store.authorities().previous, many[..MOST_PREVIOUS]);
}
