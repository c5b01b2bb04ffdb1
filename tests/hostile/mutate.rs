//! Reviews that went wrong on the way, or were made to.

use serde_json::{Value, json};

use crate::random::Random;

/// What JSON that `Value` cannot hold is written for, after everything else.
const PLACEHOLDER: &str = "@placeholder@";

/// One of the bodies, changed in one to four places, now and then beyond recognition.
pub(crate) fn mutant(random: &mut Random, bodies: &[Vec<u8>]) -> Vec<u8> {
    let original = random.pick(bodies);
    // Most changes to bytes only break the JSON, so those that keep it whole come more often.
    let mut body = match (random.below(5), serde_json::from_slice::<Value>(&original)) {
        (0, _) | (_, Err(_)) => original,
        (_, Ok(document)) => changed(random, document),
    };
    if random.one_in(3) {
        for _ in 0..random.within(1..4) {
            damage(random, &mut body, bodies);
        }
    }
    body
}

fn changed(random: &mut Random, mut document: Value) -> Vec<u8> {
    let mut raw = String::new();
    for _ in 0..random.within(1..5) {
        let mut paths = vec![];
        all_paths(&document, &mut String::new(), &mut paths);
        let path = random.pick(&paths);
        change(random, &mut document, &path, &mut raw);
    }
    let text = if random.one_in(2) {
        document.to_string()
    } else {
        format!("{document:#}")
    };
    text.replace(&format!("\"{PLACEHOLDER}\""), &raw)
        .into_bytes()
}

/// JSON pointers to all that is in a document.
fn all_paths(value: &Value, path: &mut String, paths: &mut Vec<String>) {
    paths.push(path.clone());
    let length = path.len();
    let mut descend = |step: &str, value: &Value| {
        path.push('/');
        path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        all_paths(value, path, paths);
        path.truncate(length);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| descend(key, value)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                descend(&index.to_string(), item);
            }
        }
        _ => {}
    }
}

fn change(random: &mut Random, document: &mut Value, path: &str, raw: &mut String) {
    let other = another(random, document, raw);
    let Some(place) = document.pointer_mut(path) else {
        return;
    };
    match (random.below(4), place) {
        (0, Value::Object(fields)) => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            if !keys.is_empty() {
                fields.remove(&random.pick(&keys));
            }
        }
        (1, Value::Object(fields)) => {
            let keys = [
                "subjects",
                "apiGroup",
                "namespace",
                "uid",
                "\u{1b}[2J",
                "",
                "object",
            ];
            fields.insert(random.pick(&keys).to_owned(), other);
        }
        (0, Value::Array(items)) if !items.is_empty() => {
            items.remove(random.below(items.len()));
        }
        (1, Value::Array(items)) => items.push(other),
        (_, place) => *place = other,
    }
}

/// A value to put in the place of another.
fn another(random: &mut Random, document: &Value, raw: &mut String) -> Value {
    const TEXTS: [&str; 10] = [
        "",
        "\0",
        "\u{1b}[31m\u{9b}\r\n",
        "\u{202e}\u{200b}\u{2028}\u{feff}",
        "system:serviceaccount:a:b",
        "system:authenticated",
        "UPDATE",
        "DELETE",
        "ClusterRoleBinding",
        "cluster-admin",
    ];
    const RAW: [&str; 12] = [
        "1e999",
        "-0",
        "123456789012345678901234567890",
        "0.1e-400",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "{\"a\":1,\"a\":2}",
        "{\"name\":\"a\",\"name\":\"b\",\"kind\":\"User\"}",
        "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
        "NaN",
        "tru",
        "\"\t\"",
    ];
    match random.below(9) {
        0 => Value::Null,
        1 => json!(random.one_in(2)),
        2 => json!(random.next()),
        3 => json!(random.pick(&TEXTS)),
        4 => json!("x".repeat(random.below(100_000))),
        5 => document.clone(),
        6 => nested(random),
        7 => {
            *raw = "[".repeat(random.below(20_000));
            raw.push_str(&"]".repeat(raw.len()));
            json!(PLACEHOLDER)
        }
        _ => {
            raw.clear();
            raw.push_str(random.pick(&RAW));
            json!(PLACEHOLDER)
        }
    }
}

fn nested(random: &mut Random) -> Value {
    let mut value = json!([]);
    for _ in 0..random.below(120) {
        value = match random.below(3) {
            0 => json!({ "subjects": value }),
            1 => json!({ "object": value }),
            _ => json!([value, 1]),
        };
    }
    value
}

/// Damages the bytes without regard to what they mean.
pub(crate) fn damage(random: &mut Random, body: &mut Vec<u8>, bodies: &[Vec<u8>]) {
    if body.is_empty() {
        return;
    }
    let place = random.below(body.len());
    match random.below(6) {
        0 => body[place] ^= 1 << random.below(8),
        1 => body.truncate(place),
        2 => {
            let bytes: &[u8] = random.pick(&[
                &b"\xff"[..],
                b"\xc3\x28",
                b"\xed\xa0\x80",
                b"\xf5\x80\x80\x80",
                b"\0",
                b"}",
                b"\"",
                b"\xef\xbb\xbf",
            ]);
            body.splice(place..place, bytes.iter().copied());
        }
        3 => {
            let end = (place + random.below(400)).min(body.len());
            let piece = body[place..end].to_vec();
            body.splice(place..place, piece);
        }
        4 => {
            let end = (place + random.below(100)).min(body.len());
            body.drain(place..end);
        }
        _ => {
            let other = random.pick(bodies);
            body.truncate(place);
            body.extend_from_slice(&other[random.below(other.len())..]);
        }
    }
}
