//! What others break while bindings are written, and what the controller does of its own accord,
//! with the rights that the chart gives.

use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use crate::is_soak;
use crate::load::Load;
use crate::release::{NAME, Release};
use crate::support::{
    ADMIN, Output, clean_command, eventually, fresh_folder, http_get_at, run, send_signal,
};
use crate::world::{World, world};

const CA: &str = "bindguard-ca";
const TLS: &str = "bindguard-tls";
const CONTROLLER: &str = "deployment/bindguard-controller";
const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn certificates_come_and_go_and_break_without_a_failed_call() {
    let world = world();
    let release = Release::installed(&world);
    let load = Load::begin(&world, 50);
    let stage = Stage {
        world: &world,
        release: &release,
    };

    stage.rotated("the certificate", &["certs", "rotate"], |stage| {
        stage.secret(TLS)
    });
    stage.rotated("the CA", &["certs", "rotate", "--ca"], |stage| {
        stage.secret(CA)
    });
    stage.repaired("a deleted certificate", TLS, |stage| {
        stage.release.kubectl(&["delete", "secret", TLS]);
    });
    stage.repaired("a broken certificate", TLS, |stage| {
        stage.set(TLS, "tls.crt", "-----BEGIN CERTIFICATE-----\nbroken");
    });
    if is_soak() {
        stage.repaired("a deleted CA", CA, |stage| {
            stage.release.kubectl(&["delete", "secret", CA]);
        });
    }
    stage.whole();

    // The same chart again, with Secrets and a configuration that hold nothing.
    let (bundle, secret) = (stage.bundle(), stage.secret(TLS));
    release.upgrade(&[]);
    assert_eq!(stage.bundle(), bundle);
    assert_eq!(stage.secret(TLS), secret);

    if is_soak() {
        // Killed, they take time to know who leads: the one that did cannot give it back.
        for controller in release.pods("controller") {
            send_signal("KILL", &controller.process.to_string());
        }
        stage.rotated(
            "the certificate, by killed controllers,",
            &["certs", "rotate"],
            |stage| stage.secret(TLS),
        );
    }
    // Nobody looks after anything for a while.
    release.kubectl(&["scale", CONTROLLER, "--replicas=0"]);
    let gone = eventually(LIMIT, || {
        release.pods("controller").is_empty().then_some(())
    });
    assert!(gone.is_some());
    release.kubectl(&["scale", CONTROLLER, "--replicas=2"]);
    release.until_ready("controller", 2);
    stage.rotated(
        "the certificate, by new controllers,",
        &["certs", "rotate"],
        |stage| stage.secret(TLS),
    );
    load.end_without_failure("rotations, lost and broken Secrets, an upgrade, no controller");
}

/// How somebody may try to have the API server trust nobody, or somebody else.
const HARMS: [(&str, &str); 3] = [
    (
        "emptied",
        r#"[{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]"#,
    ),
    (
        "emptied of both",
        r#"[{"op": "remove", "path": "/webhooks/1/clientConfig/caBundle"},
            {"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]"#,
    ),
    (
        "cut",
        r#"[{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": ""}]"#,
    ),
];

const GUARD: &str = "trust.bindguard.dev";

#[test]
fn a_ca_bundle_that_is_blanked_fails_no_call_since_that_is_refused() {
    let world = world();
    let release = Release::installed(&world);
    let stage = Stage {
        world: &world,
        release: &release,
    };
    let right = stage.led();
    stage.until_guarded(true);
    let load = Load::light(&world, 20);
    for _ in 0..if is_soak() { 20 } else { 2 } {
        for (how, patch) in HARMS {
            let refused = stage.patch(patch, &[]);
            let told = refused.expect_failure();
            assert!(told.contains(GUARD), "{how}: {told}");
            assert!(
                told.contains("without its caBundle the API server trusts nobody"),
                "{how}: {told}"
            );
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(stage.bundle(), Some(right));
    load.end_without_failure("a caBundle that somebody tries to blank");
}

/// As on an API before 1.30, which has no guards.
#[test]
fn without_the_guard_a_blanked_ca_bundle_is_back_within_a_second() {
    let world = world();
    let release = Release::installed(&world);
    let stage = Stage {
        world: &world,
        release: &release,
    };
    let right = Some(stage.led());
    release.kubectl(&["delete", "validatingadmissionpolicybinding", GUARD]);
    stage.until_guarded(false);
    for _ in 0..if is_soak() { 20 } else { 2 } {
        let load = Load::light(&world, 20);
        let before = load.elapsed();
        stage.patch(HARMS[0].1, &[]).expect_success();
        let (start, patched) = (Instant::now(), load.elapsed());
        let back = eventually(LIMIT, || (stage.bundle() == right).then(|| start.elapsed()));
        let back = back.expect("it is put right");
        std::thread::sleep(Duration::from_secs(2));
        // What the API server asks within that moment it cannot trust the answer of.
        let failures = load.failures();
        let last = failures.iter().map(|failure| failure.at).max();
        let open = last.map_or(Duration::ZERO, |last| last.saturating_sub(before));
        eprintln!(
            "figure: a blanked caBundle is seen to be back after {back:.1?}; {} calls failed, the \
             last {open:.1?} after it was blanked",
            failures.len()
        );
        assert!(back < Duration::from_secs(1), "{back:?}");
        // When within kubectl's call it was blanked is not known.
        let longest = Duration::from_secs(1) + patched.saturating_sub(before);
        assert!(open < longest, "{failures:?}");
        for failure in failures {
            assert!(failure.reason.contains("x509"), "{failure:?}");
        }
        drop(load);
    }
    // The next upgrade brings the guard back.
    release.upgrade(&[]);
    stage.until_guarded(true);
}

struct Stage<'w> {
    world: &'w World,
    release: &'w Release<'w>,
}

impl Stage<'_> {
    /// The `caBundle` of the webhook that refuses, once a controller leads: nobody repairs while
    /// nobody leads, which is so for 20 s after a leader was killed.
    fn led(&self) -> String {
        self.world.until(NAME, "a controller leads", LIMIT, || {
            let controllers = self.release.pods("controller");
            let metrics = controllers
                .iter()
                .filter_map(|pod| http_get_at(&pod.address, 8080, "/metrics").ok());
            let mut metrics = metrics.map(|(_, metrics)| metrics);
            metrics
                .any(|metrics| metrics.contains("bindguard_leader 1\n"))
                .then_some(())
        });
        self.bundle().expect("there is a caBundle")
    }

    /// Changes the configuration that refuses by a JSON patch.
    fn patch(&self, patch: &str, more: &[&str]) -> Output {
        let patch = format!("--patch={patch}");
        let args = [
            "patch",
            "validatingwebhookconfiguration",
            NAME,
            "--type=json",
        ];
        let args = [&args[..], &[&patch], more].concat();
        self.world.plane.kubectl(ADMIN, &args)
    }

    /// A guard takes a moment to be in force, and to be so no more.
    fn until_guarded(&self, is_guarded: bool) {
        let what = format!("blanking a caBundle is refused: {is_guarded}");
        self.world.until(NAME, &what, LIMIT, || {
            let output = self.patch(HARMS[0].1, &["--dry-run=server"]);
            (output.succeeded() != is_guarded).then_some(())
        });
    }

    /// What a Secret holds.
    fn secret(&self, name: &str) -> Option<Value> {
        let args = ["get", "secret", name, "--namespace", NAME, "--output=json"];
        let output = self.world.plane.kubectl(ADMIN, &args);
        let secret: Value = serde_json::from_str(&output.stdout).ok()?;
        Some(secret["data"].clone()).filter(|data| !data.is_null())
    }

    fn set(&self, secret: &str, key: &str, value: &str) {
        let value = ByteString(value.as_bytes().to_vec());
        let patch = json!({"data": {key: value}});
        let patch = format!("--patch={patch}");
        self.release
            .kubectl(&["patch", "secret", secret, "--type=merge", &patch]);
    }

    /// The `caBundle` of the webhook that refuses.
    fn bundle(&self) -> Option<String> {
        let live = self.world.get(&["validatingwebhookconfiguration", NAME]);
        let bundle = &live["webhooks"][0]["clientConfig"]["caBundle"];
        bundle.as_str().map(str::to_owned)
    }

    /// `bindguard certs rotate` as somebody at a terminal runs it, to its end.
    #[track_caller]
    fn rotated(&self, what: &str, args: &[&str], holds: impl Fn(&Self) -> Option<Value>) {
        let before = holds(self);
        let start = Instant::now();
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_bindguard"));
        let mut command = clean_command(binary, &fresh_folder("certs"));
        command
            .args(args)
            .args(["--bindguard-namespace", NAME])
            .env("KUBECONFIG", self.world.plane.kubeconfig(ADMIN));
        let output = run(format!("bindguard {}", args.join(" ")), command, "");
        assert!(
            output.succeeded(),
            "{output}\n{}",
            self.world.kubelet.logs(NAME)
        );
        assert_ne!(holds(self), before, "{what} is another");
        eprintln!("figure: {what} was rotated in {:.1?}", start.elapsed());
    }

    /// Breaks something, and waits until the Secret holds something else that is whole.
    #[track_caller]
    fn repaired(&self, what: &str, secret: &str, harm: impl Fn(&Self)) {
        let before = self.secret(secret);
        assert!(before.is_some(), "{secret} holds nothing");
        harm(self);
        let start = Instant::now();
        self.world.until(NAME, what, LIMIT, || {
            let now = self.secret(secret)?;
            let is_whole = !now.to_string().contains(&broken());
            (Some(now) != before && is_whole).then_some(())
        });
        eprintln!("figure: {what} was replaced in {:.1?}", start.elapsed());
    }

    /// Waits until all replicas serve what the one trusted CA has signed.
    #[track_caller]
    fn whole(&self) {
        let start = Instant::now();
        self.world.until(NAME, "one CA is trusted", LIMIT, || {
            let bundle = self.bundle()?;
            let bytes: ByteString = serde_json::from_value(json!(bundle)).ok()?;
            let pem = String::from_utf8(bytes.0).ok()?;
            (pem.matches("BEGIN CERTIFICATE").count() == 1).then_some(())
        });
        self.release.until_ready("serve", 3);
        eprintln!(
            "figure: whole again after a further {:.1?}",
            start.elapsed()
        );
    }
}

fn broken() -> String {
    let bytes = ByteString(b"-----BEGIN CERTIFICATE-----\nbroken".to_vec());
    let text = serde_json::to_string(&bytes).expect("bytes are text in base64");
    text.trim_matches('"').to_owned()
}
