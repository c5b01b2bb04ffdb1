//! Everything that can be configured wrongly, and what is said of it.

mod answers;
mod certificates;
mod check;
mod cluster;
mod flags;
mod manifests;
mod policies;
mod policy_tests;
mod ports;

use super::case::Case;
use super::sandbox::Sandbox;
use super::snapshot;

#[test]
fn every_bad_configuration_ends_with_exit_code_2_and_names_what_is_wrong_and_where() {
    let mut text = String::from(
        "Every bad configuration and what bindguard says of it on standard error. Each of these \
         ends with\nexit code 2 and leaves standard output empty.\n",
    );
    let mut count = 0;
    for (section, cases) in [
        ("Commands and flags", flags::cases()),
        ("The environment", flags::environment_cases()),
        ("Ports", ports::cases()),
        ("Certificates", certificates::cases()),
        ("Managed certificates", certificates::managed_cases()),
        ("Clusters and manifests", cluster::cases()),
        ("Manifests that are checked", check::cases()),
        ("Functions for Kustomize", check::function_cases()),
        ("What is looked for in a cluster", check::cluster_cases()),
        ("What a cluster answers", answers::cases()),
        ("The output of `manifests`", manifests::cases()),
        ("Policies", policies::cases()),
        ("Tests of policies", policy_tests::cases()),
    ] {
        text.push_str(&format!("\n\n== {section}\n"));
        for case in &cases {
            text.push('\n');
            text.push_str(&run_alone(case));
        }
        count += cases.len();
    }
    assert!(count >= 60, "only {count} cases");
    snapshot::check("bad_configuration.txt", &text);
}

/// Runs a case in a folder of its own, with the files and folders that some of them need.
fn run_alone(case: &Case) -> String {
    let sandbox = Sandbox::new();
    sandbox.make_folder("folder");
    sandbox.make_folder("read-only");
    sandbox.set_mode("read-only", 0o555);
    sandbox.make_folder("locked");
    sandbox.set_mode("locked", 0o000);
    sandbox.write("locked.yaml", "");
    sandbox.set_mode("locked.yaml", 0o000);
    case.run(&sandbox)
}
