//! What holdings and decisions take of memory, which another program counts.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use crate::table::{Budget, Table};

/// Bytes that an entry may take, its share of everything included.
const BYTES_PER_ENTRY: f64 = 120.0;

pub(crate) fn tables() -> Vec<Table> {
    let figures = count();
    let figure = |name: &str, subjects: u32| {
        let name = format!("{name}_{subjects}");
        *figures.get(&name).unwrap_or_else(|| panic!("no {name}"))
    };
    let mut holdings = Table::new(
        "Memory of 1,000,000 holdings",
        &["subjects in each binding", "bytes an entry", "at most"],
    );
    let mut decisions = Table::new(
        "Allocations of a decision, all given back at its end",
        &[
            "subjects of the binding under review",
            "allocations",
            "bytes",
        ],
    );
    for subjects in [1, 20] {
        let bytes = figure("held_bytes", subjects) / figure("held_entries", subjects);
        holdings.row(
            [&subjects, &format!("{bytes:.1}"), &BYTES_PER_ENTRY],
            Budget::of(bytes <= BYTES_PER_ENTRY),
        );
        let count = figure("decisions", subjects);
        let allocations = figure("decision_allocations", subjects) / count;
        let bytes = figure("decision_bytes", subjects) / count;
        decisions.row(
            [
                &subjects,
                &format!("{allocations:.1}"),
                &format!("{bytes:.0}"),
            ],
            Budget::None,
        );
    }
    vec![holdings, decisions]
}

/// Runs `benches/memory`, which has the allocator that counts.
fn count() -> HashMap<String, f64> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Cargo tells a program that it runs which package that is of. An inner cargo would take that
    // for a change of what build scripts go by, and build everything anew.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_") && text != "CARGO_HOME" && text != "CARGO_TARGET_DIR" {
            command.env_remove(&name);
        }
    }
    let output = command
        .args(["bench", "--locked", "--quiet", "--bench", "memory"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "benches/memory failed");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, number)| (name.to_owned(), number.parse().expect("a number")))
        .collect()
}
