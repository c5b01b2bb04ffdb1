//! The guard of orders: whoever places one must be allowed to create the companions by hand.
//!
//! One check by the authorizer costs 350,000 of the 1,000,000 that one expression may, and of the
//! 10,000,000 that all together may. So each stands by itself, and a policy has at most
//! [`MAX_COMPANIONS`](crate::domain::companion_set::MAX_COMPANIONS) of them.

use k8s_openapi::api::admissionregistration::v1::Validation;

use super::cel::{annotation, list, new_order};
use super::{Content, Guard, ORDERS, condition, validation};
use crate::domain::binding::RBAC_GROUP;
use crate::domain::identity::{SERVICE_ACCOUNT_USER_PREFIX, SubjectKind};
use crate::domain::policy::{Policy, PolicySubject, ServiceAccountName};
use crate::domain::text::ShownName;
use crate::provisioning::ORDERED_BY;
use crate::provisioning::guard::cel::quoted;

const USERNAME: &str = "request.userInfo.username";

/// What people meet the guard with who meant no order.
const HINT: &str = "To copy or restore a binding, remove its annotations bindguard.dev/order and \
                    bindguard.dev/ordered-by";

pub(super) fn guard(policy: &Policy) -> Guard {
    Content {
        name: ORDERS,
        operations: &["CREATE", "UPDATE"],
        group: RBAC_GROUP,
        resources: &["rolebindings", "clusterrolebindings"],
        condition: condition("new-order", new_order()),
        validations: validations(policy),
    }
    .into_guard()
}

/// The API server tells the first that fails, so that what nobody can get comes before rights that
/// are missing.
fn validations(policy: &Policy) -> Vec<Validation> {
    let mut all = vec![listed_service_account(policy), no_system_user()];
    all.extend(not_under_not_ordering(policy));
    all.push(told(
        check("clusterrolebindings", None, "create"),
        "an order for companions needs what making them by hand does: \"create\" on \
         clusterrolebindings, in the whole cluster",
    ));
    for companion in &policy.companions {
        let name = &companion.cluster_role;
        all.push(told(
            check("clusterroles", Some(name), "bind"),
            &format!(
                "an order for companions needs the verb \"bind\" on ClusterRole {}, in the whole \
                 cluster; holding its permissions is not enough",
                ShownName(name)
            ),
        ));
    }
    all.push(told(
        format!(
            "{}.orValue('') == {USERNAME}",
            annotation("object", ORDERED_BY)
        ),
        "bindguard.dev/ordered-by must be the user name of whoever places the order, and it is \
         not yours",
    ));
    all
}

fn told(expression: String, message: &str) -> Validation {
    validation(expression, format!("{message}. {HINT}"))
}

fn listed_service_account(policy: &Policy) -> Validation {
    let listed: Vec<String> = policy
        .provisioning
        .service_accounts
        .iter()
        .map(ServiceAccountName::username)
        .collect();
    told(
        format!(
            "!{USERNAME}.startsWith('{SERVICE_ACCOUNT_USER_PREFIX}') || {USERNAME} in {}",
            list(listed.iter().map(String::as_str))
        ),
        "a ServiceAccount may order companions only if the policy lists it in \
         spec.provisioning.serviceAccounts",
    )
}

fn no_system_user() -> Validation {
    told(
        format!(
            "!{USERNAME}.startsWith('system:') || \
             {USERNAME}.startsWith('{SERVICE_ACCOUNT_USER_PREFIX}')"
        ),
        "a user whose name begins with system: orders no companions",
    )
}

fn not_under_not_ordering(policy: &Policy) -> Option<Validation> {
    let of_kind = |kind: SubjectKind| -> Vec<&str> {
        let subjects: &[PolicySubject] = &policy.provisioning.not_ordering;
        subjects
            .iter()
            .filter(|subject| subject.kind == kind)
            .map(|subject| subject.name.as_str())
            .collect()
    };
    let (users, groups) = (of_kind(SubjectKind::User), of_kind(SubjectKind::Group));
    let mut conditions = Vec::new();
    if !users.is_empty() {
        conditions.push(format!("!({USERNAME} in {})", list(users)));
    }
    if !groups.is_empty() {
        conditions.push(format!(
            "!request.userInfo.?groups.orValue([]).exists(group, group in {})",
            list(groups)
        ));
    }
    (!conditions.is_empty()).then(|| {
        told(
            conditions.join(" && "),
            "the policy lists you in spec.provisioning.notOrdering",
        )
    })
}

/// A question to the API server's own authorizer about the requester.
fn check(resource: &str, name: Option<&str>, verb: &str) -> String {
    let name = name.map_or_else(String::new, |name| format!(".name({})", quoted(name)));
    format!(
        "authorizer.group('{RBAC_GROUP}').resource('{resource}'){name}.check('{verb}').allowed()"
    )
}

#[cfg(test)]
mod tests {
    use super::{guard, validations};
    use crate::domain::identity::SubjectKind;
    use crate::domain::policy::{Companion, Policy, PolicySubject, ServiceAccountName};

    fn expressions(policy: &Policy) -> Vec<String> {
        let all = validations(policy).into_iter();
        all.map(|validation| validation.expression).collect()
    }

    #[test]
    fn each_right_is_a_validation_of_its_own() {
        let policy = Policy::built_in();
        assert_eq!(
            expressions(&policy),
            [
                "!request.userInfo.username.startsWith('system:serviceaccount:') || \
                 request.userInfo.username in []",
                "!request.userInfo.username.startsWith('system:') || \
                 request.userInfo.username.startsWith('system:serviceaccount:')",
                "authorizer.group('rbac.authorization.k8s.io').resource('clusterrolebindings')\
                 .check('create').allowed()",
                "authorizer.group('rbac.authorization.k8s.io').resource('clusterroles')\
                 .name('spectro-list-namespaces').check('bind').allowed()",
                "authorizer.group('rbac.authorization.k8s.io').resource('clusterroles')\
                 .name('spectro-list-vmtemplates').check('bind').allowed()",
                "object.metadata.?annotations[?'bindguard.dev/ordered-by'].orValue('') == \
                 request.userInfo.username",
            ]
        );
        let spec = guard(&policy).policy.spec.unwrap();
        assert_eq!(
            spec.match_conditions.unwrap()[0].expression,
            "object.metadata.?annotations[?'bindguard.dev/order'].hasValue() && \
             (oldObject == null || \
             object.metadata.?annotations[?'bindguard.dev/order'].orValue('') != \
             oldObject.metadata.?annotations[?'bindguard.dev/order'].orValue('') || \
             object.metadata.?annotations[?'bindguard.dev/ordered-by'].orValue('') != \
             oldObject.metadata.?annotations[?'bindguard.dev/ordered-by'].orValue(''))"
        );
    }

    #[test]
    fn the_policy_says_who_orders_and_what_is_needed() {
        let mut policy = Policy::built_in();
        policy.provisioning.service_accounts = vec![ServiceAccountName {
            namespace: "flux".to_owned(),
            name: "kustomize".to_owned(),
        }];
        let outside = |kind, name: &str| PolicySubject {
            kind,
            name: name.to_owned(),
            namespace: String::new(),
        };
        policy.provisioning.not_ordering = vec![
            outside(SubjectKind::User, "it's"),
            outside(SubjectKind::Group, "robots"),
        ];
        policy.companions.push(Companion {
            cluster_role: "a'b".to_owned(),
            implied_by: Vec::new(),
        });
        let all = expressions(&policy);
        assert!(all[0].ends_with("in ['system:serviceaccount:flux:kustomize']"));
        assert_eq!(
            all[2],
            "!(request.userInfo.username in ['it\\'s']) && \
             !request.userInfo.?groups.orValue([]).exists(group, group in ['robots'])"
        );
        assert!(all[6].contains(".name('a\\'b').check('bind')"));
    }

    #[test]
    fn every_message_says_what_to_do_and_is_one_line() {
        for validation in validations(&Policy::built_in()) {
            let message = validation.message.unwrap();
            assert!(
                message.ends_with(
                    "remove its annotations bindguard.dev/order and bindguard.dev/ordered-by"
                ),
                "{message}"
            );
            assert!(!message.contains('\n'));
            assert_eq!(validation.reason.as_deref(), Some("Forbidden"));
        }
    }
}
