//! One bad configuration, and how it is shown.

use std::fmt::Write as _;
use std::fs;

use super::sandbox::Sandbox;

/// A command line with what it finds, and what its error must name.
pub(crate) struct Case {
    title: &'static str,
    /// As in a shell: variables first, then `bindguard` and its arguments, and `< FILE`.
    command: String,
    files: Vec<(&'static str, Vec<u8>)>,
    shown: bool,
    /// What somebody who mends it has to know: flag, file, line.
    names: Vec<&'static str>,
    /// What differs from run to run, and what stands for it.
    unstable: Vec<(String, &'static str)>,
    /// The same for the rest of a line behind a text.
    unstable_after: Vec<(&'static str, &'static str)>,
}

pub(crate) fn case(title: &'static str, command: impl Into<String>) -> Case {
    Case {
        title,
        command: command.into(),
        files: vec![],
        shown: true,
        names: vec![],
        unstable: vec![],
        unstable_after: vec![],
    }
}

impl Case {
    /// A file that the command finds.
    pub(crate) fn file(mut self, name: &'static str, contents: impl AsRef<[u8]>) -> Self {
        self.files.push((name, contents.as_ref().to_vec()));
        self
    }

    /// Files are not shown: they are long, binary or new in each run.
    pub(crate) fn unshown(mut self) -> Self {
        self.shown = false;
        self
    }

    /// What the error must have in it.
    pub(crate) fn names(mut self, text: &'static str) -> Self {
        self.names.push(text);
        self
    }

    /// A text of this run, and what is shown for it.
    pub(crate) fn unstable(mut self, text: impl Into<String>, shown: &'static str) -> Self {
        self.unstable.push((text.into(), shown));
        self
    }

    /// What comes before the text of this run in its line, and what is shown for that.
    pub(crate) fn unstable_after(mut self, before: &'static str, shown: &'static str) -> Self {
        self.unstable_after.push((before, shown));
        self
    }

    /// Runs it, checks what holds for all, and gives it as it is kept.
    pub(crate) fn run(&self, sandbox: &Sandbox) -> String {
        let mut text = format!("# {}\n", self.title);
        for (name, contents) in &self.files {
            sandbox.write(name, contents);
            if self.shown {
                let contents = String::from_utf8_lossy(contents);
                let _ = writeln!(text, "$ cat {name}");
                text.extend(contents.lines().map(|line| format!("| {line}\n")));
            }
        }
        let words = split(&self.command);
        let program = words
            .iter()
            .position(|word| word == "bindguard")
            .expect("every command line calls bindguard");
        let environment: Vec<(&str, &str)> = words[..program]
            .iter()
            .map(|word| word.split_once('=').expect("NAME=VALUE"))
            .collect();
        let mut arguments: Vec<&str> = words[program + 1..].iter().map(String::as_str).collect();
        let mut input = String::new();
        if let [.., "<", file] = arguments[..] {
            input = fs::read_to_string(sandbox.path(file)).expect("it is one of the files");
            arguments.truncate(arguments.len() - 2);
        }
        let output = sandbox.run_fed(&environment, &arguments, &input);

        assert_eq!(output.status.code(), Some(2), "{}: {output}", self.title);
        assert_eq!(output.stdout, "", "{}: {output}", self.title);
        let stderr = output.stderr.replace(&sandbox.home(), "/home/me");
        // The sandbox gives both, and usage lines repeat what is given.
        let stderr = stderr.replace(" --listen <[HOST]:PORT> --admin-listen <[HOST]:PORT>", "");
        let (command, stderr) = (self.stable(&self.command), self.stable(&stderr));
        self.check(&stderr);
        let _ = write!(text, "$ {command}\n{stderr}");
        text
    }

    fn stable(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (unstable, shown) in &self.unstable {
            text = text.replace(unstable, shown);
        }
        for (before, shown) in &self.unstable_after {
            if let Some(at) = text.find(before) {
                let start = at + before.len();
                let end = text[start..]
                    .find('\n')
                    .map_or(text.len(), |end| start + end);
                text.replace_range(start..end, shown);
            }
        }
        text
    }

    fn check(&self, stderr: &str) {
        let title = self.title;
        assert!(stderr.starts_with("error: "), "{title}: {stderr}");
        for name in &self.names {
            assert!(
                stderr.contains(name),
                "{title} does not name {name}: {stderr}"
            );
        }
        for leaked in ["panicked", "Os {", "Error(", "Some(", "RUST_BACKTRACE"] {
            assert!(
                !stderr.contains(leaked),
                "{title} shows what only we understand: {stderr}"
            );
        }
        let longest = stderr.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(300), "{title} is too long: {stderr}");
    }
}

/// Words as a shell splits them, with single quotes around what is to stay together.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}
