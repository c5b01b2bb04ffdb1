//! `bindguard policy test`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum, ValueHint};
use serde_json::{Value, json};

use crate::cli::{Outcome, output};
use crate::domain::text::Escaped;
use crate::policy_file::{self, cases};
use crate::report::cases::{Failure, failures};

const EXAMPLES: &str = "\
Examples:
  bindguard policy test policy-tests/*.yaml
  bindguard policy test policy-tests/*.yaml -o json

Exit codes: 0 every case holds, 1 some do not, 2 a file could not be read.";

/// Test a policy: bindings, who holds which companions, and what is expected to happen
///
/// A file of cases is a document of kind PolicyTest, with the spec of a policy under `policy` or
/// the file of one under `policyFile`; without either it is the built-in policy that is tested.
/// docs/policy.md shows one, and `bindguard policy schema --of test` prints the JSON Schema. No
/// cluster is asked.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files of cases
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required = true)]
    files: Vec<PathBuf>,

    /// How to print what does not hold
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One line a case that does not hold, and how many there are
    Table,
    /// One object with everything
    Json,
}

/// The cases of a file that do not hold, of how many.
struct Tested<'a> {
    path: &'a Path,
    cases: usize,
    failures: Vec<Failure>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut tested = Vec::new();
    let mut errors = Vec::new();
    for path in &arguments.files {
        match test(path) {
            Ok(one) => tested.push(one),
            Err(error) => errors.push(error),
        }
    }
    output::print(&match arguments.output {
        Format::Table => table(&tested),
        Format::Json => super::pretty(&object(&tested))?,
    })?;
    if !errors.is_empty() {
        return Err(anyhow!(errors.join("\n")));
    }
    let all_hold = tested.iter().all(|file| file.failures.is_empty());
    Ok(if all_hold {
        Outcome::Done
    } else {
        Outcome::Wrong
    })
}

/// Tests a file, or says what is wrong with it, one fault a line.
fn test(path: &Path) -> Result<Tested<'_>, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let load = |file: &str| {
        let file = path.parent().unwrap_or(Path::new("")).join(file);
        let loaded = policy_file::load(&file);
        loaded
            .map(|loaded| loaded.policy)
            .map_err(|error| format!("{:#}", anyhow::Error::from(error)))
    };
    let cases = cases::parse(&text, load).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|error| format!("{}:{error}", path.display()))
            .collect();
        lines.join("\n")
    })?;
    Ok(Tested {
        path,
        cases: cases.cases.len(),
        failures: failures(&cases),
    })
}

fn table(tested: &[Tested<'_>]) -> String {
    let mut text = String::new();
    for file in tested {
        for failure in &file.failures {
            let failure = failure.to_string();
            let _ = writeln!(text, "{}:{}", file.path.display(), Escaped(&failure));
        }
    }
    let (all, wrong) = totals(tested);
    let cases = match all {
        1 => "1 case".to_owned(),
        many => format!("{many} cases"),
    };
    let _ = match (all, wrong) {
        (0, _) => Ok(()),
        (_, 0) => writeln!(text, "{cases}: all hold"),
        (_, 1) => writeln!(text, "{cases}: 1 does not hold"),
        (_, wrong) => writeln!(text, "{cases}: {wrong} do not hold"),
    };
    text
}

fn object(tested: &[Tested<'_>]) -> Value {
    let files = tested.iter().map(|file| {
        json!({
            "file": file.path.to_string_lossy(),
            "cases": file.cases,
            "failures": file.failures,
        })
    });
    let files: Vec<Value> = files.collect();
    let (cases, failures) = totals(tested);
    json!({"files": files, "summary": {"cases": cases, "failures": failures}})
}

/// How many cases there are, and how many do not hold.
fn totals(tested: &[Tested<'_>]) -> (usize, usize) {
    let cases = tested.iter().map(|file| file.cases).sum();
    let failures = tested.iter().map(|file| file.failures.len()).sum();
    (cases, failures)
}
