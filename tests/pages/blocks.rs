//! The blocks of a page that hold commands.

use std::path::Path;

/// Words that begin a command although no such program is on the path here.
const PROGRAMS: [&str; 16] = [
    "bindguard",
    "cargo",
    "cosign",
    "docker",
    "helm",
    "kubectl",
    "kustomize",
    "make",
    "openssl",
    "oras",
    "skopeo",
    "spectro",
    "buildah",
    "rustup",
    "apt-get",
    "sha256sum",
];

/// What stands above a block of commands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    /// Nothing: the commands are run as they are.
    None,
    /// `<!-- tested by tests/SUITE: NAME -->`
    TestedBy { suite: String, test: String },
    /// `<!-- not run: WHY -->`
    NotRun(String),
}

/// A command, and what a page shows that it prints.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    pub(crate) text: String,
    pub(crate) shown: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) page: String,
    /// The number of its first line.
    pub(crate) line: usize,
    pub(crate) mark: Mark,
    pub(crate) commands: Vec<Command>,
}

/// The blocks of commands of a page, from the top.
pub(crate) fn blocks(page: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut above = "";
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let start = at;
        let (body, is_shell) = match fence(lines[at]) {
            Some(info) => {
                let end = (at + 1..lines.len())
                    .find(|&end| lines[end].trim() == "```")
                    .unwrap_or(lines.len());
                let body = lines[at + 1..end]
                    .iter()
                    .map(|line| line.trim_end().to_owned())
                    .collect();
                at = end + 1;
                (body, ["sh", "bash", "shell", "console"].contains(&info))
            }
            None if is_indented(lines[at]) && (at == 0 || lines[at - 1].trim().is_empty()) => {
                let end = end_of_indented(&lines, at);
                let body = dedented(&lines[at..end]);
                at = end;
                let is_shell = begins_a_command(&body[0]);
                (body, is_shell)
            }
            None => {
                if !lines[at].trim().is_empty() {
                    above = lines[at];
                }
                at += 1;
                continue;
            }
        };
        if is_shell {
            blocks.push(Block {
                page: page.to_owned(),
                line: start + 1,
                mark: mark(above).unwrap_or_else(|wrong| panic!("{page}:{}: {wrong}", start + 1)),
                commands: commands(&body),
            });
        }
        above = "";
    }
    blocks
}

/// The word behind the fence that a line opens.
fn fence(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("```").map(str::trim)
}

fn is_indented(line: &str) -> bool {
    line.starts_with("    ") && !line.trim_start().starts_with("```")
}

/// Where an indented block ends. Empty lines within it are part of it.
fn end_of_indented(lines: &[&str], start: usize) -> usize {
    let mut end = start;
    for (number, line) in lines.iter().enumerate().skip(start) {
        if is_indented(line) {
            end = number + 1;
        } else if !line.trim().is_empty() {
            break;
        }
    }
    end
}

fn dedented(lines: &[&str]) -> Vec<String> {
    let spaces = |line: &&str| line.len() - line.trim_start().len();
    let full = lines.iter().filter(|line| !line.trim().is_empty());
    let least = full.map(spaces).min().unwrap_or(0);
    lines
        .iter()
        .map(|line| line.get(least..).unwrap_or_default().trim_end().to_owned())
        .collect()
}

/// Whether the first word that is no variable names a program.
fn begins_a_command(line: &str) -> bool {
    if line.starts_with("$ ") {
        return true;
    }
    let is_variable = |word: &&str| {
        word.split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && is_upper(name))
    };
    let Some(word) = line.split_whitespace().find(|word| !is_variable(word)) else {
        return line.contains("=$(");
    };
    let on_path = || {
        let path = std::env::var("PATH").unwrap_or_default();
        path.split(':')
            .any(|folder| Path::new(folder).join(word).is_file())
    };
    PROGRAMS.contains(&word)
        || word.contains('/') && Path::new(word).extension().is_some_and(|end| end == "sh")
        || (is_word(word) && on_path())
}

fn is_upper(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_word(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// What a line says, if it is a comment that is a mark.
fn mark(line: &str) -> Result<Mark, String> {
    let Some(text) = line
        .trim()
        .strip_prefix("<!-- ")
        .and_then(|rest| rest.strip_suffix(" -->"))
    else {
        return Ok(Mark::None);
    };
    if let Some(why) = text.strip_prefix("not run: ") {
        return Ok(Mark::NotRun(why.to_owned()));
    }
    let Some((suite, test)) = text
        .strip_prefix("tested by tests/")
        .and_then(|rest| rest.split_once(": "))
    else {
        return Err(format!(
            "\"{text}\" is neither \"not run: WHY\" nor \"tested by tests/SUITE: NAME\""
        ));
    };
    Ok(Mark::TestedBy {
        suite: suite.to_owned(),
        test: test.to_owned(),
    })
}

/// Lines that end with a backslash go on in the next. With `$ ` before commands, the rest is what they print.
fn commands(body: &[String]) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    let shows = body.iter().any(|line| line.starts_with("$ "));
    let mut goes_on = false;
    for line in body {
        let (text, more) = match line.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (line.as_str(), false),
        };
        let command = text.strip_prefix("$ ");
        match (found.last_mut(), command) {
            (_, Some(command)) => found.push(Command {
                text: command.to_owned(),
                shown: Some(String::new()),
            }),
            (Some(last), None)
                if goes_on && last.shown.as_deref().unwrap_or_default().is_empty() =>
            {
                last.text.push_str(text.trim_start());
            }
            (Some(last), None) if shows => {
                let shown = last.shown.get_or_insert_default();
                shown.push_str(line);
                shown.push('\n');
            }
            _ if text.trim().is_empty() => {}
            _ => found.push(Command {
                text: text.to_owned(),
                shown: None,
            }),
        }
        goes_on = more;
    }
    found
}

#[test]
fn blocks_are_found_with_their_marks_and_commands() {
    let page = "\
Text.

    bindguard check \\
      -f a
    kubectl get x

<!-- not run: why -->

```sh
make it
```

- item

        docker build .

Text.

    no command at all

<!-- tested by tests/x: y -->

    $ bindguard scan
    LEVEL  a

    \x20 b
    $ A=1 make that
";
    let found = blocks("p", page);
    let texts = |block: &Block| -> Vec<String> {
        block
            .commands
            .iter()
            .map(|command| command.text.clone())
            .collect()
    };
    assert_eq!(texts(&found[0]), ["bindguard check -f a", "kubectl get x"]);
    assert_eq!((found[0].line, &found[0].mark), (3, &Mark::None));
    assert_eq!(found[1].mark, Mark::NotRun("why".to_owned()));
    assert_eq!(texts(&found[1]), ["make it"]);
    assert_eq!(texts(&found[2]), ["docker build ."]);
    assert_eq!(texts(&found[3]), ["bindguard scan", "A=1 make that"]);
    assert_eq!(
        found[3].commands[0].shown.as_deref(),
        Some("LEVEL  a\n\n  b\n")
    );
    assert_eq!(found.len(), 4);
}

#[test]
fn a_mark_that_nobody_understands_is_an_error() {
    for wrong in [
        "<!-- run by: nobody -->",
        "<!-- tested by tests/x -->",
        "<!-- todo -->",
    ] {
        mark(wrong).unwrap_err();
    }
}
