//! Which denials are of interest.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Arguments;
use crate::audit::denial::{Denial, Subject};
use crate::audit::history::Tally;
use crate::domain::identity::{Identity, SERVICE_ACCOUNT_USER_PREFIX};

/// What must hold of a denial.
pub(super) struct Filter {
    namespace: Option<String>,
    requester: Option<String>,
    subject: Option<String>,
    since: Option<Duration>,
}

impl Filter {
    pub(super) fn of(arguments: &Arguments) -> Self {
        Self {
            namespace: arguments.namespace.clone(),
            requester: arguments.requester.clone(),
            subject: arguments.subject.clone(),
            since: arguments.since,
        }
    }

    /// The part of them that is of interest now.
    pub(super) fn of_interest(&self, all: &Tally, now: Timestamp) -> Tally {
        let since = self.since.and_then(|since| {
            let since = SignedDuration::try_from(since).ok()?;
            now.checked_sub(since).ok()
        });
        let mut found = Tally::default();
        for (denial, seen) in all.iter() {
            let is_recent = since.is_none_or(|since| seen.last_seen >= since);
            if is_recent && self.takes(denial) {
                found.add(Arc::clone(denial), seen);
            }
        }
        found
    }

    fn takes(&self, denial: &Denial) -> bool {
        let namespace = self.namespace.as_ref();
        let requester = self.requester.as_ref();
        let subject = self.subject.as_deref();
        namespace.is_none_or(|wanted| denial.binding.namespace.as_ref() == Some(wanted))
            && requester.is_none_or(|wanted| denial.requester == *wanted)
            && subject.is_none_or(|wanted| {
                let mut pairs = denial.missing.iter();
                pairs.any(|pair| is_called(&pair.subject, wanted))
            })
    }
}

/// Whether a subject goes by this name.
fn is_called(subject: &Subject, wanted: &str) -> bool {
    let Some(namespace) = &subject.namespace else {
        return subject.name == wanted;
    };
    let name = match Identity::user(wanted) {
        Identity::ServiceAccount { namespace, name } => Some((namespace, name)),
        _ if wanted.starts_with(SERVICE_ACCOUNT_USER_PREFIX) => None,
        _ => wanted.rsplit_once(':'),
    };
    name == Some((namespace, &subject.name))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::Filter;
    use crate::audit::history::{Seen, Tally};

    const NONE: Filter = Filter {
        namespace: None,
        requester: None,
        subject: None,
        since: None,
    };

    /// Three denials: `a` at 100 s, `b` at 200 s, `c` at 300 s.
    fn all() -> Tally {
        let line = |name: &str, place: &str, subject: &str| {
            format!(
                r#"{{"requester":"{name}","binding":{{{place}"name":"x"}},"persona":"view","missing":[{{"subject":{subject},"companion":"lists"}}]}}"#
            )
        };
        let lines = [
            line(
                "a",
                r#""kind":"RoleBinding","namespace":"red","#,
                r#"{"kind":"User","name":"ci:bot"}"#,
            ),
            line(
                "b",
                r#""kind":"RoleBinding","namespace":"blue","#,
                r#"{"kind":"ServiceAccount","namespace":"ci","name":"bot"}"#,
            ),
            line(
                "c",
                r#""kind":"ClusterRoleBinding","#,
                r#"{"kind":"Group","name":"devs"}"#,
            ),
        ];
        let mut all = Tally::default();
        for (number, line) in (1..).zip(lines) {
            let denial: crate::audit::denial::Denial = serde_json::from_str(&line).unwrap();
            let at = Timestamp::from_second(number * 100).unwrap();
            all.add(denial, Seen::once(at));
        }
        all
    }

    #[track_caller]
    fn found(filter: &Filter, expected: &str) {
        let now = Timestamp::from_second(310).unwrap();
        let found = filter.of_interest(&all(), now);
        let names: String = found.iter().map(|(denial, _)| &*denial.requester).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn each_flag_leaves_what_it_says_and_together_they_leave_what_all_say() {
        found(&NONE, "abc");
        let text = |text: &str| Some(text.to_owned());
        found(
            &Filter {
                namespace: text("red"),
                ..NONE
            },
            "a",
        );
        found(
            &Filter {
                requester: text("b"),
                ..NONE
            },
            "b",
        );
        found(
            &Filter {
                subject: text("devs"),
                ..NONE
            },
            "c",
        );
        found(
            &Filter {
                subject: text("ci:bot"),
                ..NONE
            },
            "ab",
        );
        found(
            &Filter {
                subject: text("system:serviceaccount:ci:bot"),
                ..NONE
            },
            "b",
        );
        found(
            &Filter {
                subject: text("bot"),
                ..NONE
            },
            "",
        );
        let since = Some(Duration::from_secs(110));
        found(&Filter { since, ..NONE }, "bc");
        found(
            &Filter {
                since,
                subject: text("ci:bot"),
                ..NONE
            },
            "b",
        );
    }
}
