//! The same findings in every format.

use roxmltree::Document;
use serde_json::{Value, json};

use super::sandbox::Sandbox;
use super::sarif::faults;

/// A user whose name means something to every format there is.
const HOSTILE: &str = "</failure>&amp;\\\"'%0A::error::x,y:z\\u001b[31m\\u202e\\uffff\\n]]>é漢";

fn hostile() -> String {
    serde_json::from_str(&format!("\"{HOSTILE}\"")).expect("a JSON string")
}

/// A folder with two findings in `m/a.yaml`, a file of which nothing can be read, and one with a
/// name that a URI does not hold.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let binding = |name: &str, subjects: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
             metadata: {{name: {name}, namespace: dev}}\n\
             roleRef: {{kind: ClusterRole, name: spectro-vm-user}}\nsubjects:\n{subjects}"
        )
    };
    let subjects =
        format!("- {{kind: User, name: \"{HOSTILE}\"}}\n- {{kind: ServiceAccount, name: bot}}\n");
    sandbox.write("m/a.yaml", binding("vm", &subjects));
    let odd = binding("odd", "- {kind: Group, name: devs}\n");
    sandbox.write("m/b c,d:é.yaml", odd);
    sandbox.write("m/broken.yaml", "a: [\n");
    sandbox
}

/// What `check` prints in a format.
fn printed(sandbox: &Sandbox, format: &str) -> String {
    let output = sandbox.run(&["check", "-f", "m", "-o", format]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert_eq!(
        output.stderr,
        "error: m/broken.yaml:1:4: unclosed bracket '['\n"
    );
    let hidden =
        |character: char| character.is_control() && character != '\n' || character == '\u{202e}';
    assert!(!output.stdout.contains(hidden), "{output}");
    output.stdout
}

#[test]
fn json_has_every_key_and_the_name_itself() {
    let report: Value = serde_json::from_str(&printed(&sandbox(), "json")).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3);
    let first = &findings[0];
    assert_eq!(first["subject"], json!({"kind": "User", "name": hostile()}));
    assert_eq!(
        first["binding"],
        json!({"kind": "RoleBinding", "namespace": "dev", "name": "vm"})
    );
    assert_eq!(first["persona"], "spectro-vm-user");
    assert_eq!(
        first["missing"],
        json!(["spectro-list-namespaces", "spectro-list-vmtemplates"])
    );
    assert_eq!(
        (&first["reason"], &first["severity"]),
        (&json!("missingCompanions"), &json!("error"))
    );
    assert_eq!(
        (&first["file"], &first["document"]),
        (&json!("m/a.yaml"), &json!(1))
    );
    assert_eq!((&first["line"], &first["column"]), (&json!(6), &json!(3)));
    let account = json!({"kind": "ServiceAccount", "namespace": "dev", "name": "bot"});
    assert_eq!(findings[1]["subject"], account);
    assert_eq!(
        report["summary"],
        json!({"findings": 3, "faultyBindings": 2, "personaBindings": 2, "subjects": 3, "files": 3, "errors": 1})
    );
    assert_eq!(report["exempt"], json!([]));
    assert_eq!(
        report["errors"],
        json!(["m/broken.yaml:1:4: unclosed bracket '['"])
    );
}

#[test]
fn the_fix_of_a_finding_is_yaml_that_mends_it() {
    let sandbox = sandbox();
    let report: Value = serde_json::from_str(&printed(&sandbox, "json")).unwrap();
    for (number, finding) in report["findings"].as_array().unwrap().iter().enumerate() {
        let fix = finding["fix"].as_str().unwrap();
        sandbox.write(&format!("m/fix-{number}.yaml"), fix);
    }
    let mended: Value = serde_json::from_str(&printed(&sandbox, "json")).unwrap();
    assert_eq!(mended["findings"], json!([]), "{mended:#}");
}

#[test]
fn yaml_says_the_same_as_json() {
    let sandbox = sandbox();
    let yaml: Value = serde_saphyr::from_str(&printed(&sandbox, "yaml")).unwrap();
    let json: Value = serde_json::from_str(&printed(&sandbox, "json")).unwrap();
    assert_eq!(yaml, json);
}

/// The schema, and what section 3 of the standard requires of a log beside it.
#[test]
fn sarif_is_what_the_standard_says() {
    let mut log: Value = serde_json::from_str(&printed(&sandbox(), "sarif")).unwrap();
    assert_eq!(faults(&log), Vec::<String>::new());
    let level = log["runs"][0]["results"][0]["level"].take();
    assert_eq!(faults(&log).len(), 1, "a level must be a word");
    log["runs"][0]["results"][0]["level"] = level;
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "bindguard");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notification["level"], "error");
    assert_eq!(
        notification["message"]["text"],
        "m/broken.yaml:1:4: unclosed bracket '['"
    );

    let rules: Vec<&Value> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["id"])
        .collect();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    for result in results {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
        assert_eq!(result["level"], "error");
        assert!(
            result["message"]["text"]
                .as_str()
                .is_some_and(|text| text.contains(" lacks "))
        );
        assert!(
            result["partialFingerprints"]["finding/v1"]
                .as_str()
                .unwrap()
                .len()
                == 32
        );
    }
    let physical = |index: usize| &results[index]["locations"][0]["physicalLocation"];
    assert_eq!(physical(0)["artifactLocation"]["uri"], "m/a.yaml");
    assert_eq!(
        physical(1)["region"],
        json!({"startLine": 7, "startColumn": 3})
    );
    assert_eq!(
        physical(2)["artifactLocation"]["uri"],
        "m/b%20c%2Cd%3A%C3%A9.yaml"
    );
    let logical = &results[2]["locations"][0]["logicalLocations"][0];
    assert_eq!(logical["fullyQualifiedName"], "RoleBinding dev/odd");
}

#[test]
fn a_fingerprint_outlives_a_change_of_lines() {
    let sandbox = sandbox();
    let fingerprints = || {
        let log: Value = serde_json::from_str(&printed(&sandbox, "sarif")).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|result| result["partialFingerprints"].clone())
            .collect::<Vec<_>>()
    };
    let before = fingerprints();
    let text = std::fs::read_to_string(sandbox.path("m/a.yaml")).unwrap();
    sandbox.write("m/a.yaml", format!("# moved\n\n{text}"));
    assert_eq!(fingerprints(), before);
    assert_ne!(before[0], before[1]);
}

#[test]
fn junit_is_xml_that_counts_right() {
    let text = printed(&sandbox(), "junit");
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let suites = document.root_element();
    for node in [suites, suites.first_element_child().unwrap()] {
        let number = |name| node.attribute(name).unwrap();
        assert_eq!(
            (number("tests"), number("failures"), number("errors")),
            ("4", "3", "1")
        );
    }
    let named = |name| {
        let nodes = document
            .descendants()
            .filter(move |node| node.has_tag_name(name));
        nodes.collect::<Vec<_>>()
    };
    assert_eq!(named("testcase").len(), 4);
    assert_eq!(named("error").len(), 1);
    let failure = named("failure")[0];
    assert!(
        failure
            .attribute("message")
            .unwrap()
            .contains("</failure>&amp;")
    );
    assert!(
        failure
            .text()
            .unwrap()
            .starts_with("m/a.yaml:6:3\n# needed for RoleBinding dev/vm\n")
    );
    assert!(failure.text().unwrap().contains("kind: ClusterRoleBinding"));
}

#[test]
fn junit_without_findings_has_a_test_that_passed() {
    let sandbox = Sandbox::new();
    sandbox.write("m.yaml", "");
    let text = sandbox
        .run(&["check", "-f", "m.yaml", "-o", "junit"])
        .expect_success();
    let document = Document::parse(&text).unwrap();
    assert_eq!(document.root_element().attribute("tests"), Some("1"));
    assert_eq!(document.root_element().attribute("failures"), Some("0"));
}

#[test]
fn github_reads_one_command_a_finding_whatever_is_in_names() {
    let text = printed(&sandbox(), "github");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let head =
        "::error file=m/a.yaml,line=6,col=3,title=Missing companions::User \"</failure>&amp;";
    assert!(lines[0].starts_with(head), "{text}");
    assert!(lines[0].contains("'%250A::error::x,y:z"), "{text}");
    assert!(
        lines[2].starts_with("::error file=m/b c%2Cd%3Aé.yaml,line=6,"),
        "{text}"
    );
    assert_eq!(
        lines[3],
        "::error title=Not read::m/broken.yaml:1:4: unclosed bracket '['"
    );
}

#[test]
fn a_table_fits_the_terminal_and_hides_nothing() {
    let sandbox = sandbox();
    for columns in [60, 80, 100, 140] {
        let arguments = ["check", "-f", "m"];
        let width = columns.to_string();
        let output = sandbox.run_with(&[("COLUMNS", &width)], &arguments);
        let (table, rest) = output.stdout.split_once("\n\n").unwrap();
        for line in table.lines() {
            // The two wide characters of a name are the only ones.
            let wide = line.matches('漢').count();
            assert!(
                line.chars().count() + wide <= columns,
                "{columns}: {output}"
            );
        }
        assert!(
            rest.starts_with("3 errors in 3 subjects of 2 persona bindings in 3 files\n"),
            "{output}"
        );
        assert!(
            rest.contains("What adds them: bindguard fix -f m\n"),
            "{output}"
        );
        let squeezed: String = table.split_whitespace().collect();
        for part in ["dev/bot", "devs", "spectro-list"] {
            assert!(
                columns < 100 || squeezed.contains(part),
                "{columns}: {output}"
            );
        }
    }
}

#[test]
fn a_table_without_a_terminal_has_one_line_a_finding() {
    let sandbox = sandbox();
    let output = sandbox.run_with(&[("COLUMNS", "")], &["check", "-f", "m"]);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 1 + 3 + 3, "{output}");
    assert!(lines[0].starts_with("LEVEL   SUBJECT"), "{output}");
    for words in [
        "ServiceAccount dev/bot",
        "lacks spectro-list-namespaces, spectro-list-vmtemplates",
        "RoleBinding dev/vm (spectro-vm-user)",
        "m/a.yaml:7:3",
    ] {
        assert!(lines[2].contains(words), "{output}");
    }
}
