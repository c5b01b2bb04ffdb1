//! The alerts on what real processes tell.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use crate::promtool::{RULES, path, promtool};
use crate::support::{Bindguard, ControlPlane, Controller, Serve, eventually, fresh_folder};

const POLICY: &str = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\n";
/// How long it may take to notice anything on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// Which alerts fire when Pods have told this for two hours.
fn firing(pages: &[(&str, String)]) -> BTreeSet<String> {
    let mut series = String::new();
    for (pod, page) in pages {
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = match name.strip_suffix('}') {
                Some(open) => format!("{open},pod=\"{pod}\"}}"),
                None => format!("{name}{{pod=\"{pod}\"}}"),
            };
            writeln!(series, "      - {{series: '{name}', values: {value}x240}}").unwrap();
        }
    }
    let test = |samples: &str| {
        format!(
            "rule_files: [{}]\nevaluation_interval: 30s\ntests:\n  - interval: 30s\n    input_series:\n{series}    \
             promql_expr_test:\n      - expr: count by (alertname) (ALERTS{{alertstate=\"firing\"}})\n        \
             eval_time: 2h\n        exp_samples: [{samples}]\n",
            path(RULES).display()
        )
    };
    let file = fresh_folder("live").join("test.yaml");
    fs::write(&file, test("")).unwrap();
    let output = promtool(&["test", "rules", file.to_str().unwrap()]);
    if output.succeeded() {
        return BTreeSet::new();
    }
    let got = output.stderr.split("got:").nth(1).unwrap_or_default();
    let names = got.split("alertname=\"").skip(1);
    let names: BTreeSet<String> = names
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    assert!(!names.is_empty(), "{output}");
    names
}

struct Pods<'p> {
    bindguard: &'p Bindguard,
    controller: &'p Controller,
}

impl Pods<'_> {
    /// What both tell, once both do.
    fn pages(&self) -> [(&str, String); 2] {
        let pages = eventually(LIMIT, || {
            let (_, serve) = self.bindguard.admin("/metrics").ok()?;
            let controller = self.controller.metrics();
            let whole = |page: &String| page.ends_with("# EOF\n");
            let pages = [("serve", serve), ("controller", controller)];
            pages.iter().all(|(_, page)| whole(page)).then_some(pages)
        });
        pages.expect("both have an admin port")
    }

    /// Waits until exactly these alerts would fire.
    #[track_caller]
    fn wait_for(&self, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(|&name| name.to_owned()).collect();
        let mut last = BTreeSet::new();
        let seen = eventually(LIMIT, || {
            last = firing(&self.pages());
            (last == expected).then_some(())
        });
        assert!(
            seen.is_some(),
            "{last:?} and not {expected:?}\n{}\n{}",
            self.bindguard.stderr(),
            self.controller.process.stderr()
        );
    }
}

#[test]
fn nothing_fires_while_all_is_well_and_what_is_wrong_does() {
    let plane = ControlPlane::start(&[]);
    plane.install_roles();
    let policy = fresh_folder("policy").join("policy.yaml");
    fs::write(&policy, POLICY).unwrap();
    let binary = env!("CARGO_BIN_EXE_bindguard");
    let bindguard = Serve::new(binary)
        .kubeconfig(&plane.accounts().serve)
        .policy(&policy)
        .start();
    let registration = bindguard.register(&plane);
    let controller = Controller::start(binary, &plane, &policy);
    let pods = Pods {
        bindguard: &bindguard,
        controller: &controller,
    };
    pods.wait_for(&[]);

    fs::write(
        &policy,
        "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec: {action: Refuse}\n",
    )
    .unwrap();
    pods.wait_for(&["BindguardPolicyBroken"]);
    fs::write(&policy, POLICY).unwrap();
    pods.wait_for(&[]);

    // Somebody takes the webhook configurations and the guard of orders away.
    drop(registration);
    pods.wait_for(&[
        "BindguardConfigurationDrift",
        "BindguardFindings",
        "BindguardOrdersNotTaken",
    ]);

    plane.stop_api_server();
    let expected = ["BindguardNoLeader", "BindguardWatchFails"];
    let seen = eventually(LIMIT, || {
        let firing = firing(&pods.pages());
        expected
            .iter()
            .all(|name| firing.contains(*name))
            .then_some(firing)
    });
    assert!(seen.is_some(), "{:?}", firing(&pods.pages()));
}
