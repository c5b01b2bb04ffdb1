//! What kubectl and helm show of a verdict, read as strictly as it is meant.

use std::fmt::Write;

use serde_json::Value;

use crate::support::Output;

const DENIED: &str = "admission webhook \"validate.bindguard.dev\" denied the request: ";
/// What ends a warning about a subject that lacked its companions before the change.
pub(crate) const BEFORE: &str = "; it did so before this change";

/// The message of a denial, taken apart.
#[derive(Debug)]
pub(crate) struct Denial {
    /// Everything from the webhook's name on.
    pub(crate) text: String,
    /// The first line of the message.
    pub(crate) headline: String,
    /// `User alice lacks COMPANION, COMPANION`, one for each subject; last, how many there are more.
    pub(crate) lacks: Vec<String>,
    /// The commands that mend it.
    pub(crate) commands: Vec<String>,
}

impl Output {
    /// The denial that a failed command showed.
    #[track_caller]
    pub(crate) fn denial(&self) -> Denial {
        assert!(
            !self.succeeded(),
            "this command should have been denied:\n{self}"
        );
        let Some((_, message)) = self.stderr.rsplit_once(DENIED) else {
            panic!("this command failed, but not by a denial:\n{self}");
        };
        let (headline, details) = message.split_once('\n').unwrap_or((message, ""));
        let mut denial = Denial {
            text: format!("{DENIED}{message}"),
            headline: headline.to_owned(),
            lacks: Vec::new(),
            commands: Vec::new(),
        };
        for line in details.lines().filter_map(|line| line.strip_prefix("  ")) {
            if line.starts_with("kubectl ") {
                denial.commands.push(line.to_owned());
            } else {
                denial.lacks.push(line.to_owned());
            }
        }
        denial
    }

    /// Fails unless the command was denied because of exactly these subjects and companions.
    #[track_caller]
    pub(crate) fn expect_denied(&self, lacks: &[&str]) -> Denial {
        let denial = self.denial();
        assert_eq!(denial.lacks, lacks, "other subjects are denied:\n{self}");
        denial
    }

    /// The `v1/Status` that kubectl got, which it shows with `-v=4`.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let (_, rest) = self
            .stderr
            .split_once("server response object: ")
            .unwrap_or_else(|| panic!("kubectl shows no response:\n{self}"));
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        values
            .next()
            .and_then(Result::ok)
            .unwrap_or_else(|| panic!("the response is no JSON:\n{self}"))
    }

    /// The warnings that it printed, without their prefix.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.stderr
            .lines()
            .filter_map(|line| line.strip_prefix("Warning: "))
            .collect()
    }

    /// The warnings that say who lacks what.
    pub(crate) fn warned_of(&self) -> Vec<&str> {
        let mut warnings = self.warnings();
        warnings.retain(|warning| !warning.starts_with("add: "));
        warnings
    }

    /// The commands that warnings bring.
    pub(crate) fn warned_commands(&self) -> Vec<&str> {
        let warnings = self.warnings();
        let commands = warnings
            .iter()
            .filter_map(|text| text.strip_prefix("add: "));
        commands.collect()
    }

    /// Fails unless the command passed, with exactly these warnings about who lacks what.
    #[track_caller]
    pub(crate) fn expect_warned(&self, warnings: &[String]) {
        assert!(
            self.succeeded(),
            "this command should have passed with warnings:\n{self}"
        );
        assert_eq!(self.warned_of(), warnings, "other warnings:\n{self}");
    }

    /// Fails unless the command passed without a word.
    #[track_caller]
    pub(crate) fn expect_silence(&self) {
        assert!(
            self.succeeded(),
            "this command should have passed silently:\n{self}"
        );
        assert_eq!(
            self.warnings(),
            Vec::<&str>::new(),
            "no warning is due:\n{self}"
        );
    }
}

/// The commands that bind each companion to those who lack it, as flags in the order of the
/// policy, from lines as in [`Denial::lacks`]: what `--clusterrole` and the subjects' flags are to be.
pub(crate) fn expected_flags(lacks: &[(String, String)]) -> Vec<String> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for (subject, companions) in lacks {
        for companion in companions.split(", ") {
            let flag = flag(subject);
            match commands.iter_mut().find(|(known, _)| *known == companion) {
                Some((_, flags)) => write!(flags, " {flag}").expect("memory can be written"),
                None => commands.push((companion, flag)),
            }
        }
    }
    commands.sort_unstable();
    commands
        .into_iter()
        .map(|(companion, flags)| format!("--clusterrole={companion} {flags}"))
        .collect()
}

/// The flag of `kubectl create clusterrolebinding` for a subject as messages show it.
fn flag(subject: &str) -> String {
    let (kind, name) = subject
        .split_once(' ')
        .unwrap_or_else(|| panic!("{subject:?} is a kind and a name"));
    let word = |name: &str| match name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(inner) => format!("'{inner}'"),
        None => name.to_owned(),
    };
    match kind {
        "User" => format!("--user={}", word(name)),
        "Group" => format!("--group={}", word(name)),
        "ServiceAccount" => format!("--serviceaccount={}", word(&name.replacen('/', ":", 1))),
        other => panic!("{other} is no kind of subject"),
    }
}

/// What a command binds, without the name of the binding.
pub(crate) fn flags(command: &str) -> &str {
    let (_, flags) = command
        .split_once(" --clusterrole=")
        .unwrap_or_else(|| panic!("{command:?} binds a ClusterRole"));
    &command[command.len() - flags.len() - "--clusterrole=".len()..]
}
