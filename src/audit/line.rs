//! A record as one line of JSON.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use sha2::{Digest, Sha256};

use super::record::{Pair, Record};
use crate::domain::text::needs_escape;

/// The longest line, in bytes: log shippers cut or drop longer ones.
pub const LONGEST_LINE: usize = 16 * 1024;
/// How long texts may be in a line that would otherwise be too long, in characters: the first of
/// these with which it fits. An escaped character takes up to twelve bytes.
const LONGEST_TEXTS: [usize; 3] = [512, 128, 32];
/// The most groups of a requester in a line that would otherwise be too long.
const MOST_GROUPS: usize = 8;

/// The record as one line, line feed included, of at most [`LONGEST_LINE`] bytes.
///
/// A record that does not fit keeps its first pairs, and tells how many there are and the SHA-256
/// of the whole list (each pair as compact JSON, followed by a line feed).
#[must_use]
pub fn encode(record: &Record<'_>) -> Vec<u8> {
    let whole = to_line(&Line {
        record,
        missing_total: record.missing.len(),
        missing_sha256: None,
    });
    if whole.len() <= LONGEST_LINE {
        return whole;
    }
    let digest = digest(&record.missing);
    let mut line = Vec::new();
    for longest in LONGEST_TEXTS {
        line = fit(record, &digest, longest);
        if line.len() <= LONGEST_LINE {
            break;
        }
    }
    line
}

/// The line with texts cut and as many of the first pairs as fit.
fn fit(record: &Record<'_>, digest: &str, longest_text: usize) -> Vec<u8> {
    let mut short = shorten(record, longest_text);
    loop {
        let line = to_line(&Line {
            record: &short,
            missing_total: record.missing.len(),
            missing_sha256: Some(digest),
        });
        if line.len() <= LONGEST_LINE || short.missing.is_empty() {
            return line;
        }
        let half = short.missing.len() / 2;
        short.missing.truncate(half);
    }
}

#[derive(Serialize)]
struct Line<'r, 'a> {
    #[serde(flatten)]
    record: &'r Record<'a>,
    missing_total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_sha256: Option<&'r str>,
}

/// The record with every text cut. Subjects stay as they are: half a name would be another's.
fn shorten<'a>(record: &Record<'a>, longest_text: usize) -> Record<'a> {
    let mut short = record.clone();
    for text in [
        &mut short.uid,
        &mut short.requester.username,
        &mut short.requester.uid,
        &mut short.binding.name,
        &mut short.policy,
    ] {
        *text = cut(text, longest_text);
    }
    let short_name = |name| cut(name, longest_text);
    short.persona = short.persona.map(short_name);
    short.companion = short.companion.map(short_name);
    short.binding.namespace = short.binding.namespace.map(short_name);
    for binding in &mut short.persona_bindings {
        binding.namespace = binding.namespace.map(short_name);
        binding.name = short_name(binding.name);
    }
    short.requester.groups.truncate(MOST_GROUPS);
    for group in &mut short.requester.groups {
        *group = cut(group, longest_text);
    }
    short
}

fn cut(text: &str, longest: usize) -> &str {
    match text.char_indices().nth(longest) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

fn digest(pairs: &[Pair<'_>]) -> String {
    let mut digest = Sha256::new();
    for pair in pairs {
        digest.update(to_line(pair));
    }
    let mut hexadecimal = String::with_capacity(64);
    for byte in digest.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    hexadecimal
}

/// How many bytes of JSON this becomes.
pub(super) fn json_length(value: &(impl Serialize + ?Sized)) -> usize {
    to_line(value).len() - 1
}

/// One line of JSON that shows as itself on a terminal, line feed included.
pub(super) fn to_line(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    let mut line = Vec::with_capacity(512);
    let mut serializer = Serializer::with_formatter(&mut line, Escaping(CompactFormatter));
    // Plain data into memory: neither the types nor the writer can fail.
    let _ = value.serialize(&mut serializer);
    line.push(b'\n');
    line
}

/// JSON with everything escaped that could fool the terminal on which somebody reads the log.
struct Escaping(CompactFormatter);

impl Formatter for Escaping {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(needs_escape) {
            let (plain, hidden) = rest.split_at(at);
            self.0.write_string_fragment(writer, plain)?;
            let mut characters = hidden.chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        self.0.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{LONGEST_LINE, encode};
    use crate::audit::record::{
        BindingName, Caller, Kind, Pair, Record, Requester, Rule, SubjectName, Verdict,
    };
    use crate::domain::binding::BindingKind;
    use crate::domain::identity::Identity;

    fn record<'a>(requester: &'a str, subjects: &[&'a str]) -> Record<'a> {
        Record {
            time: jiff::Timestamp::UNIX_EPOCH,
            decision: Verdict::Deny,
            rule: Rule::Persona,
            because: "action",
            uid: "u-1",
            operation: "CREATE",
            dry_run: false,
            requester: Requester {
                username: requester,
                uid: "",
                groups: vec!["system:authenticated"],
            },
            caller: Caller::Unverified,
            binding: BindingName {
                kind: Kind(BindingKind::RoleBinding),
                namespace: Some("dev"),
                name: "alice-vm",
            },
            persona: Some("spectro-vm-user"),
            companion: None,
            policy: "vmo",
            persona_bindings: Vec::new(),
            persona_bindings_total: 0,
            missing: subjects
                .iter()
                .map(|name| Pair {
                    subject: SubjectName(Identity::user(name)),
                    companion: "spectro-list-namespaces",
                    before: false,
                    lost: false,
                    ordered: false,
                })
                .collect(),
        }
    }

    fn parse(line: &[u8]) -> Value {
        assert!(line.len() <= LONGEST_LINE, "{} bytes", line.len());
        let (feed, text) = line.split_last().unwrap();
        assert_eq!(*feed, b'\n');
        assert!(!text.contains(&b'\n'));
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn a_record_is_one_line_of_json_with_stable_keys() {
        let line = encode(&record("bob", &["alice"]));
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "{\"time\":\"1970-01-01T00:00:00Z\",\"decision\":\"deny\",\"rule\":\"persona\",\
             \"because\":\"action\",\"uid\":\"u-1\",\"operation\":\"CREATE\",\"dry_run\":false,\
             \"requester\":{\"username\":\"bob\",\"groups\":[\"system:authenticated\"]},\
             \"caller\":\"unverified\",\"binding\":{\"kind\":\"RoleBinding\",\
             \"namespace\":\"dev\",\"name\":\"alice-vm\"},\"persona\":\"spectro-vm-user\",\
             \"policy\":\"vmo\",\"missing\":[{\"subject\":{\"kind\":\"User\",\"name\":\"alice\"},\
             \"companion\":\"spectro-list-namespaces\"}],\"missing_total\":1}\n"
        );
    }

    #[test]
    fn names_come_back_whole_and_no_raw_control_character_goes_out() {
        let hostile = "a\n\u{1b}[31m\u{9b}\u{202e}\u{200b}\u{2028}\"\\\0é🚀\u{e0041}";
        let line = encode(&record("bob", &[hostile]));
        let text = String::from_utf8(line.clone()).unwrap();
        assert!(
            !text
                .trim_end()
                .chars()
                .any(crate::domain::text::needs_escape)
        );
        assert_eq!(parse(&line)["missing"][0]["subject"]["name"], hostile);
    }

    #[test]
    fn a_service_account_keeps_its_namespace_and_a_group_its_name() {
        let names = [
            Identity::user("system:serviceaccount:ci:bot"),
            Identity::group("system:serviceaccounts:ci"),
        ];
        let json = serde_json::to_string(&names.map(SubjectName)).unwrap();
        assert_eq!(
            json,
            "[{\"kind\":\"ServiceAccount\",\"namespace\":\"ci\",\"name\":\"bot\"},\
             {\"kind\":\"Group\",\"name\":\"system:serviceaccounts:ci\"}]"
        );
    }

    #[test]
    fn a_record_that_does_not_fit_tells_how_much_and_the_digest_of_all() {
        let names: Vec<String> = (0..34_000).map(|n| format!("user-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let line = parse(&encode(&record("bob", &names)));
        assert_eq!(line["missing_total"], 34_000);
        assert_eq!(line["missing"][0]["subject"]["name"], "user-0");
        assert!(line["missing"].as_array().unwrap().len() > 20);
        let digest = line["missing_sha256"].as_str().unwrap();
        assert_eq!(digest.len(), 64);
        let mut fewer = names.clone();
        fewer.pop();
        let other = parse(&encode(&record("bob", &fewer)));
        assert_ne!(other["missing_sha256"], digest);
    }

    #[test]
    fn overlong_names_never_make_an_overlong_line() {
        let long = "\u{e0041}".repeat(5_000);
        let mut all = record(&long, &[&long]);
        all.uid = &long;
        all.binding.name = &long;
        all.companion = Some(&long);
        all.persona_bindings = vec![all.binding; 5];
        all.requester.groups = vec![&long; 50];
        let line = parse(&encode(&all));
        assert_eq!(line["missing_total"], 1);
        assert_eq!(line["missing"].as_array().unwrap().len(), 0);
    }
}
