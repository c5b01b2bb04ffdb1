//! The list of what the program is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::built::{VERSION, path, rootfs};

fn list() -> Value {
    serde_json::from_str(&fs::read_to_string(rootfs().join("bindguard.cdx.json")).unwrap()).unwrap()
}

/// Name, version and digest of every crate in the lock file that has one.
fn locked() -> BTreeMap<String, String> {
    let lock = fs::read_to_string(path("Cargo.lock")).unwrap();
    let value = |package: &str, key: &str| -> Option<String> {
        let line = package
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key} = ")));
        line.map(|text| text.trim_matches('"').to_owned())
    };
    let packages = lock.split("[[package]]").skip(1);
    packages
        .filter_map(|package| {
            let name = format!("{}@{}", value(package, "name")?, value(package, "version")?);
            Some((name, value(package, "checksum")?))
        })
        .collect()
}

#[test]
fn every_crate_is_one_of_the_lock_file_with_its_digest_and_licence() {
    let list = list();
    assert_eq!(
        (&list["bomFormat"], &list["specVersion"]),
        (&"CycloneDX".into(), &"1.6".into())
    );
    assert_eq!(list["metadata"]["component"]["version"], VERSION);
    let locked = locked();
    let mut references = BTreeSet::new();
    for component in list["components"].as_array().unwrap() {
        let name = format!(
            "{}@{}",
            component["name"].as_str().unwrap(),
            component["version"].as_str().unwrap()
        );
        assert_eq!(component["hashes"][0]["content"], *locked[&name], "{name}");
        assert_eq!(component["purl"], format!("pkg:cargo/{name}"));
        assert!(
            !component["licenses"][0]["expression"]
                .as_str()
                .unwrap()
                .contains('/'),
            "{name}"
        );
        assert!(
            references.insert(component["bom-ref"].as_str().unwrap().to_owned()),
            "{name}"
        );
    }
    for dependency in list["dependencies"].as_array().unwrap() {
        for on in dependency["dependsOn"].as_array().unwrap() {
            assert!(references.contains(on.as_str().unwrap()), "{on}");
        }
    }
}

#[test]
fn it_has_what_cargo_links_into_the_program_and_nothing_that_only_tests_need() {
    let list = list();
    let of_scope = |scope: &str| -> BTreeSet<String> {
        let all = list["components"].as_array().unwrap().iter();
        all.filter(|component| component["scope"] == scope)
            .map(|component| component["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}", "--target", "x86_64-unknown-linux-musl"])
        .current_dir(path(""))
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let linked: BTreeSet<String> = names
        .filter(|name| *name != "bindguard")
        .map(str::to_owned)
        .collect();
    assert!(linked.len() > 100, "{}", linked.len());
    assert_eq!(of_scope("required"), linked);
    let excluded = of_scope("excluded");
    assert!(
        excluded.contains("serde_derive") && excluded.contains("cc"),
        "{excluded:?}"
    );
    for test_only in [
        "insta",
        "proptest",
        "roxmltree",
        "tempfile",
        "allocation-counter",
    ] {
        assert!(
            !linked.contains(test_only) && !excluded.contains(test_only),
            "{test_only}"
        );
    }
}
