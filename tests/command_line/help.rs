//! What `--help` says.

use super::sandbox::Sandbox;
use super::snapshot;

/// Every command, by the words that call it.
pub(crate) const COMMANDS: [&[&str]; 24] = [
    &[],
    &["serve"],
    &["controller"],
    &["certs"],
    &["certs", "show"],
    &["certs", "check"],
    &["certs", "rotate"],
    &["denials"],
    &["check"],
    &["explain"],
    &["fix"],
    &["krm"],
    &["scan"],
    &["prune"],
    &["manifests"],
    &["policy"],
    &["policy", "show"],
    &["policy", "check"],
    &["policy", "schema"],
    &["policy", "test"],
    &["verify"],
    &["unregister"],
    &["version"],
    &["completion"],
];

pub(crate) fn help(sandbox: &Sandbox, columns: &str, command: &[&str], flag: &str) -> String {
    let arguments: Vec<&str> = command.iter().copied().chain([flag]).collect();
    let output = sandbox.run_with(&[("COLUMNS", columns)], &arguments);
    assert_eq!(output.stderr, "", "{output}");
    output.expect_success()
}

#[test]
fn no_command_is_left_out_here() {
    let sandbox = Sandbox::new();
    for parent in [[].as_slice(), &["certs"], &["policy"]] {
        let help = help(&sandbox, "100", parent, "-h");
        let (_, list) = help.split_once("Commands:\n").expect("it has commands");
        let lines = list.lines().take_while(|line| !line.is_empty());
        // A line that goes on from the one before begins further to the right.
        let names = lines.filter_map(|line| {
            line.strip_prefix("  ")?
                .split_whitespace()
                .next()
                .filter(|_| !line.starts_with("   "))
        });
        for name in names.filter(|name| *name != "help") {
            let words = [parent, &[name]].concat();
            assert!(COMMANDS.contains(&words.as_slice()), "{words:?}");
        }
    }
}

#[test]
fn every_command_explains_itself() {
    let sandbox = Sandbox::new();
    let mut text = String::from("What every command says of itself, in 100 columns.\n");
    for command in COMMANDS {
        let words: String = command.iter().map(|word| format!("{word} ")).collect();
        let help = help(&sandbox, "100", command, "--help");
        text.push_str(&format!(
            "\n\n$ bindguard {words}--help\n{}",
            trimmed(&help)
        ));
    }
    for command in [[].as_slice(), &["serve"]] {
        let words: String = command.iter().map(|word| format!("{word} ")).collect();
        let help = help(&sandbox, "80", command, "-h");
        text.push_str(&format!(
            "\n\n$ COLUMNS=80 bindguard {words}-h\n{}",
            trimmed(&help)
        ));
    }
    snapshot::check("help.txt", &text);
}

/// Without the spaces at the ends of lines, which editors take away.
pub(crate) fn trimmed(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn no_line_of_help_is_wider_than_the_terminal() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            let help = help(&sandbox, "80", command, flag);
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{command:?} {flag}: {line:?}");
            }
        }
    }
}

#[test]
fn help_is_the_same_by_word_and_by_flag() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let by_word: Vec<&str> = ["help"]
            .into_iter()
            .chain(command.iter().copied())
            .collect();
        let by_word = sandbox.run(&by_word).expect_success();
        assert_eq!(
            by_word,
            help(&sandbox, "100", command, "--help"),
            "{command:?}"
        );
    }
}

#[test]
fn without_arguments_the_program_explains_itself_and_fails() {
    for command in [[].as_slice(), &["policy"], &["certs"]] {
        let output = Sandbox::new().run(command);
        assert_eq!(output.status.code(), Some(2), "{output}");
        assert!(output.stderr.contains("Usage: bindguard "), "{output}");
        assert_eq!(output.stdout, "");
    }
}
