//! What Palette's community registry asks of a pack, as its validator does:
//! <https://github.com/spectrocloud/pack-central/tree/main/validator>; and what its pages say of files.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::chart::at;
use crate::kept;
use crate::pack::{pack, presets, text, yaml};

/// The registry's words, from its schema of `pack.json`.
const CLOUD_TYPES: [&str; 17] = [
    "all",
    "aws",
    "azure",
    "gcp",
    "vsphere",
    "openstack",
    "baremetal",
    "maas",
    "aks",
    "eks",
    "tencent",
    "tke",
    "edge",
    "libvirt",
    "edge-native",
    "coxedge",
    "custom",
];

pub(crate) fn check(pack: &Value, values: &str, of_chart: &str) {
    let fields = pack.as_object().unwrap();
    for field in ["name", "displayName", "version", "layer"] {
        assert!(
            fields[field].as_str().is_some_and(|text| !text.is_empty()),
            "{field}"
        );
    }
    assert_eq!(pack["layer"], "addon");
    for cloud in pack["cloudTypes"].as_array().unwrap() {
        assert!(CLOUD_TYPES.contains(&cloud.as_str().unwrap()), "{cloud}");
    }
    let annotations = pack["annotations"].as_object().unwrap();
    assert!(
        annotations.values().all(Value::is_string),
        "{annotations:?}"
    );
    for dependency in at(pack, "/constraints/dependencies").as_array().unwrap() {
        for field in ["packName", "layer", "type"] {
            assert!(dependency[field].is_string(), "{dependency}");
        }
        let kind = dependency["type"].as_str().unwrap();
        assert!(["required", "optional", "notSupported", "upgrade"].contains(&kind));
    }

    for (number, line) in values.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        assert!(
            indent % 2 == 0 && !line.ends_with(' '),
            "line {number}: {line:?}"
        );
        // What Palette would take for one of its macros.
        assert!(!line.contains("{{"), "line {number}: {line:?}");
    }
    let values: Value = serde_saphyr::from_str(values).unwrap();
    let images = at(&values, "/pack/content/images").as_array().unwrap();
    assert!(!images.is_empty());
    let of_chart: Value = serde_saphyr::from_str(of_chart).unwrap();
    let name = pack["name"].as_str().unwrap();
    subset(&values["charts"][name], &of_chart, name);
    no_item_twice(&values["charts"][name], name);
}

/// No value that the chart does not have. Where the chart has an empty list or map, anything may stand.
fn subset(values: &Value, chart: &Value, place: &str) {
    match (values, chart) {
        (Value::Object(values), Value::Object(chart)) if !chart.is_empty() => {
            for (key, value) in values {
                let place = format!("{place}.{key}");
                let there = chart.get(key);
                subset(
                    value,
                    there.unwrap_or_else(|| panic!("the chart has no {place}")),
                    &place,
                );
            }
        }
        (Value::Object(_), other) => assert_eq!(other, &serde_json::json!({}), "{place}"),
        (Value::Array(_), other) => assert!(other.is_array(), "{place}"),
        _ => {}
    }
}

fn no_item_twice(value: &Value, place: &str) {
    match value {
        Value::Array(items) => {
            let different: BTreeSet<String> = items.iter().map(Value::to_string).collect();
            assert_eq!(different.len(), items.len(), "{place}");
            for item in items {
                no_item_twice(item, place);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                no_item_twice(value, &format!("{place}.{key}"));
            }
        }
        _ => {}
    }
}

#[test]
#[should_panic(expected = "the chart has no bindguard.image.registry")]
fn a_value_that_the_chart_does_not_have_is_found() {
    let values = text("values.yaml").replace("      repository:", "      registry:");
    check(
        &yaml("pack.json"),
        &values,
        &kept::read("charts/bindguard/values.yaml"),
    );
}

#[test]
fn presets_have_the_form_that_palette_reads() {
    let presets = presets();
    let mut names = BTreeSet::new();
    for preset in &presets {
        let mut fields: Vec<&String> = preset.as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(fields, ["add", "displayName", "group", "name", "remove"]);
        assert!(names.insert(preset["name"].as_str().unwrap()), "{preset}");
        assert!(
            preset["remove"].is_array() && preset["add"].is_string(),
            "{preset}"
        );
    }
    let expected = [
        "enforce",
        "provision-nothing",
        "provision-on-request",
        "roll-out",
        "warn-only",
    ];
    assert_eq!(names, expected.into());
}

#[test]
fn constraints_of_values_are_those_of_the_chart() {
    let chart: Value =
        serde_json::from_str(&kept::read("charts/bindguard/values.schema.json")).unwrap();
    let values = yaml("values.yaml");
    let mut lists = 0;
    for (path, constraint) in yaml("schema.yaml").as_object().unwrap() {
        let value = at(&values, &format!("/{}", path.replace('.', "/")));
        let text = constraint["schema"].as_str().unwrap();
        assert!(
            text.starts_with("{{ required") && text.ends_with(" }}"),
            "{path}: {text}"
        );
        let Some((_, words)) = text.split_once("${list:[") else {
            assert!(value.is_string(), "{path}");
            continue;
        };
        let words: BTreeSet<&str> = words.split(']').next().unwrap().split(',').collect();
        let below = path.strip_prefix("charts.bindguard.").unwrap();
        let pointer = format!("/properties/{}/enum", below.replace('.', "/properties/"));
        let of_chart = at(&chart, &pointer).as_array().unwrap().iter();
        let of_chart: BTreeSet<&str> = of_chart.map(|word| word.as_str().unwrap()).collect();
        assert_eq!(words, of_chart, "{path}");
        assert!(words.contains(value.as_str().unwrap()), "{path}");
        lists += 1;
    }
    assert_eq!(lists, 5);
}

#[test]
fn the_readme_has_the_sections_of_the_template_and_the_values_that_there_are() {
    let readme = text("README.md");
    let sections: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(
        sections,
        [
            "Prerequisites",
            "Parameters",
            "Upgrade",
            "Usage",
            "References"
        ]
    );

    let values = yaml("values.yaml");
    let mut named = 0;
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let path = cells[1].trim_matches('`');
        let value = at(
            &values,
            &format!("/charts/bindguard/{}", path.replace('.', "/")),
        );
        match value {
            Value::Array(items) if !items.is_empty() => assert_eq!(cells[3], "List"),
            Value::Array(_) => assert_eq!(cells[4], "`[]`"),
            value => assert_eq!(cells[4], format!("`{}`", value.as_str().unwrap())),
        }
        named += 1;
    }
    assert!(named >= 9, "{named}");
    for preset in presets() {
        let shown = format!(
            "| {} | {} |",
            preset["group"].as_str().unwrap(),
            preset["displayName"].as_str().unwrap()
        );
        assert!(readme.contains(&shown), "{shown}");
    }
}

#[test]
fn the_logo_is_a_square_png_of_a_few_kilobytes() {
    let logo = std::fs::read(pack().join("logo.png")).unwrap();
    assert!(logo.starts_with(b"\x89PNG\r\n\x1a\n"));
    let side = |at: usize| u32::from_be_bytes(logo[at..at + 4].try_into().unwrap());
    assert_eq!((side(16), side(20)), (256, 256));
    assert!(logo.len() < 20_000, "{}", logo.len());
}
