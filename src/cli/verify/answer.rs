//! What the API server's answer to a dry run says of bindguard.

use kube::core::Status;

use crate::admission::configuration::VALIDATE;
use crate::kubernetes::dry_run::DryRun;

/// What an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// bindguard refused it, with this message.
    Denied(String),
    /// bindguard let it pass with this warning.
    Warned(String),
    /// It would be created, and nobody said a word.
    Silent,
    /// The API server asks bindguard and gets no answer, for this reason.
    Failing(String),
    /// Another persona may do: this one has no ClusterRole, or we may not bind it.
    NotThisRole(String),
    /// It was refused before or beside bindguard, for this reason.
    Refused(String),
    /// The API server cannot say right now, for this reason.
    Busy(String),
}

/// Reads an answer about a binding of the subject of this name.
pub(super) fn read(answer: DryRun, subject: &str) -> Answer {
    match answer {
        DryRun::Created { warnings } => warnings
            .into_iter()
            // Others warn as well; ours names whom it is about, whom nobody else has heard of.
            .find(|warning| warning.contains(subject))
            .map_or(Answer::Silent, Answer::Warned),
        DryRun::Refused(status) => refusal(*status),
    }
}

fn refusal(status: Status) -> Answer {
    let Status { message, code, .. } = status;
    let missing = status.details.map(|details| details.kind);
    let says = |words: &str| message.contains(words);
    if says(&format!(
        "admission webhook {VALIDATE:?} denied the request"
    )) {
        return Answer::Denied(message);
    }
    if says(&format!("failed calling webhook {VALIDATE:?}")) {
        return Answer::Failing(message);
    }
    match code {
        404 if missing.as_deref() == Some("clusterroles") => Answer::NotThisRole(message),
        403 if says("is attempting to grant RBAC permissions not currently held") => {
            Answer::NotThisRole(message)
        }
        // Another webhook that fails may be about to start, as ours is.
        429 | 500.. => Answer::Busy(message),
        _ => Answer::Refused(message),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use kube::core::response::StatusDetails;

    use super::{Answer, read};
    use crate::kubernetes::dry_run::DryRun;

    fn refused(code: u16, message: &str, kind: &str) -> Answer {
        let details = StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: kind.to_owned(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        };
        let status = Status::failure(message, "").with_code(code);
        read(
            DryRun::Refused(Box::new(status.with_details(details))),
            "probe",
        )
    }

    fn created(warnings: &[&str]) -> Answer {
        let warnings = warnings.iter().map(|text| (*text).to_owned()).collect();
        read(DryRun::Created { warnings }, "probe")
    }

    #[test]
    fn only_the_words_of_our_webhook_show_that_it_judged() {
        let ours = r#"admission webhook "validate.bindguard.dev" denied the request: no"#;
        assert_eq!(refused(403, ours, ""), Answer::Denied(ours.to_owned()));
        let other = r#"admission webhook "other.dev" denied the request: no"#;
        assert_eq!(refused(403, other, ""), Answer::Refused(other.to_owned()));
        let warning = "RoleBinding a/b: User probe lacks x";
        assert_eq!(
            created(&["use something newer", warning]),
            Answer::Warned(warning.to_owned())
        );
        assert_eq!(created(&["use something newer"]), Answer::Silent);
    }

    #[test]
    fn a_webhook_that_fails_is_told_from_an_api_server_that_is_busy() {
        let ours = r#"Internal error occurred: failed calling webhook "validate.bindguard.dev": x"#;
        assert_eq!(refused(500, ours, ""), Answer::Failing(ours.to_owned()));
        for (code, words) in [
            (500, r#"failed calling webhook "other.dev": x"#),
            (429, "slow down"),
            (503, "starting"),
        ] {
            assert_eq!(refused(code, words, ""), Answer::Busy(words.to_owned()));
        }
    }

    #[test]
    fn a_role_that_cannot_be_bound_is_told_from_a_namespace_that_is_not_there() {
        let role = "not found";
        assert_eq!(
            refused(404, role, "clusterroles"),
            Answer::NotThisRole(role.to_owned())
        );
        assert_eq!(
            refused(404, role, "namespaces"),
            Answer::Refused(role.to_owned())
        );
        let held = "user \"u\" is attempting to grant RBAC permissions not currently held: x";
        assert_eq!(refused(403, held, ""), Answer::NotThisRole(held.to_owned()));
        let create = "User \"u\" cannot create resource \"rolebindings\"";
        assert_eq!(refused(403, create, ""), Answer::Refused(create.to_owned()));
    }
}
