use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::sandbox::Sandbox;

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_policy_shown_is_a_file_that_means_the_same() {
    let sandbox = Sandbox::new();
    let shown = sandbox.run(&["policy", "show"]).expect_success();
    sandbox.write("policy.yaml", &shown);
    assert_eq!(
        sandbox
            .run(&["policy", "check", "policy.yaml"])
            .expect_success(),
        "policy.yaml: policy vmo is valid: 2 personas, 2 companions\n"
    );
    let again = sandbox
        .run(&["policy", "show", "--policy", "policy.yaml"])
        .expect_success();
    assert_eq!(again, shown);
}

#[test]
fn the_policy_as_json_is_the_policy_as_yaml_and_has_every_field() {
    let sandbox = Sandbox::new();
    let json = sandbox
        .run(&["policy", "show", "-o", "json"])
        .expect_success();
    let policy: Value = serde_json::from_str(&json).unwrap();
    let yaml = sandbox.run(&["policy", "show"]).expect_success();
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), policy);

    assert_eq!(keys(&policy), ["apiVersion", "kind", "metadata", "spec"]);
    assert_eq!(policy["apiVersion"], "bindguard.dev/v1alpha1");
    assert_eq!(policy["kind"], "BindingPolicy");
    let spec = &policy["spec"];
    assert_eq!(
        keys(spec),
        [
            "action",
            "companionRemoval",
            "companions",
            "coverage",
            "dryRun",
            "exempt",
            "matchRoles",
            "personas",
            "provisioning"
        ]
    );
    assert_eq!(
        keys(&spec["exempt"]),
        ["namespaces", "requesters", "subjects"]
    );
    assert_eq!(
        keys(&spec["provisioning"]),
        [
            "maxCompanions",
            "maxSubjectsPerBinding",
            "mode",
            "notOrdering",
            "orderLifetime",
            "serviceAccounts"
        ]
    );
    assert_eq!(
        keys(&spec["personas"][0]),
        ["clusterRoles", "name", "subjectKinds"]
    );
    assert_eq!(keys(&spec["companions"][0]), ["clusterRole", "impliedBy"]);
}

#[test]
fn the_built_in_policy_is_the_documented_one() {
    let json = Sandbox::new()
        .run(&["policy", "show", "-o", "json"])
        .expect_success();
    let policy: Value = serde_json::from_str(&json).unwrap();
    let spec = &policy["spec"];
    assert_eq!(spec["action"], "Deny");
    assert_eq!(
        spec["companions"],
        serde_json::json!([
            {"clusterRole": "spectro-list-namespaces", "impliedBy": []},
            {"clusterRole": "spectro-list-vmtemplates", "impliedBy": []},
        ])
    );
    assert_eq!(
        spec["personas"],
        serde_json::json!([
            {
                "name": "vm",
                "clusterRoles": [
                    "spectro-vm-admin", "spectro-vm-power-user", "spectro-vm-user", "spectro-vm-viewer"
                ],
                "subjectKinds": ["User", "Group", "ServiceAccount"],
            },
            {
                "name": "kubernetes",
                "clusterRoles": ["cluster-admin", "admin", "edit", "view"],
                "subjectKinds": ["User", "Group"],
            },
        ])
    );
}

/// Every object in a schema, with the path to it.
fn objects<'s>(schema: &'s Value, path: &str, found: &mut Vec<(String, &'s Value)>) {
    match schema {
        Value::Object(fields) => {
            if fields.get("type").is_some_and(|kind| kind == "object") {
                found.push((path.to_owned(), schema));
            }
            for (name, value) in fields {
                objects(value, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                objects(item, path, found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_schema_is_json_and_closed_everywhere() {
    let text = Sandbox::new().run(&["policy", "schema"]).expect_success();
    let schema: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let mut found = vec![];
    objects(&schema, "", &mut found);
    assert!(found.len() >= 8, "{found:?}");
    for (path, object) in found {
        assert_eq!(object["additionalProperties"], false, "{path} is open");
    }
}

#[test]
fn every_example_policy_is_valid() {
    let sandbox = Sandbox::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies");
    let mut names = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let output = sandbox.run(&["policy", "check", path.to_str().unwrap()]);
        output.expect_success();
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["roll-out.yaml", "warn-only.yaml"]);
}

#[test]
fn the_example_policies_do_what_their_comments_say() {
    let sandbox = Sandbox::new();
    let show = |name: &str| -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples/policies")
            .join(name);
        let arguments = [
            "policy",
            "show",
            "-o",
            "json",
            "--policy",
            path.to_str().unwrap(),
        ];
        serde_json::from_str(&sandbox.run(&arguments).expect_success()).unwrap()
    };
    let roll_out = show("roll-out.yaml");
    assert_eq!(roll_out["spec"]["action"], "Deny");
    assert_eq!(roll_out["spec"]["personas"][0].get("action"), None);
    assert_eq!(roll_out["spec"]["personas"][1]["action"], "Warn");
    let warn_only = show("warn-only.yaml");
    assert_eq!(warn_only["metadata"]["name"], "warn-only");
    assert_eq!(warn_only["spec"]["action"], "Warn");
}

#[test]
fn the_policy_in_the_readme_is_valid() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let sandbox = Sandbox::new();
    let mut count = 0;
    for block in readme.split("```yaml\n").skip(1) {
        let (text, _) = block.split_once("```").unwrap();
        if text.contains("kind: BindingPolicy") {
            sandbox.write("policy.yaml", text);
            sandbox
                .run(&["policy", "check", "policy.yaml"])
                .expect_success();
            count += 1;
        }
    }
    assert!(count > 0);
}
