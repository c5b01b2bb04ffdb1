//! Names that Kubernetes accepts and nobody would want to read raw.

use serde_json::{Value, json};

use crate::random::Random;

const RBAC: &str = "rbac.authorization.k8s.io";

/// What names are put together from.
const PIECES: [&str; 56] = [
    "'",
    "\"",
    "''",
    "\\",
    "\\'",
    "\\n",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\u{b}",
    "\u{7f}",
    "\u{1}",
    "\u{1b}[31m",
    "\u{1b}]0;title\u{7}",
    "\u{80}",
    "\u{85}",
    "\u{9b}2J",
    "\u{9d}",
    "\u{200b}",
    "\u{200d}",
    "\u{200e}",
    "\u{202a}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{ad}",
    "\u{e0041}",
    "\u{fffd}",
    "\u{ffff}",
    "e\u{301}",
    "漢字",
    "🚀",
    "👩\u{200d}💻",
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME}",
    "; touch pwned",
    "&& touch pwned",
    "| tee pwned",
    "> pwned",
    "!!",
    "!x",
    "*",
    "?",
    "~",
    "# no comment",
    "{a,b}",
    "%s%n",
    " ",
    "\\u{1b}",
    "a,b=c:d",
    "--clusterrole=cluster-admin",
];

/// A subject, as it is written, and by the name that RBAC compares.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) written: Value,
    /// `user NAME` or `group NAME`.
    pub(crate) who: String,
    /// Whether a command can name it: no NUL, at most 253 characters.
    pub(crate) commandable: bool,
}

/// A subject that no other number gives.
pub(crate) fn subject(random: &mut Random, number: u64) -> Subject {
    match random.below(8) {
        0..4 => {
            let name = name(random, number);
            named("User", &name)
        }
        4 => {
            // A ServiceAccount by its user name, which need not be the name of any.
            let (namespace, name) = (piece(random), name(random, number));
            named("User", &format!("system:serviceaccount:{namespace}:{name}"))
        }
        5 => named("Group", &name(random, number)),
        6 => named(
            "Group",
            &format!("system:serviceaccounts:{}", name(random, number)),
        ),
        _ => {
            let namespace = name(random, number);
            let commandable = namespace.chars().count() <= 253 && !namespace.contains('\0');
            Subject {
                written: json!({"kind": "ServiceAccount", "name": "bot", "namespace": namespace}),
                who: format!("user system:serviceaccount:{namespace}:bot"),
                commandable,
            }
        }
    }
}

fn named(kind: &str, name: &str) -> Subject {
    let commandable =
        !name.contains('\0') && parts(kind, name).all(|part| part.chars().count() <= 253);
    Subject {
        written: json!({"kind": kind, "apiGroup": RBAC, "name": name}),
        who: format!("{} {name}", kind.to_lowercase()),
        commandable,
    }
}

/// What of a name is held against the limit: the parts of a name that Kubernetes itself puts
/// together are measured apart.
fn parts<'n>(kind: &str, name: &'n str) -> impl Iterator<Item = &'n str> {
    let prefix = match kind {
        "User" => "system:serviceaccount:",
        _ => "system:serviceaccounts:",
    };
    let rest = name.strip_prefix(prefix).unwrap_or(name);
    let split = rest
        .rsplit_once(':')
        .filter(|_| kind == "User" && rest.len() < name.len());
    let (first, second) = split.unwrap_or((rest, ""));
    [first, second].into_iter()
}

fn name(random: &mut Random, number: u64) -> String {
    let number = format!("{number}x");
    match random.below(24) {
        0 => format!("-{}{number}", piece(random)),
        1 => format!("{number}{}\0", piece(random)),
        2 => format!("{number}{}", "x".repeat(253 - number.len())),
        3 => format!("{number}{}", "🚀".repeat(254 - number.len())),
        4 if random.one_in(3) => format!("{number}{}", "\u{1b}[2J".repeat(16_384)),
        _ => {
            let mut parts: Vec<String> = (0..random.within(1..4)).map(|_| piece(random)).collect();
            parts.insert(random.below(parts.len() + 1), number);
            parts.concat()
        }
    }
}

fn piece(random: &mut Random) -> String {
    random.pick(&PIECES).to_owned()
}

/// The name that RBAC compares for a subject as it is stored.
pub(crate) fn who(subject: &Value) -> String {
    let text = |field: &str| subject[field].as_str().unwrap_or_default();
    match text("kind") {
        "ServiceAccount" => format!(
            "user system:serviceaccount:{}:{}",
            text("namespace"),
            text("name")
        ),
        kind => format!("{} {}", kind.to_lowercase(), text("name")),
    }
}
