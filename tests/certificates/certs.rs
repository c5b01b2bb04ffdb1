//! `bindguard certs` on an installation that is whole, broken, or none.

use serde_json::Value;

use crate::world::{CA, Installed, TLS, World, until};

#[test]
#[ignore = "runs in a network of its own"]
fn what_there_is_and_what_is_wrong_is_told() {
    let Installed {
        world,
        controllers,
        replicas: _replicas,
    } = World::unguarded().install(&[]);
    let whole = "the certificates are as they should be\n";
    assert_eq!(world.certs(&["check"]).expect_success(), whole);

    let shown = world.certs(&["show", "--output", "json"]).expect_success();
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let yaml = world.certs(&["show", "--output", "yaml"]).expect_success();
    let yaml: Value = serde_saphyr::from_str(&yaml).expect("YAML");
    assert_eq!(yaml, shown);
    assert_eq!(shown["problems"], Value::Array(vec![]));
    let roles = |number: usize| shown["certificates"][number]["role"].as_str();
    assert_eq!(
        (roles(0), roles(1), roles(2)),
        (Some("ca"), Some("serving"), None)
    );
    let authority = &world.signing().facts;
    assert_eq!(shown["certificates"][0]["subject"], authority.subject);
    assert_eq!(shown["certificates"][0]["sha256"], authority.fingerprint);
    assert_eq!(shown["certificates"][1]["issuer"], authority.subject);
    let host = format!("bindguard.{}.svc", world.name);
    for webhook in shown["webhooks"].as_array().expect("webhooks") {
        assert_eq!(webhook["fits"], true);
        assert_eq!(webhook["host"], host);
        assert_eq!(webhook["caBundle"][0]["sha256"], authority.fingerprint);
    }
    let table = world.certs(&["show"]).expect_success();
    for text in [&authority.subject, &host, "validate.bindguard.dev", "yes"] {
        assert!(table.contains(text), "{text}: {table}");
    }
    assert!(!table.contains("problem"), "{table}");

    // Nobody is there to put it right.
    for controller in &controllers {
        controller.process.kill();
    }
    world.set_bundle(1, None);
    let output = world.certs(&["check"]);
    assert_eq!(output.status.code(), Some(1), "{output}");
    let problem = format!(
        "ValidatingWebhookConfiguration, webhook removal.bindguard.dev: its caBundle does not \
         trust the certificate for {host:?}: it holds no authority that is valid now\n"
    );
    assert_eq!(output.stdout, problem);
    let table = world.certs(&["show"]).expect_success();
    assert!(table.ends_with(&format!("\nproblem: {problem}")), "{table}");

    let output = world.certs(&["rotate", "--ca", "--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert!(
        output.stderr.contains("no controller has taken it up"),
        "{output}"
    );
    // It is not lost, though.
    let controller = world.controller(&[]);
    until("it is taken up", || {
        world.authorities().authorities.next.is_some()
    });
    drop(controller);

    world
        .kubectl(&["delete", "secret", CA, TLS])
        .expect_success();
    let output = world.certs(&["check"]);
    assert_eq!(output.status.code(), Some(1), "{output}");
    let name = &world.name;
    let gone = [CA, TLS].map(|secret| format!("Secret {name}/{secret} does not exist\n"));
    assert_eq!(output.stdout, gone.concat());
    let output = world.certs(&["rotate"]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert!(output.stderr.contains("not found"), "{output}");
}

#[test]
#[ignore = "runs in a network of its own"]
fn what_the_caller_may_not_read_is_no_proof_of_anything() {
    let world = World::new();
    world.register();
    let nobody = ["--as", "nobody", "--as-group", "devs"];
    let output = world.certs(&[&["check"][..], &nobody].concat());
    assert_eq!(output.status.code(), Some(2), "{output}");
    let name = &world.name;
    for what in [
        format!("cannot read Secret {name}/{CA}: "),
        format!("cannot read Secret {name}/{TLS}: "),
        format!("cannot read ValidatingWebhookConfiguration {name}: "),
        "User \"nobody\" cannot get resource \"secrets\"".to_owned(),
    ] {
        assert!(output.stderr.contains(&what), "{what}: {output}");
    }
    let table = world
        .certs(&[&["show"][..], &nobody].concat())
        .expect_success();
    assert!(
        table.contains(&format!("problem: cannot read Secret {name}/{CA}: ")),
        "{table}"
    );
    assert!(!table.contains("does not exist"), "{table}");
    let output = world.certs(&[&["rotate"][..], &nobody].concat());
    assert_eq!(output.status.code(), Some(2), "{output}");

    // Nothing is installed but the configuration.
    let output = world.certs(&["check"]);
    assert_eq!(output.status.code(), Some(1), "{output}");
    assert_eq!(output.stdout.lines().count(), 2, "{output}");
}
