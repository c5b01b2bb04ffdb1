//! The schema of the values: its part for the policy is made from the program's own.

use serde_json::{Map, Value, json};

use crate::kept;

const FILE: &str = "charts/bindguard/values.schema.json";

/// A name that RBAC takes for a role.
const ROLE: &str = r"^[^/%\x00-\x1f\x7f-\x9f]+$";
const NAMESPACE: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
/// A name of a ServiceAccount.
const OBJECT: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// A name of anybody else.
const FREE_TEXT: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";
const DURATION: &str = "^([0-9]+(h|m|s))+$";

/// The schema of `policy`: that of a policy's `spec`, a little stricter.
fn policy() -> Value {
    let mut spec = bindguard::policy_file::schema()["properties"]["spec"].clone();
    plain(&mut spec);
    for section in ["", "/coverage", "/provisioning", "/exempt"] {
        let path = section.replace('/', "/properties/");
        let section = spec.pointer_mut(&path).unwrap();
        // `null` takes a default away, and templates need each.
        let fields = section["properties"].as_object().unwrap();
        let fields: Vec<Value> = fields.keys().map(|key| key.as_str().into()).collect();
        section["required"] = fields.into();
    }
    let role = json!({"pattern": ROLE, "not": {"enum": [".", ".."]}});
    let unique = json!({"uniqueItems": true});
    let object = json!({"pattern": OBJECT, "maxLength": 253});
    for (path, more) in [
        ("personas/items/clusterRoles", &unique),
        ("personas/items/clusterRoles/items", &role),
        ("personas/items/companions", &unique),
        ("personas/items/subjectKinds", &unique),
        ("companions/items/clusterRole", &role),
        ("companions/items/impliedBy/items", &role),
        ("exempt/namespaces", &unique),
        ("exempt/namespaces/items", &json!({ "pattern": NAMESPACE })),
        ("exempt/subjects/items", &account_needs_namespace()),
        ("exempt/requesters/items", &account_needs_namespace()),
        ("exempt/subjects/items/name", &json!({"minLength": 1})),
        ("exempt/requesters/items/name", &json!({"minLength": 1})),
        (
            "provisioning/serviceAccounts/items/namespace",
            &json!({ "pattern": NAMESPACE }),
        ),
        ("provisioning/serviceAccounts/items/name", &object),
        (
            "provisioning/notOrdering/items/name",
            &json!({ "pattern": FREE_TEXT }),
        ),
        (
            "provisioning/orderLifetime",
            &json!({ "pattern": DURATION }),
        ),
    ] {
        let pointer = format!("/{path}").replace('/', "/properties/");
        let pointer = pointer.replace("/properties/items", "/items");
        let place = spec
            .pointer_mut(&pointer)
            .unwrap_or_else(|| panic!("no {pointer}"));
        let more = more.as_object().unwrap().clone();
        place.as_object_mut().unwrap().extend(more);
    }
    spec
}

fn account_needs_namespace() -> Value {
    json!({
        "if": {"properties": {"kind": {"const": "ServiceAccount"}}},
        "then": {"required": ["namespace"]},
        "else": {"properties": {"namespace": false}},
    })
}

/// Takes out defaults, which Helm does not use, and makes a choice of constants a list of words, of
/// which a message can name all.
fn plain(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    fields.remove("default");
    fields.remove("examples");
    fields.remove("format");
    if let Some(choices) = fields.remove("oneOf") {
        let words = choices.as_array().unwrap().iter();
        let words: Vec<Value> = words.map(|choice| choice["const"].clone()).collect();
        assert!(words.iter().all(Value::is_string), "{choices}");
        fields.insert("enum".to_owned(), words.into());
    }
    for below in ["properties", "items"] {
        match fields.get_mut(below) {
            Some(Value::Object(named)) if below == "properties" => {
                named.values_mut().for_each(plain);
            }
            Some(items) => plain(items),
            None => {}
        }
    }
}

#[test]
fn the_policy_in_the_values_has_the_schema_of_a_policy() {
    let mut schema: Value = serde_json::from_str(&kept::read(FILE)).unwrap();
    schema["properties"]["policy"] = policy();
    let text = serde_json::to_string_pretty(&schema).unwrap();
    kept::check(FILE, &(text + "\n"));
}

#[test]
fn every_value_is_in_the_schema_and_must_be_there() {
    let values: Value =
        serde_saphyr::from_str(&kept::read("charts/bindguard/values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&kept::read(FILE)).unwrap();
    required(&schema, values.as_object().unwrap(), "");
}

fn required(schema: &Value, values: &Map<String, Value>, place: &str) {
    assert_eq!(schema["additionalProperties"], false, "{place}");
    for (key, value) in values {
        let place = format!("{place}.{key}");
        let listed = schema["required"].as_array().unwrap();
        assert!(listed.contains(&key.as_str().into()), "{place}");
        let below = &schema["properties"][key];
        assert!(below.is_object(), "{place}");
        // Resources are taken away by `null`.
        let is_section = key != "resources" && below.get("properties").is_some();
        if let (Value::Object(values), true) = (value, is_section)
            && !values.is_empty()
        {
            required(below, values, &place);
        }
    }
}

/// What Kubernetes gives a form, and what may have any keys.
const FREE: [&str; 22] = [
    "/global",
    "/commonLabels",
    "/commonAnnotations",
    "/podLabels",
    "/podAnnotations",
    "/nodeSelector",
    "/service/annotations",
    "/podMonitor/labels",
    "/prometheusRule/labels",
    "/dashboard/labels",
    "/dashboard/annotations",
    "/resources/limits",
    "/resources/requests",
    "/controller/resources/limits",
    "/controller/resources/requests",
    "/affinity/nodeAffinity",
    "/affinity/podAffinity",
    "/affinity/podAntiAffinity",
    "/topologySpreadConstraints[]",
    "/networkPolicy/metricsFrom[]/podSelector",
    "/networkPolicy/metricsFrom[]/namespaceSelector",
    "/networkPolicy/metricsFrom[]/ipBlock",
];

#[test]
fn unknown_keys_are_refused_everywhere_but_where_kubernetes_has_the_say() {
    let schema: Value = serde_json::from_str(&kept::read(FILE)).unwrap();
    let mut open = Vec::new();
    find_open(&schema, String::new(), &mut open);
    for place in &open {
        assert!(FREE.contains(&place.as_str()), "{place} takes any key");
    }
    assert!(open.len() > 10, "{open:?}");
}

fn find_open(schema: &Value, place: String, open: &mut Vec<String>) {
    if schema["type"] == "object" && schema["additionalProperties"] != false {
        open.push(place.clone());
    }
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        find_open(below, format!("{place}/{key}"), open);
    }
    if schema.get("items").is_some() {
        find_open(&schema["items"], place + "[]", open);
    }
}
