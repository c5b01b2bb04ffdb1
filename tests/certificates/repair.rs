//! What others break is put right, and no call fails for it that need not.

use std::time::Duration;

use bindguard::telemetry::clock::now;

use crate::calls::Calls;
use crate::support::ADMIN;
use crate::world::{CA, Installed, Running, TLS, World, until};

#[test]
#[ignore = "runs in a network of its own"]
fn a_ca_bundle_that_is_blanked_or_foreign_is_put_right_within_a_second() {
    let Installed {
        world,
        controllers,
        replicas,
    } = World::unguarded().install(&[]);
    let right = world.signing().pem().to_owned();
    let foreign = bindguard::certificates::self_signed::make(&[], now())
        .expect("a CA")
        .ca_pem;
    let both = format!("{right}{foreign}");
    for (place, bundle) in [
        (0, None),
        (1, None),
        (0, Some(foreign.as_str())),
        (1, Some(&both)),
    ] {
        let generation = world.live().metadata.generation.expect("a generation");
        let took = world.wrong_for(place, bundle, &right);
        eprintln!("figure: caBundle {place} put right after {took:?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        let after = world.live().metadata.generation.expect("a generation");
        assert_eq!(after, generation + 2, "one change and one repair");
    }
    for replica in &replicas {
        assert!(replica.is_ready());
    }
    // Whoever applies the configuration again, without a caBundle, changes nothing.
    let calls = Calls::begin(&world);
    let before = world.live();
    world.register();
    assert_eq!(world.live().webhooks, before.webhooks);
    let args = ["apply", "--filename", "-"];
    let configuration = world.configuration();
    world
        .plane
        .kubectl_stdin(ADMIN, &args, &configuration)
        .expect_success();
    world
        .plane
        .kubectl_stdin(ADMIN, &args, &configuration)
        .expect_success();
    assert_eq!(world.live().webhooks, before.webhooks);
    calls.end();
    let repairs: i64 = controllers
        .iter()
        .map(|controller| controller.metric("ca_bundle_repairs_total{kind=\"validating\"}"))
        .sum();
    assert_eq!(repairs, 5, "the first one counts");
}

#[test]
#[ignore = "runs in a network of its own"]
fn secrets_that_are_deleted_are_made_anew_without_a_failed_call() {
    let installed = World::installed(&[]);
    let world = &installed.world;
    let calls = Calls::begin(world);
    let (authority, certificate) = (world.signing(), world.serving());

    world.kubectl(&["delete", "secret", TLS]).expect_success();
    let took = until("there is another certificate", || {
        world.secret(TLS).is_some()
    });
    eprintln!("figure: deleted {TLS} made anew, seen after {took:?}");
    assert_ne!(world.serving(), certificate);
    assert_eq!(world.signing(), authority);

    for secrets in [&[CA][..], &[CA, TLS]] {
        let old = world.signing();
        world
            .kubectl(&[&["delete", "secret"], secrets].concat())
            .expect_success();
        let took = until("a new CA is published beside the old one", || {
            let bundles = world.bundles();
            bundles
                .iter()
                .all(|bundle| bundle.contains(old.pem()) && bundle.matches("BEGIN").count() == 2)
        });
        eprintln!("figure: deleted {secrets:?}, new CA published after {took:?}");
        let took = until("only the new one is trusted", || {
            world.authorities().authorities.trusted().len() == 1
                && world
                    .bundles()
                    .iter()
                    .all(|bundle| !bundle.contains(old.pem()))
        });
        eprintln!("figure: deleted {secrets:?}, whole again after {took:?}");
        assert_ne!(world.signing(), old);
    }
    for replica in &installed.replicas {
        assert!(replica.is_ready());
    }
    eprintln!("figure: {} calls meanwhile, none failed", calls.end());
}

#[test]
#[ignore = "runs in a network of its own"]
fn secrets_that_are_broken_are_replaced_and_that_is_told_once() {
    let installed = World::installed(&[]);
    let world = &installed.world;
    let calls = Calls::begin(world);
    let set = |secret: &str, key: &str, value: &str| {
        let value = k8s_openapi::ByteString(value.as_bytes().to_vec());
        let patch = serde_json::json!({"data": {key: value}});
        let patch = format!("--patch={patch}");
        world
            .kubectl(&["patch", "secret", secret, "--type=merge", &patch])
            .expect_success();
    };
    let certificate = world.serving();
    set(TLS, "tls.crt", "-----BEGIN CERTIFICATE-----\nbroken");
    let fresh = || {
        world
            .serving()
            .serving
            .is_some_and(|now| Some(now) != certificate.serving)
    };
    let took = until("there is another certificate", fresh);
    eprintln!("figure: broken {TLS} replaced, seen after {took:?}");

    let old = world.signing();
    let other = bindguard::certificates::authority::Authority::make(now(), Duration::from_hours(1));
    set(CA, "ca.key", other.expect("a CA").key_pem());
    until("a new CA signs", || {
        let signing = world.authorities().authorities.signing;
        signing.is_some_and(|signing| *signing.certificate() != old)
    });
    until("the old one is dropped", || {
        world.authorities().authorities.previous.is_empty()
    });
    eprintln!("figure: {} calls meanwhile, none failed", calls.end());
    let logs: String = installed.controllers.iter().map(Running::log).collect();
    for told in [
        "cannot use its tls.crt",
        "the private key does not belong to the CA certificate",
    ] {
        assert_eq!(logs.matches(told).count(), 1, "{told}: {logs}");
    }
    // Those who serve say so, too, and go on with what they had.
    for replica in &installed.replicas {
        assert!(replica.is_ready());
        assert!(replica.log().matches("the Secret cannot be used").count() <= 1);
    }
}

#[test]
#[ignore = "runs in a network of its own"]
fn whoever_gets_hold_of_the_controller_changes_nothing_of_the_webhooks_but_the_ca_bundle() {
    let world = World::new();
    world.register();
    let change = |path: &str, value: &str| {
        let patch = format!(r#"--patch=[{{"op":"add","path":"{path}","value":"{value}"}}]"#);
        let args = ["patch", "validatingwebhookconfiguration", &world.name];
        let flags = ["--type=json", "--dry-run=server", &patch];
        world.as_controller(&[&args[..], &flags].concat())
    };
    let guard = format!("ValidatingAdmissionPolicy 'webhooks.{}'", world.name);
    let is_refused = |path: &str, value: &str| {
        let output = change(path, value);
        !output.succeeded() && output.stderr.contains(&guard)
    };
    until("the guard is in force", || {
        is_refused("/webhooks/0/failurePolicy", "Ignore")
    });
    assert!(is_refused("/metadata/labels/a", "b"));
    assert!(is_refused("/webhooks/0/clientConfig/service/name", "mine"));
    let controller = world.controller(&[]);
    until("bundles are right", || {
        world.bundles().iter().all(|bundle| !bundle.is_empty())
    });
    drop(controller);
}
