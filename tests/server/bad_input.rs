//! What is no review, over the wire: a status, a reason, and a server that goes on.

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::client::{Call, Protocol, Reply};
use super::review::{create, role_binding, user};
use super::world::World;

const MIB: usize = 1024 * 1024;

/// The reply is a `v1/Status` of this code whose message has these words.
#[track_caller]
fn check(title: &str, reply: &Reply, code: u16, words: &str) {
    assert_eq!(reply.status, code, "{title}: {:?}", reply.body);
    let status = reply.json();
    assert_eq!(status["kind"], "Status", "{title}");
    assert_eq!(status["apiVersion"], "v1", "{title}");
    assert_eq!(status["status"], "Failure", "{title}");
    assert_eq!(status["code"], code, "{title}");
    assert!(!status["reason"].as_str().unwrap().is_empty(), "{title}");
    let message = status["message"].as_str().unwrap();
    assert!(message.contains(words), "{title}: {message}");
}

fn persona() -> Value {
    create(&role_binding("spectro-vm-user", &[user("alice")]))
}

/// The review with one value replaced, by its JSON pointer.
fn with(pointer: &str, value: Value) -> String {
    let mut review = persona();
    let place = review.pointer_mut(pointer);
    *place.unwrap_or_else(|| panic!("no {pointer}")) = value;
    review.to_string()
}

fn replaced(from: &str, to: &str) -> String {
    let text = persona().to_string();
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// A key that stands twice, at every level: who reads the first and who reads the last would judge
/// two different bindings.
fn twice() -> Vec<(&'static str, String, &'static str)> {
    vec![
        (
            "a key twice at the top",
            replaced(
                "{\"apiVersion\"",
                "{\"kind\":\"AdmissionReview\",\"apiVersion\"",
            ),
            "duplicate",
        ),
        (
            "a key twice in the request",
            replaced("\"dryRun\":false", "\"dryRun\":false,\"dryRun\":true"),
            "duplicate",
        ),
        (
            "a key twice in a subject",
            replaced("\"name\":\"alice\"", "\"name\":\"bob\",\"name\":\"alice\""),
            "duplicate",
        ),
        (
            "a key twice in the role",
            replaced(
                "\"name\":\"spectro-vm-user\"",
                "\"name\":\"view\",\"name\":\"spectro-vm-user\"",
            ),
            "duplicate",
        ),
        (
            "a key twice in the kind",
            replaced(
                "\"group\":\"rbac.authorization.k8s.io\",\"kind\"",
                "\"group\":\"\",\"group\":\"rbac.authorization.k8s.io\",\"kind\"",
            ),
            "duplicate",
        ),
        (
            "a key twice in the requester",
            replaced(
                "\"username\":\"bob\"",
                "\"username\":\"root\",\"username\":\"bob\"",
            ),
            "duplicate",
        ),
        (
            "a key twice in the object",
            replaced("\"subjects\":[", "\"subjects\":[],\"subjects\":["),
            "duplicate",
        ),
        (
            "a key twice in the metadata",
            replaced(
                "\"name\":\"vm-users\"",
                "\"name\":\"other\",\"name\":\"vm-users\"",
            ),
            "duplicate",
        ),
        (
            "one of our annotations twice",
            with("/request/object/metadata", json!({"annotations": "TWICE"})).replace(
                "\"TWICE\"",
                "{\"bindguard.dev/provision\":\"\",\"bindguard.dev/provision\":\"true\"}",
            ),
            "duplicate",
        ),
    ]
}

/// A sentence, a body, and a word of the reason.
fn bad_bodies() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text: Vec<(&str, String, &str)> = vec![
        ("nothing", String::new(), "empty"),
        ("white space", " \n".to_owned(), "empty"),
        ("no JSON", "apiVersion: v1".to_owned(), "line 1"),
        ("an array", format!("[{}]", persona()), "line 1"),
        ("a number", "7".to_owned(), "line 1"),
        ("an empty object", "{}".to_owned(), "missing field"),
        (
            "half a review",
            persona().to_string()[..200].to_owned(),
            "line 1",
        ),
        ("two reviews", format!("{0}{0}", persona()), "line 1"),
        (
            "an old version",
            with("/apiVersion", json!("admission.k8s.io/v1beta1")),
            "apiVersion",
        ),
        ("another kind", with("/kind", json!("Status")), "kind"),
        ("no request", with("/request", Value::Null), "request"),
        ("no uid", with("/request/uid", json!("")), "uid"),
        (
            "a number for the uid",
            with("/request/uid", json!(7)),
            "uid",
        ),
        (
            "an unknown operation",
            with("/request/operation", json!("PATCH")),
            "operation",
        ),
        ("no object", with("/request/object", Value::Null), "object"),
        (
            "a number for a name",
            with("/request/object/subjects/0/name", json!(7)),
            "name",
        ),
        (
            "a text for subjects",
            with("/request/object/subjects", json!("alice")),
            "subjects",
        ),
        (
            "an array for an object",
            with("/request/object/roleRef", json!(["a", "b", "c"])),
            "roleRef",
        ),
        (
            "no role",
            with("/request/object/roleRef", Value::Null),
            "roleRef",
        ),
        (
            "a text for a boolean",
            with("/request/dryRun", json!("no")),
            "dryRun",
        ),
        (
            "deep nesting where a list is wanted",
            with("/request/object/subjects", json!("NESTED"))
                .replace("\"NESTED\"", &nested(10_000)),
            "line 1",
        ),
        ("nothing but nesting", nested(10_000), "line 1"),
    ];
    let mut bodies: Vec<_> = text
        .into_iter()
        .chain(twice())
        .map(|(title, body, words)| (title, body.into_bytes(), words))
        .collect();
    let mut broken = persona().to_string().into_bytes();
    let at = broken.windows(5).position(|part| part == b"alice").unwrap();
    broken[at] = 0xff;
    bodies.push(("broken UTF-8", broken, "UTF-8"));
    bodies
}

#[test]
fn a_body_that_is_no_review_gets_400_and_says_where_it_is_wrong() {
    let world = World::new();
    for protocol in Protocol::BOTH {
        for path in ["/validate", "/mutate"] {
            let mut connection = world.client.connect(protocol).unwrap();
            for (title, body, words) in bad_bodies() {
                let reply = connection.send(Call::post(path, body)).unwrap();
                check(title, &reply, 400, words);
            }
        }
    }
    world.check_health();
}

#[test]
fn every_refusal_is_counted_by_its_kind_and_none_is_a_decision() {
    let world = World::new();
    let mut connection = world.connect();
    let post = |path| Call::post(path, persona().to_string());
    for call in [
        Call::post("/validate", "{}"),
        Call::post("/mutate", "{}"),
        post("/validate").content_type(None),
        post("/validate").method(Method::GET),
        post("/elsewhere"),
        Call::post("/validate", vec![b' '; 7 * MIB + 1]),
    ] {
        connection.send(call).unwrap();
    }
    for (endpoint, outcome) in [
        ("validate", "bad_request"),
        ("mutate", "bad_request"),
        ("validate", "unsupported_media_type"),
        ("validate", "method_not_allowed"),
        ("other", "not_found"),
        ("validate", "too_large"),
    ] {
        let series =
            format!("bindguard_requests_total{{endpoint=\"{endpoint}\",outcome=\"{outcome}\"}}");
        assert_eq!(world.metric(&series), 1, "{series}");
    }
    for decision in ["allow", "warn", "audit", "deny"] {
        let series = format!("bindguard_decisions_total{{decision=\"{decision}\"}}");
        assert_eq!(world.metric(&series), 0, "{series}");
    }
    assert!(world.bindguard.audit_lines().is_empty());
}

#[test]
fn deep_nesting_in_what_nobody_reads_costs_nothing() {
    let world = World::new();
    let body = with(
        "/request/object/metadata",
        json!({"name": "x", "labels": "NESTED"}),
    );
    let body = body.replace("\"NESTED\"", &nested(10_000));
    let reply = world.connect().send(Call::post("/validate", body)).unwrap();
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    world.check_health();
}

#[test]
fn a_request_that_cannot_be_a_review_gets_the_status_that_says_so() {
    let world = World::new();
    let post = |path: &str| Call::post(path, persona().to_string());
    for protocol in Protocol::BOTH {
        let mut connection = world.client.connect(protocol).unwrap();
        for (title, content_type) in [
            ("no content type", None),
            ("YAML", Some("application/yaml")),
            ("text", Some("text/plain")),
            ("something longer", Some("application/json-patch+json")),
        ] {
            let call = post("/validate").content_type(content_type);
            let reply = connection.send(call).unwrap();
            check(title, &reply, 415, "application/json");
        }
        let call = post("/validate").content_type(Some("application/json; charset=utf-8"));
        assert_eq!(connection.send(call).unwrap().status, 200);

        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let reply = connection
                .send(post("/validate").method(method.clone()))
                .unwrap();
            check(method.as_str(), &reply, 405, "POST");
            assert_eq!(reply.headers["allow"], "POST");
        }
        for path in [
            "/",
            "/validate/",
            "/Validate",
            "/metrics",
            "/readyz",
            "/validate/x",
        ] {
            check(
                path,
                &connection.send(post(path)).unwrap(),
                404,
                "/validate",
            );
        }
    }
    world.check_health();
}

#[test]
fn a_body_of_more_than_seven_mebibytes_is_too_large_however_it_comes() {
    let world = World::new();
    // White space is legal JSON around a value.
    let padded = |length: usize| {
        let mut body = persona().to_string().into_bytes();
        body.resize(length, b' ');
        body
    };
    for protocol in Protocol::BOTH {
        let send = |call| world.client.connect(protocol).unwrap().send(call).unwrap();
        let whole = send(Call::post("/validate", padded(7 * MIB)));
        assert_eq!(whole.status, 200, "{:?}", whole.body);
        for length in [7 * MIB + 1, 8 * MIB] {
            let reply = send(Call::post("/validate", padded(length)));
            check("told", &reply, 413, "7 MiB");
            let pieces = padded(length)
                .chunks(64 * 1024)
                .map(Bytes::copy_from_slice)
                .collect();
            let reply = send(Call::post("/validate", "").in_pieces(pieces));
            check("untold", &reply, 413, "7 MiB");
        }
    }
    world.check_health();
}
