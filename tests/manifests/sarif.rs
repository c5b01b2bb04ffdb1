//! SARIF, held against its schema.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json>,
//! kept in `tests/fixtures`, since nothing is fetched by tests.

use std::path::Path;

use serde_json::Value;

/// What the schema has against a log, each with its place in it.
pub(crate) fn faults(log: &Value) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sarif-schema-2.1.0.json");
    let schema = std::fs::read_to_string(path).unwrap();
    // The standard's own bracket, which ECMAScript takes as itself and stricter readers do not.
    let schema = schema.replace("{2}]?$", r"{2}\\]?$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults = validator.iter_errors(log);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}
