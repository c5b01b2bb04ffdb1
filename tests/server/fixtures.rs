//! Reviews exactly as the API server sent them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::client::{Call, Protocol, Reply};
use super::contract;
use super::world::{World, verdict};

struct Fixture {
    name: String,
    bytes: Vec<u8>,
    review: Value,
}

fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reviews");
    let mut fixtures: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            Fixture {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                review: serde_json::from_slice(&bytes).unwrap(),
                bytes,
            }
        })
        .collect();
    fixtures.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(fixtures.len() >= 75, "only {} fixtures", fixtures.len());
    assert_eq!(
        fixtures
            .iter()
            .filter(|fixture| fixture.name.starts_with("raw-"))
            .count(),
        3
    );
    fixtures
}

/// Sends the bytes of every fixture.
fn send(world: &World, protocol: Protocol, path: &str, fixtures: &[Fixture]) -> Vec<Reply> {
    let calls = fixtures
        .iter()
        .map(|fixture| Call::post(path, fixture.bytes.clone()))
        .collect();
    world.client.all(protocol, calls)
}

/// What the built-in policy says of a fixture, of whose subjects nobody holds a companion. Written
/// apart from the code under test, for the roles and subjects that the fixtures have.
fn expected(review: &Value) -> &'static str {
    let request = &review["request"];
    let object = &request["object"];
    let role = &object["roleRef"];
    let personas = ["cluster-admin", "admin", "edit", "view"];
    let is_persona =
        role["kind"] == "ClusterRole" && personas.iter().any(|persona| role["name"] == *persona);
    if request["operation"] == "DELETE" || !is_persona {
        return "allow";
    }
    let subjects = |object: &Value| -> Vec<Value> {
        let subjects = object["subjects"].as_array().cloned().unwrap_or_default();
        let judged = |subject: &Value| {
            subject["kind"] != "ServiceAccount" && subject["name"] != "system:masters"
        };
        subjects.into_iter().filter(judged).collect()
    };
    // A role reference cannot change: with another role it is another binding.
    let before = match &request["oldObject"] {
        old if old["roleRef"] == object["roleRef"] => subjects(old),
        _ => Vec::new(),
    };
    let now = subjects(object);
    match (
        now.is_empty(),
        now.iter().all(|subject| before.contains(subject)),
    ) {
        (true, _) => "allow",
        (false, true) => "warn",
        (false, false) => "deny",
    }
}

#[test]
fn every_review_of_an_api_server_is_answered_to_the_contract_and_decided_right() {
    let (world, fixtures) = (World::new(), fixtures());
    let mut decided = vec![];
    for protocol in Protocol::BOTH {
        let replies = send(&world, protocol, "/validate?timeout=10s", &fixtures);
        for (fixture, reply) in fixtures.iter().zip(&replies) {
            let verdict = verdict(&fixture.review, reply);
            let decision = verdict.decision().to_owned();
            assert_eq!(
                decision,
                expected(&fixture.review),
                "{} {verdict:?}",
                fixture.name
            );
            decided.push(decision);
        }
    }
    for decision in ["allow", "warn", "deny"] {
        assert!(
            decided.iter().any(|one| one == decision),
            "never {decision}"
        );
    }
    world.check_health();
}

#[test]
fn the_mutating_endpoint_lets_every_review_pass_as_it_is() {
    let (world, fixtures) = (World::new(), fixtures());
    for protocol in Protocol::BOTH {
        let replies = send(&world, protocol, "/mutate?timeout=5s", &fixtures);
        for (fixture, reply) in fixtures.iter().zip(&replies) {
            assert_eq!(reply.status, 200, "{}", fixture.name);
            let answer = reply.json();
            contract::check(&fixture.review, &answer, false);
            assert_eq!(answer["response"]["allowed"], true, "{}", fixture.name);
            assert_eq!(answer["response"].get("patch"), None, "{}", fixture.name);
        }
    }
    assert!(world.bindguard.audit_lines().is_empty());
    world.check_health();
}

#[test]
fn the_same_bytes_get_the_same_answer_over_both_protocols() {
    let (world, fixtures) = (World::new(), fixtures());
    let [one, other] = Protocol::BOTH.map(|protocol| {
        let replies = send(&world, protocol, "/validate", &fixtures);
        let without_time = |reply: &Reply| {
            let mut answer = reply.json();
            if let Some(annotations) = answer["response"].get_mut("auditAnnotations") {
                annotations
                    .as_object_mut()
                    .unwrap()
                    .remove("record")
                    .unwrap();
            }
            answer
        };
        replies.iter().map(without_time).collect::<Vec<_>>()
    });
    assert_eq!(one, other);
}

#[test]
fn the_examples_are_refused_and_allowed_as_the_readme_says() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let manifests = examples.to_str().unwrap();
    let bindguard = super::support::Serve::new(super::world::BINARY)
        .args(&["--manifests", manifests])
        .start();
    let ca = fs::read_to_string(bindguard.authority_file()).unwrap();
    let client = super::client::Client::new(super::world::address(&bindguard), &ca);
    for (name, expected) in [("covered", "allow"), ("uncovered", "deny")] {
        let bytes = fs::read(examples.join(format!("reviews/{name}.json"))).unwrap();
        let review: Value = serde_json::from_slice(&bytes).unwrap();
        let replies = client.all(Protocol::Http1, vec![Call::post("/validate", bytes)]);
        assert_eq!(verdict(&review, &replies[0]).decision(), expected, "{name}");
    }
}
