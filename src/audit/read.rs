//! Audit lines read back, from logs in which there may be anything.

use jiff::Timestamp;
use serde::Deserialize;

use super::denial::{Binding, Denial, Pair, Subject};

/// What a line of a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogLine {
    /// An audit line of a denial, and when it was.
    Denied(Box<Denial>, Timestamp),
    /// An audit line of something else: a call that passed, or a dry run.
    Other,
    /// No audit line.
    Garbage,
}

#[derive(Deserialize)]
struct Line {
    time: Timestamp,
    decision: String,
    rule: String,
    dry_run: bool,
    requester: Requester,
    binding: Binding,
    persona: Option<String>,
    companion: Option<String>,
    missing: Vec<Missing>,
    missing_total: usize,
    missing_sha256: Option<String>,
}

#[derive(Deserialize)]
struct Requester {
    username: String,
}

#[derive(Deserialize)]
struct Missing {
    subject: Subject,
    companion: String,
    #[serde(default)]
    before: bool,
    #[serde(default)]
    ordered: bool,
}

/// Reads one line of a log. What a log shipper puts before the JSON is left out.
#[must_use]
pub fn log_line(line: &[u8]) -> LogLine {
    let start = line.iter().position(|byte| *byte == b'{');
    let json = start
        .and_then(|start| line.get(start..))
        .unwrap_or_default();
    let Ok(line) = serde_json::from_slice::<Line>(json) else {
        return LogLine::Garbage;
    };
    match line.decision.as_str() {
        "deny" if !line.dry_run => {}
        "deny" | "warn" | "audit" => return LogLine::Other,
        _ => return LogLine::Garbage,
    }
    let is_removal = line.rule == "companion_removal";
    let is_cut = line.missing_total > line.missing.len();
    let pairs = line
        .missing
        .into_iter()
        .filter(|missing| !missing.before && !missing.ordered);
    let denial = Denial {
        requester: line.requester.username,
        binding: line.binding,
        persona: line.persona.filter(|_| !is_removal),
        companion: line.companion.filter(|_| is_removal),
        missing: pairs
            .map(|missing| Pair {
                subject: missing.subject,
                companion: missing.companion,
            })
            .collect(),
        missing_total: is_cut.then_some(line.missing_total),
        missing_sha256: line.missing_sha256.filter(|_| is_cut),
    };
    LogLine::Denied(Box::new(denial.bounded()), line.time)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{LogLine, log_line};
    use crate::audit::denial::Denial;
    use crate::audit::denial::tests::{pair, record};
    use crate::audit::line::encode;
    use crate::audit::record::{Pair, Record, Rule, Verdict};

    #[track_caller]
    fn denied(line: &[u8]) -> Denial {
        match log_line(line) {
            LogLine::Denied(denial, time) => {
                assert_eq!(time, Timestamp::UNIX_EPOCH);
                *denial
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_is_the_denial_that_its_record_was() {
        let old = Pair {
            before: true,
            ordered: false,
            ..pair("old", "lists")
        };
        let robot = "system:serviceaccount:ci:bot";
        let hostile = "a\n\u{1b}[31m\u{202e}\"\\\0é🚀\u{e0041}";
        let persona = record(
            hostile,
            vec![old, pair(robot, "lists"), pair(hostile, "lists")],
        );
        let removal = Record {
            rule: Rule::CompanionRemoval,
            companion: Some("lists"),
            persona: None,
            ..persona.clone()
        };
        for record in [persona, removal] {
            let line = encode(&record);
            assert_eq!(denied(&line), Denial::of(&record));
            let shipped = [b"[pod/bindguard-1/serve] ".as_slice(), &line].concat();
            assert_eq!(denied(&shipped), Denial::of(&record));
        }
    }

    #[test]
    fn of_many_pairs_there_are_the_first_whether_or_not_the_line_had_all() {
        let names: Vec<String> = (0..10_000).map(|number| format!("user-{number}")).collect();
        for count in [17, 100, 10_000] {
            let pairs = names.iter().take(count).map(|name| pair(name, "lists"));
            let record = record("bob", pairs.collect());
            let (read, was) = (denied(&encode(&record)), Denial::of(&record));
            assert_eq!(read.missing, was.missing);
            assert_eq!(read.total(), count);
            assert!(read.missing_sha256.is_some());
        }
    }

    #[test]
    fn what_passed_and_what_was_dry_is_no_denial_and_no_garbage() {
        let refused = record("bob", vec![]);
        let others = [
            Record {
                decision: Verdict::Warn,
                ..refused.clone()
            },
            Record {
                decision: Verdict::Audit,
                ..refused.clone()
            },
            Record {
                dry_run: true,
                ..refused
            },
        ];
        for other in others {
            assert_eq!(log_line(&encode(&other)), LogLine::Other);
        }
    }

    #[test]
    fn what_is_no_audit_line_is_garbage() {
        let line = encode(&record("bob", vec![]));
        let half = &line[..line.len() / 2];
        let log = br#"{"timestamp":"2026-11-24T06:44:56Z","level":"INFO","message":"starts"}"#;
        let text = String::from_utf8_lossy(&line);
        let unknown = text.replace("\"deny\"", "\"maybe\"");
        let binary = b"\xff\xfe{\x00";
        for garbage in [half, log, b"", b"{", unknown.as_bytes(), binary] {
            assert_eq!(log_line(garbage), LogLine::Garbage, "{garbage:?}");
        }
    }
}
