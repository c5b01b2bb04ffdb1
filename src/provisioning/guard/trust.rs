//! The guard of what the API server trusts bindguard by: the `caBundle` of its webhooks. Without it
//! every persona binding is refused, and no repair comes before the first of them.

use super::cel::quoted;
use super::{Content, Guard, TRUST, condition, validation};
use crate::domain::policy::ServiceAccountName;

/// Who fills in the `caBundle` of the webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleKeeper {
    /// bindguard's controller, and nobody else.
    Controller,
    /// Somebody else: cert-manager, or people.
    Others,
}

const NEW: &str = "object.?webhooks.orValue([])";
const OLD: &str = "oldObject.?webhooks.orValue([])";

/// How to do it all the same. Deleting is not guarded.
const OTHERWISE: &str = "To do it all the same, first delete the ValidatingAdmissionPolicyBinding \
                         trust.bindguard.dev; to do without bindguard, delete the whole \
                         configuration";

/// No `caBundle` is emptied, and where the controller keeps them, nobody else changes one. What is
/// created, and webhooks that are added, may have any or none.
pub(super) fn guard(
    keeper: BundleKeeper,
    controller: &ServiceAccountName,
    configuration: &str,
) -> Guard {
    let mut validations = vec![validation(
        format!(
            "{NEW}.all(new, has(new.clientConfig.caBundle) || !{OLD}.exists(old, \
             old.name == new.name && has(old.clientConfig.caBundle)))"
        ),
        format!(
            "without its caBundle the API server trusts nobody to answer for bindguard, and refuses \
             every persona binding. {OTHERWISE}"
        ),
    )];
    if keeper == BundleKeeper::Controller {
        validations.push(validation(
            format!(
                "request.userInfo.username == {} || {NEW}.all(new, {OLD}.all(old, \
                 old.name != new.name || \
                 new.clientConfig.?caBundle == old.clientConfig.?caBundle))",
                quoted(&controller.username())
            ),
            format!(
                "bindguard's controller keeps the caBundle of bindguard's webhooks, and nobody else \
                 changes it. {OTHERWISE}"
            ),
        ));
    }
    Content {
        name: TRUST,
        operations: &["UPDATE"],
        group: "admissionregistration.k8s.io",
        resources: &[
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ],
        condition: condition(
            "of-bindguard",
            format!("object.metadata.name == {}", quoted(configuration)),
        ),
        validations,
    }
    .into_guard()
}

#[cfg(test)]
mod tests {
    use super::{BundleKeeper, guard};
    use crate::domain::policy::ServiceAccountName;

    fn expressions(keeper: BundleKeeper) -> Vec<String> {
        let controller = ServiceAccountName {
            namespace: "ours".to_owned(),
            name: "control".to_owned(),
        };
        let spec = guard(keeper, &controller, "it's").policy.spec.unwrap();
        let condition = &spec.match_conditions.unwrap()[0];
        assert_eq!(condition.expression, "object.metadata.name == 'it\\'s'");
        let validations = spec.validations.unwrap().into_iter();
        validations
            .map(|validation| {
                let message = validation.message.unwrap();
                assert!(message.contains(super::TRUST), "{message}");
                validation.expression
            })
            .collect()
    }

    #[test]
    fn only_where_the_controller_keeps_them_nobody_else_changes_one() {
        let others = expressions(BundleKeeper::Others);
        assert_eq!(others.len(), 1);
        assert!(!others[0].contains("userInfo"), "{others:?}");
        let controller = expressions(BundleKeeper::Controller);
        assert_eq!(controller[0], others[0]);
        assert_eq!(controller.len(), 2);
        let by_it = "request.userInfo.username == 'system:serviceaccount:ours:control' || ";
        assert!(controller[1].starts_with(by_it), "{controller:?}");
    }
}
