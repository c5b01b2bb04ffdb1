//! What people are told, read back: it must name those who lack something, and nobody else.

use crate::oracle::{account, kind_of};
use crate::rule::Judged;
use crate::verdict::Lack;

const MOST_SUBJECTS: usize = 5;

/// Holds message and warnings against what is missing.
pub(crate) fn check(judged: &Judged) {
    let missing = &judged.verdict.missing;
    match judged.verdict.decision {
        "deny" => check_message(judged.message.as_deref().expect("a message"), missing),
        "warn" => check_warnings(&judged.warnings, missing),
        _ => assert!(judged.message.is_none() && judged.warnings.is_empty()),
    }
}

fn check_message(message: &str, missing: &[Lack]) {
    assert!(message.starts_with("RoleBinding ") || message.starts_with("ClusterRoleBinding "));
    let new: Vec<&Lack> = missing.iter().filter(|lack| !lack.before).collect();
    let shown = &new[..new.len().min(MOST_SUBJECTS)];
    let mut expected: Vec<String> = shown.iter().map(|lack| told(lack)).collect();
    match new.len() - shown.len() {
        0 => {}
        1 => expected.push("and 1 more subject".to_owned()),
        more => expected.push(format!("and {more} more subjects")),
    }
    let (commands, facts): (Vec<&str>, Vec<&str>) = message
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .partition(|line| line.starts_with("kubectl "));
    assert_eq!(facts, expected, "{message}");
    check_commands(&commands, shown);
    assert_eq!(
        message.contains("Kubernetes does not know who they are"),
        shown.iter().any(|lack| kind_of(&lack.who) == "User"),
        "{message}"
    );
}

fn check_warnings(warnings: &[String], missing: &[Lack]) {
    let (told_lacks, rest) = warnings.split_at(missing.len());
    for (warning, lack) in told_lacks.iter().zip(missing) {
        assert!(warning.contains(&format!(": {}", told(lack))), "{warning}");
    }
    for warning in rest {
        let command = warning.strip_prefix("add: ").expect("a command");
        assert!(command.starts_with("kubectl ") && command.chars().count() <= 256);
        let (companion, names) = read_command(command);
        for name in names {
            assert!(
                missing
                    .iter()
                    .any(|lack| lack.who == name && lack.companions.contains(&companion)),
                "{command}"
            );
        }
    }
}

/// There is one command for each companion that anybody lacks, for exactly those.
fn check_commands(commands: &[&str], shown: &[&Lack]) {
    let mut told: Vec<(String, Vec<String>)> = commands
        .iter()
        .map(|command| read_command(command))
        .collect();
    let mut expected: Vec<(String, Vec<String>)> = vec![];
    for lack in shown {
        for companion in &lack.companions {
            match expected.iter_mut().find(|(name, _)| name == companion) {
                Some((_, names)) => names.push(lack.who.clone()),
                None => expected.push((companion.clone(), vec![lack.who.clone()])),
            }
        }
    }
    told.sort();
    expected.sort();
    assert_eq!(told, expected, "{commands:?}");
}

/// The companion that a command binds, and to whom.
fn read_command(command: &str) -> (String, Vec<String>) {
    let words = shell_words(command);
    assert_eq!(words[..3], ["kubectl", "create", "clusterrolebinding"]);
    let companion = words[4].strip_prefix("--clusterrole=").expect("a role");
    assert!(words[3].starts_with(companion), "{command}");
    let names = words[5..].iter().map(|flag| {
        let (flag, name) = flag.split_once('=').expect("a flag");
        match flag {
            "--user" => format!("user {name}"),
            "--group" => format!("group {name}"),
            "--serviceaccount" => {
                let parts: Vec<&str> = name.split(':').collect();
                assert_eq!(parts.len(), 2, "kubectl refuses {name}");
                format!("user system:serviceaccount:{name}")
            }
            other => panic!("{other} in {command}"),
        }
    });
    (companion.to_owned(), names.collect())
}

/// As much of a shell as commands of ours need: `'…'`, `\'`, and `$'…'` with octal bytes.
fn shell_words(command: &str) -> Vec<String> {
    let mut words = vec![vec![]];
    let mut bytes = command.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let word = words.last_mut().expect("there is always a word");
        match byte {
            b' ' => words.push(vec![]),
            b'\'' => word.extend(bytes.by_ref().take_while(|byte| *byte != b'\'')),
            b'\\' => word.extend(bytes.next()),
            b'$' if bytes.next_if_eq(&b'\'').is_some() => {
                while let Some(byte) = bytes.next().filter(|byte| *byte != b'\'') {
                    match (byte, bytes.peek()) {
                        (b'\\', Some(b'0'..=b'7')) => {
                            let digits = bytes.by_ref().take(3);
                            word.push(digits.fold(0, |sum, digit| sum << 3 | (digit - b'0')));
                        }
                        (b'\\', _) => word.extend(bytes.next()),
                        _ => word.push(byte),
                    }
                }
            }
            plain => {
                assert!(
                    !b"\"`$&;|<>(){}*?!#~[]\n\t".contains(&plain),
                    "{plain:?} is not plain in {command}"
                );
                word.push(plain);
            }
        }
    }
    words
        .into_iter()
        .map(|word| String::from_utf8(word).expect("UTF-8"))
        .collect()
}

fn told(lack: &Lack) -> String {
    let name = lack.who.split_once(' ').expect("a kind and a name").1;
    let subject = match account(&lack.who) {
        Some((namespace, name)) => format!("{}/{}", shown(namespace), shown(name)),
        None => shown(name),
    };
    let companions: Vec<String> = lack.companions.iter().map(|name| shown(name)).collect();
    format!(
        "{} {subject} lacks {}",
        kind_of(&lack.who),
        companions.join(", ")
    )
}

/// A name as people are shown it. Of what is hidden the generated names hold only these.
fn shown(name: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "._-:@/+,=".contains(character);
    if name.chars().all(plain) {
        return name.to_owned();
    }
    let mut shown = String::from('"');
    for character in name.chars() {
        match character {
            '"' => shown.push_str("\\\""),
            '\n' => shown.push_str("\\u{a}"),
            '\u{202e}' => shown.push_str("\\u{202e}"),
            other => shown.push(other),
        }
    }
    shown.push('"');
    shown
}
