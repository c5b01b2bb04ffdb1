//! The folder for a Palette pack registry, made from the chart.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::accepted::{dry_run, plane};
use crate::chart::{NAMESPACE, RELEASE, Rendering, at, documents, helm, template, workloads};
use crate::kept;
use crate::pack_rules;
use crate::support::{Output, assets_folder, clean_command, fresh_folder, run};

const IMAGE: &str = "registry.example.com/team/bindguard";
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn build(image: &str, folder: &Path) -> Output {
    let mut command = clean_command(&kept::path("palette/build.sh"), folder);
    command.env("HELM", assets_folder().join("helm"));
    command.arg(image).arg(folder);
    run(format!("palette/build.sh {image}"), command, "")
}

/// The pack, made once.
pub(crate) fn pack() -> &'static Path {
    static PACK: OnceLock<PathBuf> = OnceLock::new();
    PACK.get_or_init(|| {
        let folder = fresh_folder("pack");
        let told = build(IMAGE, &folder).expect_success();
        let pack = folder.join(format!("bindguard-{VERSION}"));
        assert_eq!(Path::new(told.trim()), pack);
        pack
    })
}

pub(crate) fn text(file: &str) -> String {
    fs::read_to_string(pack().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn archive() -> PathBuf {
    pack().join(format!("charts/bindguard-{VERSION}.tgz"))
}

/// What is installed for the values of a pack: its chart, with what stands below the chart's name.
fn installed(release: &str, values: &Value) -> Output {
    let file = fresh_folder("pack").join("values.yaml");
    fs::write(&file, at(values, "/charts/bindguard").to_string()).unwrap();
    let namespace = at(values, "/pack/namespace").as_str().unwrap();
    let (chart, file) = (archive(), file.to_str().unwrap().to_owned());
    let chart = chart.to_str().unwrap();
    helm(&[
        "template",
        release,
        chart,
        "--namespace",
        namespace,
        "--values",
        &file,
    ])
}

fn rendering(values: &Value) -> Rendering {
    Rendering {
        objects: documents(&installed(RELEASE, values).expect_success()),
    }
}

#[test]
fn the_pack_has_all_its_files_and_nothing_else() {
    let mut found: Vec<String> = fs::read_dir(pack())
        .unwrap()
        .chain(fs::read_dir(pack().join("charts")).unwrap())
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let chart = format!("bindguard-{VERSION}.tgz");
    let files = [
        "README.md",
        &chart,
        "charts",
        "logo.png",
        "pack.json",
        "presets.yaml",
    ];
    assert_eq!(
        found,
        [&files[..], &["schema.yaml", "values.yaml"]].concat()
    );
    for file in [
        "README.md",
        "pack.json",
        "presets.yaml",
        "schema.yaml",
        "values.yaml",
    ] {
        let text = text(file);
        assert!(!text.contains('@'), "a placeholder is left in {file}");
        assert!(!text.contains('\t'), "{file}");
    }
}

#[test]
fn all_versions_are_that_of_the_program() {
    let pack = yaml("pack.json");
    assert_eq!(pack["version"], VERSION);
    assert_eq!(
        pack["charts"],
        json!([format!("charts/bindguard-{VERSION}.tgz")])
    );
    let shown = helm(&["show", "chart", archive().to_str().unwrap()]).expect_success();
    let chart: Value = serde_saphyr::from_str(&shown).unwrap();
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&VERSION.into(), &VERSION.into())
    );
    let oldest = at(&pack, "/constraints/dependencies/0/minVersion")
        .as_str()
        .unwrap();
    assert_eq!(chart["kubeVersion"], format!(">={oldest}-0"));
}

#[test]
fn the_images_that_are_listed_are_those_that_run() {
    let values = yaml("values.yaml");
    let listed = at(&values, "/pack/content/images").as_array().unwrap();
    let listed: BTreeSet<&str> = listed
        .iter()
        .map(|entry| entry["image"].as_str().unwrap())
        .collect();
    let rendering = rendering(&values);
    let run: BTreeSet<&str> = workloads(&rendering)
        .flat_map(|workload| {
            at(workload, "/spec/template/spec/containers")
                .as_array()
                .unwrap()
        })
        .map(|container| container["image"].as_str().unwrap())
        .collect();
    assert_eq!(listed, run);
    assert_eq!(run, [format!("{IMAGE}:{VERSION}").as_str()].into());
}

#[test]
fn it_installs_what_the_chart_installs() {
    let values = yaml("values.yaml");
    assert_eq!(values["pack"]["namespace"], NAMESPACE);
    let by_pack = installed(RELEASE, &values).expect_success();
    let of_chart = json!({"image": {"repository": IMAGE}});
    assert_eq!(
        by_pack,
        template(RELEASE, NAMESPACE, &of_chart, &[]).expect_success()
    );
}

#[test]
fn objects_have_the_same_names_whatever_palette_calls_the_release() {
    let names = |release: &str| -> BTreeSet<String> {
        let text = installed(release, &yaml("values.yaml")).expect_success();
        let name = |object: &Value| format!("{}/{}", object["kind"], object["metadata"]["name"]);
        documents(&text).iter().map(name).collect()
    };
    let expected = names(RELEASE);
    assert!(expected.len() > 20, "{expected:?}");
    assert_eq!(names("virtual-machines-of-team-7"), expected);
}

/// A preset as Palette puts it into values: what it removes is taken out, what it adds is put in. What Palette does with a
/// list that is there already is not written down, so that here it is made longer.
fn choose(values: &mut Value, preset: &Value) {
    for path in preset["remove"].as_array().unwrap() {
        let path = path.as_str().unwrap();
        let (section, key) = path.rsplit_once('.').unwrap();
        let section = values.pointer_mut(&format!("/{}", section.replace('.', "/")));
        let section = section.and_then(Value::as_object_mut);
        section
            .unwrap_or_else(|| panic!("there is no {path}"))
            .remove(key);
    }
    let added: Map<String, Value> =
        serde_saphyr::from_str(preset["add"].as_str().unwrap()).unwrap();
    merge(values, &added.into());
}

fn merge(values: &mut Value, added: &Value) {
    match (values, added) {
        (Value::Object(there), Value::Object(added)) => {
            for (key, value) in added {
                merge(there.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(there), Value::Array(added)) => there.extend(added.iter().cloned()),
        (there, added) => *there = added.clone(),
    }
}

pub(crate) fn presets() -> Vec<Value> {
    yaml("presets.yaml")["presets"].as_array().unwrap().clone()
}

/// The values after every choice that can be made: of each group one preset or none.
fn choices() -> Vec<(String, Value)> {
    let presets = presets();
    let of_group = |group: &str| -> Vec<Option<&Value>> {
        let of_group = presets.iter().filter(|preset| preset["group"] == group);
        [None].into_iter().chain(of_group.map(Some)).collect()
    };
    let mut choices = Vec::new();
    for policy in of_group("policy") {
        for provisioning in of_group("provisioning") {
            let (mut values, mut name) = (yaml("values.yaml"), String::new());
            for preset in [policy, provisioning].into_iter().flatten() {
                choose(&mut values, preset);
                name += preset["name"].as_str().unwrap();
            }
            choices.push((name, values));
        }
    }
    choices
}

#[test]
fn every_preset_renders_and_a_real_api_server_accepts_all_of_it() {
    let choices = choices();
    assert_eq!(choices.len(), 12);
    let mut objects = BTreeSet::new();
    for (name, values) in &choices {
        let rendering = rendering(values);
        assert!(
            rendering.objects.len() > 20,
            "{name}: {}",
            rendering.objects.len()
        );
        let accounts = |object: &&Value| object["kind"] != "ServiceAccount";
        objects.extend(
            rendering
                .objects
                .iter()
                .filter(accounts)
                .map(Value::to_string),
        );
    }
    plane();
    let output = dry_run(&objects);
    assert_eq!(output.stderr, "");
    assert_eq!(output.expect_success().lines().count(), objects.len());
}

#[test]
fn a_preset_of_the_policy_is_the_one_of_the_chart() {
    let mut compared = 0;
    for preset in presets()
        .iter()
        .filter(|preset| preset["group"] == "policy")
    {
        let name = preset["name"].as_str().unwrap();
        let mut values = yaml("values.yaml");
        choose(&mut values, preset);
        let mut of_chart: Value = serde_saphyr::from_str(&kept::read(&format!(
            "charts/bindguard/presets/{name}.yaml"
        )))
        .unwrap();
        of_chart["image"] = json!({"repository": IMAGE});
        let expected = template(RELEASE, NAMESPACE, &of_chart, &[]).expect_success();
        assert_eq!(
            installed(RELEASE, &values).expect_success(),
            expected,
            "{name}"
        );
        compared += 1;
    }
    let of_chart = fs::read_dir(kept::path("charts/bindguard/presets")).unwrap();
    assert_eq!(compared, of_chart.count());
}

#[test]
fn a_preset_that_follows_another_of_its_group_leaves_nothing_of_it() {
    let presets = presets();
    for first in &presets {
        for second in presets
            .iter()
            .filter(|second| second["group"] == first["group"])
        {
            let (mut after_first, mut alone) = (yaml("values.yaml"), yaml("values.yaml"));
            choose(&mut after_first, first);
            choose(&mut after_first, second);
            choose(&mut alone, second);
            assert_eq!(
                after_first, alone,
                "{} then {}",
                first["name"], second["name"]
            );
        }
    }
}

#[test]
fn provisioning_is_on_by_one_preset_and_off_by_the_other() {
    for (name, mode) in [
        ("provision-on-request", "OnRequest"),
        ("provision-nothing", "Disabled"),
    ] {
        let presets = presets();
        let preset = presets
            .iter()
            .find(|preset| preset["name"] == name)
            .unwrap();
        let mut values = yaml("values.yaml");
        choose(&mut values, preset);
        let rendering = rendering(&values);
        let policy: Value = serde_saphyr::from_str(rendering.policy()).unwrap();
        assert_eq!(policy["spec"]["provisioning"]["mode"], mode);
        let patches = !rendering.of_kind("MutatingWebhookConfiguration").is_empty();
        assert_eq!(patches, mode != "Disabled");
    }
}

#[test]
fn no_pack_is_made_without_the_name_of_an_image() {
    for image in [
        "",
        "bindguard:1.0",
        "registry.example.com/bindguard:1",
        "a b",
        "x|y",
        "Bindguard",
        "$(id)",
    ] {
        let folder = fresh_folder("pack");
        let output = build(image, &folder);
        assert_eq!(output.status.code(), Some(2), "{output}");
        assert!(output.stderr.starts_with("palette: "), "{output}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{image}");
    }
    // A port is no tag.
    build("registry.example.com:5000/bindguard", &fresh_folder("pack")).expect_success();
}

#[test]
fn the_pack_keeps_the_rules_of_the_community_registry() {
    pack_rules::check(
        &yaml("pack.json"),
        &text("values.yaml"),
        &kept::read("charts/bindguard/values.yaml"),
    );
}

#[test]
fn the_values_and_the_manifest_on_the_page_are_what_they_are_said_to_be() {
    let page = kept::read("docs/palette.md");
    let mut found = Vec::new();
    for block in page.split("```yaml\n").skip(1) {
        let block = block
            .split("```")
            .next()
            .unwrap()
            .replace("NAMESPACE", "palette")
            .replace("name: NAME", "name: writer");
        let mut shown: Value = serde_saphyr::from_str(&block).unwrap();
        if shown["kind"] == "RoleBinding" {
            // Whether it orders depends on the annotation alone.
            assert_eq!(
                shown["metadata"]["annotations"],
                json!({"bindguard.dev/provision": "true"})
            );
            shown["metadata"]["namespace"] = NAMESPACE.into();
            shown["roleRef"]["name"] = "view".into();
            plane();
            dry_run(&[shown.to_string()].into()).expect_success();
            found.push("binding".to_owned());
            continue;
        }
        let mut values = yaml("values.yaml");
        merge(&mut values, &shown);
        let rendering = rendering(&values);
        let policy: Value = serde_saphyr::from_str(rendering.policy()).unwrap();
        let account = json!({"namespace": "palette", "name": "writer"});
        let spec = &policy["spec"];
        if spec["provisioning"]["mode"] == "Always" {
            assert_eq!(spec["provisioning"]["serviceAccounts"], json!([account]));
            found.push("always".to_owned());
        } else {
            assert_eq!(at(spec, "/exempt/requesters/0/name"), "writer");
            found.push("exempt".to_owned());
        }
    }
    assert_eq!(found, ["exempt", "binding", "always"]);
}
