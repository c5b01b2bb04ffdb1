//! Manifests, and what `bindguard check` finds in them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::sandbox::Sandbox;

/// Files, and how they are checked.
pub(crate) struct Case {
    title: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    arguments: Vec<&'static str>,
    policy: Option<&'static str>,
}

/// A case of files, each with its name.
pub(crate) fn files<T: AsRef<[u8]>>(title: &'static str, files: &[(&'static str, T)]) -> Case {
    Case {
        title,
        files: files
            .iter()
            .map(|(name, contents)| (*name, contents.as_ref().to_vec()))
            .collect(),
        arguments: vec![],
        policy: None,
    }
}

/// A case of one file.
pub(crate) fn case(title: &'static str, text: impl AsRef<[u8]>) -> Case {
    files(title, &[("m.yaml", text)])
}

impl Case {
    /// Further arguments of `check`.
    pub(crate) fn with(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// A policy of this spec.
    pub(crate) fn policy(mut self, spec: &'static str) -> Self {
        self.policy = Some(spec);
        self.with(&["--policy", "policy.yaml"])
    }

    /// The files with what is said of them.
    fn told(&self) -> String {
        let sandbox = Sandbox::new();
        sandbox.make_folder("m");
        let mut text = format!("# {}\n", self.title);
        if let Some(spec) = self.policy {
            let _ = writeln!(text, "policy:");
            let mut policy = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\n\
                              metadata: {name: x}\nspec:\n"
                .to_owned();
            for line in spec.lines() {
                let _ = writeln!(policy, "  {line}");
                let _ = writeln!(text, "| {line}");
            }
            sandbox.write("policy.yaml", policy);
        }
        for (name, contents) in &self.files {
            sandbox.write(&format!("m/{name}"), contents);
            let _ = writeln!(text, "$ cat {name}");
            for line in String::from_utf8_lossy(contents).split_inclusive('\n') {
                let line = line.strip_suffix('\n').unwrap_or(line);
                let _ = writeln!(text, "| {}", visible(line));
            }
        }
        let arguments = [&["check", "-f", "m", "-o", "json"], &self.arguments[..]].concat();
        let output = sandbox.run(&arguments);
        let more: String = self
            .arguments
            .iter()
            .map(|word| format!(" {word}"))
            .collect();
        let _ = writeln!(text, "$ bindguard check -f .{more}");
        let report: Value = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output}"));
        for finding in report["findings"].as_array().expect("findings are a list") {
            let _ = writeln!(text, "{}", line_of(finding));
        }
        let stderr = output
            .stderr
            .replace("m/", "")
            .replace(&sandbox.home(), "~");
        let code = output.status.code().expect("it ends by itself");
        assert_eq!(
            output.stderr.is_empty(),
            code != 2,
            "{}: an error is told, and nothing else is: {output}",
            self.title
        );
        let found = report["findings"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        assert!(
            code == 2 || (code == 1) == found,
            "{}: {output}",
            self.title
        );
        let _ = write!(text, "{stderr}");
        let number = |name: &str| report["summary"][name].clone();
        let _ = writeln!(
            text,
            "exit {code}: {} of {} persona bindings, {} subjects",
            number("faultyBindings"),
            number("personaBindings"),
            number("subjects")
        );
        text
    }
}

/// `FILE:LINE:COLUMN (document N) LEVEL WHO lacks WHAT: ROLE by BINDING`
fn line_of(finding: &Value) -> String {
    let file = finding["file"].as_str().expect("a file");
    let file = file.strip_prefix("m/").unwrap_or(file);
    let number = |name: &str| finding[name].as_u64().expect("a number");
    let message = finding["message"].as_str().expect("a message");
    let message = message.replace(", without which the VM console does not work", "");
    format!(
        "{file}:{}:{} (document {}) {}: {message}",
        number("line"),
        number("column"),
        number("document"),
        finding["severity"].as_str().expect("a severity"),
    )
}

/// A line with everything shown that nobody sees.
fn visible(line: &str) -> String {
    line.replace('\u{feff}', "<BOM>")
        .replace('\r', "<CR>")
        .replace('\t', "<TAB>")
        .replace('\0', "<NUL>")
        .replace('\u{1b}', "<ESC>")
        .replace('\u{202e}', "<RLO>")
        .replace('\u{85}', "<NEL>")
}

/// Compares what is said of the cases with the text of their name, or writes it if `UPDATE` is set.
#[track_caller]
pub(crate) fn check(name: &str, cases: &[Case]) {
    let told: Vec<String> = cases.iter().map(Case::told).collect();
    let text = told.join("\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/manifests/cases")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).expect("the text can be written");
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let different = kept
        .lines()
        .zip(text.lines())
        .position(|(kept, now)| kept != now);
    assert!(
        kept == text,
        "{name}.txt is not what the program says now, from line {}:\n{}",
        different.map_or(0, |line| line + 1),
        text.lines()
            .skip(different.unwrap_or_default().saturating_sub(8))
            .take(16)
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    );
}
