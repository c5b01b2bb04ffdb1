//! The form of a document: fields, types, words and lengths, checked against the schema.
//!
//! This is no validator of JSON Schema. It knows the keywords that [`shape`](super::shape) gives
//! rise to, and a test holds that there are no others. `minLength` is left to
//! [`rules`](super::rules), which know more of each name.

use serde_json::Value as Schema;

use crate::yaml::{Entry, Value};

use super::error::PolicyError;
use super::place::Place;
use super::suggestion::{choice, did_you_mean, quoted};

/// The keywords that are checked here or that say nothing to check.
#[cfg(test)]
pub(super) const KEYWORDS: &[&str] = &[
    "$schema",
    "title",
    "description",
    "default",
    "format",
    "examples",
    "type",
    "const",
    "oneOf",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "minimum",
    "maximum",
];

/// Reports everything in which a value differs from its schema.
pub(super) fn check(place: &Place<'_>, schema: &Schema, errors: &mut Vec<PolicyError>) {
    match schema.get("type").and_then(Schema::as_str) {
        Some("object") => mapping(place, schema, errors),
        Some("array") => list(place, schema, errors),
        Some("string") => string(place, schema, errors),
        Some("integer") => integer(place, schema, errors),
        Some("boolean") if place.boolean().is_none() => {
            errors.push(expected(place, "write true or false"));
        }
        _ => {}
    }
}

/// The error of a value of another type than the expected.
fn expected(place: &Place<'_>, remedy: &str) -> PolicyError {
    place.error(match &place.node.value {
        Value::Null if place.optional => {
            format!("nothing is written here; leave the field out for its default, or {remedy}")
        }
        Value::Null => format!("nothing is written here; {remedy}"),
        Value::String(text) => format!("the string {} was read here; {remedy}", quoted(text)),
        Value::Boolean { .. } | Value::Number(_) | Value::Sequence(_) | Value::Mapping(_) => {
            format!("{} was read here; {remedy}", place.node.description())
        }
    })
}

fn mapping(place: &Place<'_>, schema: &Schema, errors: &mut Vec<PolicyError>) {
    let Some(mapping) = place.node.as_mapping() else {
        errors.push(expected(place, "write a mapping of fields"));
        return;
    };
    let Some(known) = schema.get("properties").and_then(Schema::as_object) else {
        return;
    };
    let required: Vec<_> = strings(schema.get("required")).collect();
    for entry in mapping.entries() {
        match known.get(entry.key.text.as_ref()) {
            Some(schema) => {
                let value = Place {
                    node: &entry.value,
                    path: place.path_of(&entry.key.text),
                    optional: !required.contains(&entry.key.text.as_ref()),
                };
                check(&value, schema, errors);
            }
            None => errors.push(unknown_field(place, entry, known.keys())),
        }
    }
    for name in required {
        if mapping.get(name).is_none() {
            errors.push(PolicyError {
                field: place.path_of(name),
                ..place.error("is missing")
            });
        }
    }
}

fn unknown_field<'k>(
    place: &Place<'_>,
    entry: &Entry<'_>,
    known: impl Iterator<Item = &'k String> + Clone,
) -> PolicyError {
    let hint = did_you_mean(&entry.key.text, known.clone().map(String::as_str));
    let message = if hint.is_empty() {
        let known: Vec<_> = known.map(String::as_str).collect();
        format!("unknown field; known here: {}", known.join(", "))
    } else {
        format!("unknown field{hint}")
    };
    PolicyError {
        position: entry.key.position,
        field: place.path_of(&entry.key.text),
        message,
    }
}

fn list(place: &Place<'_>, schema: &Schema, errors: &mut Vec<PolicyError>) {
    let limit = |keyword| schema.get(keyword).and_then(Schema::as_u64);
    let Some(items) = place.node.as_sequence() else {
        let remedy = match limit("minItems") {
            None => "write a list; [] is one without items",
            Some(_) => "write a list",
        };
        errors.push(expected(place, remedy));
        return;
    };
    let count = items.len() as u64;
    if limit("minItems").is_some_and(|least| count < least) {
        errors.push(place.error("at least one item is needed"));
    }
    if let Some(most) = limit("maxItems").filter(|most| count > *most) {
        errors.push(place.error(format!("{count} items are too many; at most {most} fit")));
    }
    if let Some(schema) = schema.get("items") {
        for item in place.items() {
            check(&item, schema, errors);
        }
    }
}

fn string(place: &Place<'_>, schema: &Schema, errors: &mut Vec<PolicyError>) {
    let words: Vec<&str> = match (schema.get("const"), schema.get("oneOf")) {
        (Some(word), _) => word.as_str().into_iter().collect(),
        (None, Some(Schema::Array(words))) => {
            let words = words.iter().filter_map(|word| word.get("const"));
            words.filter_map(Schema::as_str).collect()
        }
        (None, _) => Vec::new(),
    };
    match place.text() {
        None if words.is_empty() => errors.push(expected(place, &string_needed(place, schema))),
        None => errors.push(expected(place, &format!("write {}", choice(&words)))),
        Some(text) if !words.is_empty() && !words.contains(&text) => {
            let hint = did_you_mean(text, words.iter().copied());
            errors.push(place.error(match words.as_slice() {
                [word] => format!("{} is not {word}{hint}", quoted(text)),
                words => format!("{} is not one of {}{hint}", quoted(text), words.join(", ")),
            }));
        }
        Some(_) => {}
    }
}

/// What to write where a string belongs.
fn string_needed(place: &Place<'_>, schema: &Schema) -> String {
    if let Some(example) = schema.pointer("/examples/0").and_then(Schema::as_str) {
        return format!("write one like {}", quoted(example));
    }
    match &place.node.value {
        Value::Boolean { text, .. } | Value::Number(text) => {
            format!("for a string write it in quotes: {}", quoted(text))
        }
        Value::Null | Value::String(_) | Value::Sequence(_) | Value::Mapping(_) => {
            "write a string".to_owned()
        }
    }
}

fn integer(place: &Place<'_>, schema: &Schema, errors: &mut Vec<PolicyError>) {
    let limit = |keyword| schema.get(keyword).and_then(Schema::as_i64);
    let least = limit("minimum").unwrap_or(i64::MIN);
    let most = limit("maximum").unwrap_or(i64::MAX);
    let remedy = format!("write a whole number from {least} to {most}");
    match (&place.node.value, place.integer()) {
        (_, Some(number)) if (least..=most).contains(&number) => {}
        (Value::Number(text), _) => {
            errors.push(place.error(format!("{} does not fit; {remedy}", quoted(text))));
        }
        _ => errors.push(expected(place, &remedy)),
    }
}

fn strings(list: Option<&Schema>) -> impl Iterator<Item = &str> {
    list.and_then(Schema::as_array)
        .into_iter()
        .flatten()
        .filter_map(Schema::as_str)
}
