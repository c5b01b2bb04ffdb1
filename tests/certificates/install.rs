//! From nothing to the first refusal.

use std::time::{Duration, Instant};

use bindguard::certificates::authority::Authority;
use bindguard::telemetry::clock::now;

use crate::calls::Calls;
use crate::support::{ADMIN, fresh_folder};
use crate::world::{CA, TLS, World, until};

#[test]
#[ignore = "runs in a network of its own"]
fn of_two_controllers_that_are_installed_at_once_one_makes_the_certificates() {
    let start = Instant::now();
    let installed = World::installed(&[]);
    let calls = Calls::begin(&installed.world);
    eprintln!("figure: install to first refusal {:?}", start.elapsed());
    let (world, controllers) = (&installed.world, &installed.controllers);
    let rotations = |certificate: &str| -> i64 {
        let metric = format!("certificate_rotations_total{{certificate=\"{certificate}\"}}");
        controllers
            .iter()
            .map(|controller| controller.metric(&metric))
            .sum()
    };
    assert_eq!((rotations("ca"), rotations("serving")), (1, 1));
    let leaders = controllers.iter().filter(|controller| controller.leads());
    assert_eq!(leaders.count(), 1);

    let signing = world.signing();
    assert_eq!(world.bundles(), [signing.pem(), signing.pem()]);
    let serving = world.serving().serving.expect("a certificate");
    assert!(signing.has_signed(&serving.chain[0]));
    let name = &world.name;
    let names = [
        "bindguard".to_owned(),
        format!("bindguard.{name}"),
        format!("bindguard.{name}.svc"),
        format!("bindguard.{name}.svc.cluster.local"),
    ];
    assert_eq!(serving.facts.names, names);
    for (secret, kind) in [(CA, "Opaque"), (TLS, "kubernetes.io/tls")] {
        let secret = world.secret(secret).expect("a Secret");
        assert_eq!(secret.type_.as_deref(), Some(kind));
    }
    // Both know what there is, whoever leads.
    for controller in controllers {
        let expiry = controller.metric("certificate_expiry_timestamp_seconds{certificate=\"ca\"}");
        assert_eq!(expiry, signing.validity().not_after.as_second());
        let life = controller.metric("certificate_lifetime_seconds{certificate=\"serving\"}");
        assert_eq!(life, 2160 * 3600);
    }
    for replica in &installed.replicas {
        assert_eq!(replica.metric("certificate_trusted"), 1);
    }
    calls.end();
}

const LEASE: (&str, &str, &str) = ("coordination.k8s.io/v1", "Lease", "bindguard-controller");

#[test]
#[ignore = "runs in a network of its own"]
fn secrets_that_are_empty_are_filled_with_certificates_that_begin_an_hour_early() {
    let world = World::new();
    // As the chart makes them, so that they go with it.
    let objects = [("v1", "Secret", CA), ("v1", "Secret", TLS), LEASE].map(|(api, kind, name)| {
        format!("---\n{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}}}}}\n")
    });
    let args = ["create", "--filename", "-", "--namespace", &world.name];
    let created = world.plane.kubectl_stdin(ADMIN, &args, &objects.concat());
    created.expect_success();
    let controller = world.controller(&[]);
    until("there is a certificate", || {
        world.serving().serving.is_some()
    });
    let now = now();
    let serving = world.serving().serving.expect("a certificate");
    for validity in [serving.facts.validity, world.signing().validity()] {
        let early = now.duration_since(validity.not_before).as_secs();
        assert!((3600..3660).contains(&early), "{early} s");
    }
    controller.wait_until_ready();
}

#[test]
#[ignore = "runs in a network of its own"]
fn serve_waits_for_its_secret_and_for_the_trust_of_its_webhooks() {
    let world = World::unguarded();
    let serve = world.serve(1, &[]);
    until("it says what it waits for", || {
        let reasons = serve.readyz();
        reasons.contains("the Secret with the certificate to serve is not there yet")
            && !reasons.contains("companion bindings are not read yet")
    });
    world.register();
    let controller = world.controller(&[]);
    controller.wait_until_ready();
    let took = until("it is ready", || serve.is_ready());
    eprintln!("figure: controller ready to serve ready {took:?}");
    assert_eq!(serve.metric("certificate_trusted"), 1);

    // Without a controller nobody puts a caBundle right.
    drop(controller);
    world.set_bundle(0, None);
    until("it is noticed", || serve.metric("certificate_trusted") == 0);
    assert!(
        serve.is_ready(),
        "a short fault must not take a replica away"
    );
    let second = world.serve(2, &[]);
    until("the other one knows the Secret", || {
        second.readyz()
            == "the webhook configurations are not known to trust the certificate that is served\n"
    });
    until("patience ends", || !serve.is_ready());
    let controller = world.controller(&[]);
    until("both are ready again", || {
        serve.is_ready() && second.is_ready()
    });
    drop(controller);
}

#[test]
#[ignore = "runs in a network of its own"]
fn with_external_certificates_nothing_is_written() {
    let world = World::external();
    world.register();
    let before = world.live();
    let controller = world.controller(&["--certificates", "external"]);
    controller.wait_until_ready();
    until("it leads", || controller.leads());
    std::thread::sleep(Duration::from_secs(3));
    assert!(world.secret(CA).is_none() && world.secret(TLS).is_none());
    assert_eq!(world.live(), before);
    // What others provide is shown, and served when it is trusted.
    let names = [format!("bindguard.{}.svc", world.name)];
    let authority = Authority::make(now(), Duration::from_hours(48)).expect("a CA");
    let lifetime = Duration::from_hours(24);
    let issued = authority
        .issue(&names, now(), lifetime)
        .expect("a certificate");
    let folder = fresh_folder("provided");
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("tls.crt"), issued.chain_pem).expect("a file");
    std::fs::write(path("tls.key"), issued.key_pem).expect("a file");
    let (certificate, key) = (
        format!("--cert={}", path("tls.crt")),
        format!("--key={}", path("tls.key")),
    );
    world
        .kubectl(&["create", "secret", "tls", TLS, &certificate, &key])
        .expect_success();
    let metric = "certificate_lifetime_seconds{certificate=\"serving\"}";
    until("it is shown", || controller.metric(metric) == 24 * 3600);
    let serve = world.serve(1, &[]);
    for place in 0..2 {
        world.set_bundle(place, Some(authority.certificate().pem()));
    }
    serve.wait_until_ready();
    let external = ["--certificates", "external"];
    let output = world.certs(&[&["check"][..], &external].concat());
    assert_eq!(
        output.expect_success(),
        "the certificates are as they should be\n"
    );
    // A controller that looks after them would find no CA of its own.
    let output = world.certs(&["check"]);
    assert_eq!(output.status.code(), Some(1), "{output}");
}

#[test]
#[ignore = "runs in a network of its own"]
fn by_url_the_certificate_is_for_its_host_and_both_configurations_trust_it() {
    let world = World::new();
    world.register_by_url();
    let address = world.address(1);
    let serve = world.serve(1, &[]);
    let controller = world.controller(&[]);
    until("the certificate is not for the host", || {
        serve.log().contains(&format!("for \\\"{address}\\\""))
    });
    assert!(!serve.is_ready());
    drop(controller);
    let names = [
        "--dns-name",
        &address,
        "--dns-name",
        "bindguard.example.com",
    ];
    let controller = world.controller(&names);
    serve.wait_until_ready();
    let facts = world.serving().serving.expect("a certificate").facts;
    assert!(facts.names.contains(&address), "{:?}", facts.names);
    assert!(facts.names.contains(&"bindguard.example.com".to_owned()));
    Calls::begin(&world).end();
    let shown = world.certs(&["show", "--output", "json"]).expect_success();
    for webhook in ["validate", "removal", "mutate"] {
        assert!(
            shown.contains(&format!("{webhook}.bindguard.dev")),
            "{shown}"
        );
    }
    assert!(!shown.contains("\"fits\": false"), "{shown}");
    for kind in ["validating", "mutating"] {
        let repairs = format!("ca_bundle_repairs_total{{kind=\"{kind}\"}}");
        assert_eq!(
            controller.metric(&repairs),
            0,
            "the first controller did it"
        );
    }
}
