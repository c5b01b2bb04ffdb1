use crate::sandbox::Sandbox;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn the_version_is_told_for_people_and_for_programs() {
    let sandbox = Sandbox::new();
    let version = |arguments: &[&str]| sandbox.run(arguments).expect_success();
    let text = format!("bindguard {VERSION}\n");
    assert_eq!(version(&["version"]), text);
    assert_eq!(version(&["version", "-o", "table"]), text);
    assert_eq!(version(&["--version"]), text);
    assert_eq!(version(&["-V"]), text);

    let expected = serde_json::json!({ "version": VERSION });
    let json: serde_json::Value =
        serde_json::from_str(&version(&["version", "-o", "json"])).unwrap();
    assert_eq!(json, expected);
    let yaml: serde_json::Value =
        serde_saphyr::from_str(&version(&["version", "-o", "yaml"])).unwrap();
    assert_eq!(yaml, expected);
}
