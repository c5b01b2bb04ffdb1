//! The schema says what the parser does.

use serde_json::Value;

use crate::policy_file::{form, parse, schema};

/// Calls `visit` with every schema in a schema.
fn each(schema: &Value, visit: &mut impl FnMut(&Value)) {
    visit(schema);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        properties.values().for_each(|schema| each(schema, visit));
    }
    schema
        .get("items")
        .into_iter()
        .for_each(|schema| each(schema, visit));
}

#[test]
fn the_parser_knows_every_keyword_of_the_schema() {
    each(&schema(), &mut |schema| {
        for keyword in schema.as_object().unwrap().keys() {
            assert!(form::KEYWORDS.contains(&keyword.as_str()), "{keyword}");
        }
    });
}

#[test]
fn the_schema_is_closed_and_every_field_is_described() {
    each(&schema(), &mut |schema| {
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false, "{schema}");
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            assert!(field["description"].is_string(), "{name}");
        }
    });
    assert_eq!(
        schema()["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

#[test]
fn every_field_of_the_policy_has_its_default() {
    let schema = schema();
    let spec = &schema["properties"]["spec"];
    for (name, field) in spec["properties"].as_object().unwrap() {
        assert_eq!(field["default"], spec["default"][name], "{name}");
        for (inner, property) in field["properties"].as_object().into_iter().flatten() {
            assert_eq!(
                property["default"], field["default"][inner],
                "{name}.{inner}"
            );
        }
    }
    assert_eq!(schema["properties"]["metadata"]["default"]["name"], "vmo");
}

/// A document with every field of the schema that there is, made from the schema alone.
fn example(schema: &Value, path: &str) -> Value {
    if let Some(word) = schema.get("const") {
        return word.clone();
    }
    if let Some(word) = schema.pointer("/oneOf/0/const") {
        return word.clone();
    }
    match schema["type"].as_str().unwrap() {
        "object" => schema["properties"]
            .as_object()
            .unwrap()
            .iter()
            // A User has none.
            .filter(|(name, _)| *name != "namespace" || path.ends_with("serviceAccounts"))
            .map(|(name, schema)| (name.clone(), example(schema, &format!("{path}.{name}"))))
            .collect(),
        "array" => Value::Array(vec![example(&schema["items"], path)]),
        "integer" => schema["minimum"].clone(),
        "boolean" => Value::Bool(true),
        "string" => Value::String(
            match path.rsplit('.').next().unwrap() {
                "orderLifetime" => "1h",
                "clusterRole" | "companions" => "companion",
                "impliedBy" => "other",
                "apiGroup" => "",
                _ => "name",
            }
            .to_owned(),
        ),
        other => panic!("{other}"),
    }
}

#[test]
fn the_parser_takes_every_field_of_the_schema() {
    let document = example(&schema(), "");
    assert_eq!(
        document["spec"]["personas"][0]["companions"][0],
        "companion"
    );
    let policy = parse(&document.to_string()).unwrap();
    // None of them is ignored: each differs from what it would be without.
    assert_eq!(policy.name, "name");
    assert!(policy.match_roles);
    assert_eq!(policy.companions[0].implied_by, ["other"]);
    assert!(policy.personas[0].companions.is_some() && policy.personas[0].action.is_some());
    assert_eq!(policy.provisioning.max_companions, 1);
    assert_eq!(policy.provisioning.max_subjects_per_binding, 1);
    assert_eq!(policy.provisioning.order_lifetime.as_secs(), 3600);
    assert_eq!(policy.provisioning.service_accounts.len(), 1);
    assert_eq!(policy.provisioning.not_ordering.len(), 1);
    assert_eq!(policy.exempt.namespaces, ["name"]);
    assert_eq!(
        (policy.exempt.subjects.len(), policy.exempt.requesters.len()),
        (1, 1)
    );
}
