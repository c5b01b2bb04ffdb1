//! What the API server asks about removals.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use k8s_openapi::api::admissionregistration::v1::RuleWithOperations;

use super::persona_bindings;
use crate::domain::binding::{BindingKind, RBAC_GROUP, RoleRef};
use crate::domain::policy::Policy;
use crate::provisioning::guard::cel;

/// The binding that is there before and after the change, whichever there is.
const BINDING: &str = "(object != null ? object : oldObject)";

/// Only `ClusterRoleBindings` give companions.
pub(super) fn rule() -> RuleWithOperations {
    RuleWithOperations {
        api_groups: Some(vec![RBAC_GROUP.to_owned()]),
        api_versions: Some(vec!["v1".to_owned()]),
        operations: Some(vec!["UPDATE".to_owned(), "DELETE".to_owned()]),
        resources: Some(vec!["clusterrolebindings".to_owned()]),
        scope: Some("Cluster".to_owned()),
    }
}

/// Bindings to a companion or to what implies one. Updates that the other webhook is asked about
/// are left to it: whoever is asked judges both, and once is enough.
pub(super) fn companion_bindings(policy: &Policy) -> String {
    let roles: BTreeSet<&str> = policy
        .companions
        .iter()
        .flat_map(|companion| std::iter::once(&companion.cluster_role).chain(&companion.implied_by))
        .map(String::as_str)
        .collect();
    let mut condition = format!(
        "{BINDING}.roleRef.kind == 'ClusterRole' && {BINDING}.roleRef.name in {}",
        cel::list(roles.iter().copied())
    );
    let is_persona = |role: &&str| {
        let role = RoleRef::new(None, "ClusterRole", role);
        policy
            .persona_of(BindingKind::ClusterRoleBinding, role)
            .is_some()
    };
    if roles.iter().any(is_persona) {
        let asked = persona_bindings(policy);
        // Writing to a String cannot fail.
        let _ = write!(condition, " && !(request.operation == 'UPDATE' && {asked})");
    }
    condition
}

#[cfg(test)]
mod tests {
    use super::companion_bindings;
    use crate::domain::policy::Policy;

    #[test]
    fn the_condition_names_the_companions_and_what_implies_them() {
        let mut policy = Policy::built_in();
        assert_eq!(
            companion_bindings(&policy),
            "(object != null ? object : oldObject).roleRef.kind == 'ClusterRole' && \
             (object != null ? object : oldObject).roleRef.name in \
             ['spectro-list-namespaces', 'spectro-list-vmtemplates']"
        );
        policy.companions[0].implied_by = vec!["it's".to_owned()];
        assert!(companion_bindings(&policy).contains("in ['it\\'s', 'spectro-list-namespaces',"));
    }

    #[test]
    fn an_update_that_the_persona_webhook_is_asked_about_is_left_to_it() {
        let mut policy = Policy::built_in();
        policy.companions[0].implied_by = vec!["cluster-admin".to_owned()];
        let condition = companion_bindings(&policy);
        assert!(
            condition.contains(
                "'spectro-list-vmtemplates'] && !(request.operation == 'UPDATE' && \
                 object.roleRef.kind == 'ClusterRole' && has(object.subjects) && ("
            ),
            "{condition}"
        );
    }
}
