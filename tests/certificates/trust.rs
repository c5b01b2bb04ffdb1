//! Nobody breaks the trust of the API server by a slip, since it refuses that itself.

use bindguard::certificates::self_signed;
use bindguard::telemetry::clock::now;
use serde_json::{Value, json};

use crate::calls::Calls;
use crate::support::{ADMIN, Output};
use crate::world::{World, until};

const EMPTIED: &str = "without its caBundle the API server trusts nobody to answer for bindguard, \
                       and refuses every persona binding. ";
const CHANGED: &str = "bindguard's controller keeps the caBundle of bindguard's webhooks, and \
                       nobody else changes it. ";
const OTHERWISE: &str = "To do it all the same, first delete the \
                         ValidatingAdmissionPolicyBinding trust.bindguard.dev; to do without \
                         bindguard, delete the whole configuration";

/// A CA that nobody knows, PEM.
fn foreign() -> String {
    let made = self_signed::make(&[], now()).expect("a CA");
    made.ca_pem
}

impl World {
    /// Whether these are words of this guard and no other, and these words.
    fn is_refusal(&self, told: &str, words: &str) -> bool {
        let guard = format!("'trust.{}'", self.name);
        told.contains(&format!(
            "ValidatingAdmissionPolicy {guard} with binding {guard} denied request: {words}{OTHERWISE}"
        ))
    }

    /// Sends what is there, without the `caBundle` of one webhook, in place of it.
    fn replace_without(&self, place: usize) -> Output {
        let mut live = serde_json::to_value(self.live()).expect("an object");
        live["apiVersion"] = "admissionregistration.k8s.io/v1".into();
        live["kind"] = "ValidatingWebhookConfiguration".into();
        let config = live["webhooks"][place]["clientConfig"].as_object_mut();
        let removed = config.expect("an object").remove("caBundle");
        assert!(removed.is_some_and(|bundle| bundle != json!("")));
        let args = ["replace", "--filename", "-"];
        self.plane.kubectl_stdin(ADMIN, &args, &live.to_string())
    }

    /// Changes what is there by a JSON patch.
    fn change(&self, patch: &Value) {
        let patch = format!("--patch={patch}");
        let args = ["patch", "validatingwebhookconfiguration", &self.name];
        let args = [&args[..], &["--type=json", &patch]].concat();
        self.plane.kubectl(ADMIN, &args).expect_success();
    }

    /// A guard takes a moment to be in force.
    fn until_guarded(&self, bundle: Option<&str>) {
        until("the guard of trust is in force", || {
            self.probe_bundle(0, bundle).is_err()
        });
    }
}

#[test]
#[ignore = "runs in a network of its own"]
fn whoever_empties_or_changes_a_ca_bundle_is_refused_and_no_call_fails() {
    let installed = World::installed(&[]);
    let world = &installed.world;
    world.until_guarded(Some(&foreign()));
    let calls = Calls::begin(world);
    let before = world.live();
    let right = world.signing().pem().to_owned();
    let (foreign, both) = (foreign(), format!("{right}{}", foreign()));
    for place in 0..2 {
        let told = world.try_bundle(place, None).expect_err("it is refused");
        assert!(world.is_refusal(&told, EMPTIED), "{told}");
        let told = world.replace_without(place).expect_failure();
        assert!(world.is_refusal(&told, EMPTIED), "{told}");
        for wrong in [&foreign, &both] {
            let told = world.try_bundle(place, Some(wrong));
            let told = told.expect_err("it is refused");
            assert!(world.is_refusal(&told, CHANGED), "{told}");
        }
    }
    assert_eq!(world.live(), before);

    // What tools do that know nothing of caBundle, and what an upgrade does, goes on as ever.
    world.register();
    let args = ["apply", "--filename", "-"];
    for _ in 0..2 {
        let configuration = world.configuration();
        let applied = world.plane.kubectl_stdin(ADMIN, &args, &configuration);
        applied.expect_success();
    }
    assert_eq!(world.live().webhooks, before.webhooks);
    world.change(&json!([{"op": "add", "path": "/webhooks/0/timeoutSeconds", "value": 9}]));
    let mut added = serde_json::to_value(&before.webhooks).expect("webhooks")[1].clone();
    added["name"] = "added.bindguard.dev".into();
    let config = added["clientConfig"].as_object_mut().expect("an object");
    config.remove("caBundle");
    world.change(&json!([{"op": "add", "path": "/webhooks/-", "value": added}]));
    until("the controller fills in what was added", || {
        world.bundles() == [&*right, &*right, &*right]
    });
    world.change(&json!([{"op": "remove", "path": "/webhooks/2"}]));
    world.certs(&["rotate", "--ca"]).expect_success();
    assert_ne!(world.signing().pem(), right, "the controller may change it");
    eprintln!("figure: {} calls meanwhile, none failed", calls.end());
    let repairs: i64 = installed
        .controllers
        .iter()
        .map(|one| one.metric("ca_bundle_repairs_total{kind=\"validating\"}"))
        .sum();
    assert_eq!(
        repairs, 4,
        "the first, the added one, and two of the rotation"
    );

    // To do without bindguard, nobody is asked.
    let delete = ["delete", "validatingwebhookconfiguration", &world.name];
    world.plane.kubectl(ADMIN, &delete).expect_success();
}

#[test]
#[ignore = "runs in a network of its own"]
fn where_others_keep_the_ca_bundle_they_change_it_and_nobody_empties_it() {
    let world = World::external();
    world.register();
    let (first, second) = (foreign(), foreign());
    world.set_bundle(0, Some(&first));
    world.until_guarded(None);
    for bundle in [&first, &second, &format!("{first}{second}")] {
        world.set_bundle(0, Some(bundle));
    }
    for told in [
        world.try_bundle(0, None).expect_err("it is refused"),
        world.replace_without(0).expect_failure(),
    ] {
        assert!(world.is_refusal(&told, EMPTIED), "{told}");
    }
    // The other has none yet, and may be left so.
    world.register();
    assert_eq!(world.bundles(), [&*format!("{first}{second}"), ""]);
}

#[test]
#[ignore = "runs in a network of its own"]
fn without_the_binding_of_the_guard_a_ca_bundle_can_be_emptied() {
    let world = World::external();
    world.register();
    world.set_bundle(0, Some(&foreign()));
    world.until_guarded(None);
    let told = world.try_bundle(0, None).expect_err("it is refused");
    assert!(world.is_refusal(&told, EMPTIED), "{told}");
    let name = format!("trust.{}", world.name);
    let delete = ["delete", "validatingadmissionpolicybinding", &name];
    world.plane.kubectl(ADMIN, &delete).expect_success();
    until("it is let through", || world.try_bundle(0, None).is_ok());
    assert_eq!(world.bundles()[0], "");
}
