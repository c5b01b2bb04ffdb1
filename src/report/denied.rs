//! Which denials are of interest to a scan.

use std::sync::Arc;

use super::scan::Filter;
use crate::audit::denial::{Denial, Subject, SubjectKind};
use crate::audit::history::Tally;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;

impl Filter {
    /// Those of the denials that are about what is looked at. A refusal to take a companion away
    /// has no persona, and is of none.
    #[must_use]
    pub fn denials(&self, policy: &Policy, all: &Tally) -> Tally {
        let mut found = Tally::default();
        for (denial, seen) in all.iter() {
            if self.takes(policy, denial) {
                found.add(Arc::clone(denial), seen);
            }
        }
        found
    }

    fn takes(&self, policy: &Policy, denial: &Denial) -> bool {
        let namespace = self.namespace.as_ref();
        let is_wanted = |role: &String| {
            let mut personas = policy.personas.iter();
            self.personas.contains(role)
                || personas.any(|persona| {
                    persona.cluster_roles.contains(role) && self.personas.contains(&persona.name)
                })
        };
        let mut pairs = denial.missing.iter();
        namespace.is_none_or(|wanted| denial.binding.namespace.as_ref() == Some(wanted))
            && (self.personas.is_empty() || denial.persona.as_ref().is_some_and(is_wanted))
            && (self.subject.is_none() || pairs.any(|pair| self.is_about(identity(&pair.subject))))
    }
}

fn identity(subject: &Subject) -> Identity<'_> {
    match (subject.kind, &subject.namespace) {
        (SubjectKind::ServiceAccount, Some(namespace)) => Identity::ServiceAccount {
            namespace,
            name: &subject.name,
        },
        (SubjectKind::Group, _) => Identity::group(&subject.name),
        (SubjectKind::User | SubjectKind::ServiceAccount, _) => Identity::user(&subject.name),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Filter, Policy, Tally};
    use crate::audit::denial::Denial;
    use crate::audit::history::Seen;

    /// Three denials: by `a` in red, by `b` in blue, and by `c` of taking a companion away.
    fn all() -> Tally {
        let lines = [
            r#"{"requester":"a","binding":{"kind":"RoleBinding","namespace":"red","name":"x"},"persona":"view",
                "missing":[{"subject":{"kind":"User","name":"alice"},"companion":"lists"}]}"#,
            r#"{"requester":"b","binding":{"kind":"RoleBinding","namespace":"blue","name":"x"},"persona":"spectro-vm-user",
                "missing":[{"subject":{"kind":"ServiceAccount","namespace":"ci","name":"bot"},"companion":"lists"}]}"#,
            r#"{"requester":"c","binding":{"kind":"ClusterRoleBinding","name":"x"},"companion":"lists",
                "missing":[{"subject":{"kind":"Group","name":"alice"},"companion":"lists"}]}"#,
        ];
        let mut all = Tally::default();
        for line in lines {
            let denial: Denial = serde_json::from_str(line).unwrap();
            all.add(denial, Seen::once(Timestamp::UNIX_EPOCH));
        }
        all
    }

    #[track_caller]
    fn found(filter: &Filter, expected: &str) {
        let found = filter.denials(&Policy::built_in(), &all());
        let names: String = found.iter().map(|(denial, _)| &*denial.requester).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_scan_of_a_part_has_the_denials_of_that_part() {
        let text = |text: &str| Some(text.to_owned());
        let none = Filter::default;
        found(&none(), "abc");
        let namespace = text("red");
        found(
            &Filter {
                namespace,
                ..none()
            },
            "a",
        );
        for (persona, expected) in [("vm", "b"), ("view", "a"), ("spectro-vm-user", "b")] {
            let personas = vec![persona.to_owned()];
            found(&Filter { personas, ..none() }, expected);
        }
        for (subject, expected) in [("alice", "ac"), ("ci/bot", "b"), ("carol", "")] {
            let subject = text(subject);
            found(&Filter { subject, ..none() }, expected);
        }
    }
}
