//! Who was refused, on the page of a real cluster's scan.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::browser::open;
use super::support::{ADMIN, ControlPlane, Output, clean_command, fresh_folder, run};

/// What the history holds of one denial.
fn line(requester: &str, namespace: &str, count: u64, first: &str, last: &str) -> String {
    let line = json!({
        "requester": requester,
        "binding": {"kind": "RoleBinding", "namespace": namespace, "name": "vm"},
        "persona": "spectro-vm-user",
        "missing": [{"subject": {"kind": "User", "name": "zoe"}, "companion": "spectro-list-namespaces"}],
        "count": count, "first_seen": first, "last_seen": last,
    });
    format!("{line}\n")
}

fn scan(plane: &ControlPlane, more: &[&str]) -> Output {
    let folder = fresh_folder("scan");
    let mut command = clean_command(env!("CARGO_BIN_EXE_bindguard").as_ref(), &folder);
    command
        .arg("scan")
        .arg("--kubeconfig")
        .arg(plane.kubeconfig(ADMIN));
    command.args(["-o", "html"]).args(more);
    run(
        format!("bindguard scan -o html {}", more.join(" ")),
        command,
        "",
    )
}

fn page(output: &Output) -> PathBuf {
    let file = fresh_folder("page").join("page.html");
    fs::write(&file, &output.stdout).unwrap();
    file
}

#[test]
fn a_scan_draws_when_who_was_refused_if_the_history_can_be_read() {
    let plane = ControlPlane::start(&[]);
    plane.install_roles();
    let without = scan(&plane, &[]);
    assert_eq!(
        without.stderr,
        "the page has no denials: there is no ConfigMap bindguard/bindguard-history\n"
    );
    assert!(!without.stdout.contains("denials-title"), "{without}");

    let kubectl = |args: &[&str]| plane.kubectl(ADMIN, args).expect_success();
    kubectl(&["create", "namespace", "bindguard"]);
    kubectl(&[
        "create",
        "configmap",
        "bindguard-history",
        "-n",
        "bindguard",
    ]);
    let none = scan(&plane, &[]).stdout;
    assert!(none.contains("<p>The history has none.</p>"), "{none}");

    let lines = [
        line(
            "early",
            "red",
            1,
            "2026-11-20T00:00:00Z",
            "2026-11-20T00:00:00Z",
        ),
        line(
            "<b>often</b>",
            "blue",
            40,
            "2026-11-21T00:00:00Z",
            "2026-11-23T00:00:00Z",
        ),
        line(
            "last",
            "red",
            2,
            "2026-11-22T00:00:00Z",
            "2026-11-24T00:00:00Z",
        ),
    ];
    let patch = json!({"data": {"denials": lines.concat()}}).to_string();
    kubectl(&[
        "patch",
        "configmap",
        "bindguard-history",
        "-n",
        "bindguard",
        "-p",
        &patch,
    ]);
    let whole = scan(&plane, &[]);
    assert_eq!(whole.stderr, "");
    open(&page(&whole), async |browser| {
        let rows = "Array.from(document.querySelectorAll('#denials tbody tr')).map((row) => { \
            const [track, bar] = ['.track', '.denied'].map((name) => row.querySelector(name).getBoundingClientRect()); \
            return [row.cells[0].textContent, row.cells[2].textContent, \
              Math.round(100 * (bar.left - track.left) / track.width), Math.round(100 * bar.width / track.width)]; })";
        let binding = |namespace| format!("RoleBinding {namespace}/vm (spectro-vm-user)");
        let (red, blue) = (binding("red"), binding("blue"));
        let expected: Value = json!([
            [format!("last{red}"), "22026-11-24 00:00", 50, 50],
            [
                format!("\"<b>often</b>\"{blue}"),
                "402026-11-23 00:00",
                25,
                50
            ],
            [format!("early{red}"), "12026-11-20 00:00", 0, 1],
        ]);
        assert_eq!(browser.value(rows).await, expected);
        let told = "document.querySelector('#denials-title + p').textContent";
        let told = browser.value(told).await;
        let told = told.as_str().unwrap();
        assert!(
            told.contains("43 calls, from 2026-11-20 00:00 to 2026-11-24 00:00 UTC"),
            "{told}"
        );
        browser
            .value("document.getElementById('denials-title').scrollIntoView()")
            .await;
        browser.picture("denials").await;
    });
    let narrow = scan(&plane, &["-n", "blue"]).stdout;
    assert!(
        narrow.contains("often") && !narrow.contains("early"),
        "{narrow}"
    );
    let table = scan(&plane, &["--history", "other"]);
    assert!(
        table.stderr.contains("ConfigMap bindguard/other"),
        "{table}"
    );
}
