//! `ClusterRoles`, as far as it matters whether they are there, and allow to list.

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::Client;
use kube::api::Api;

/// What a ClusterRole allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allows {
    /// Whether one of its rules allows to list resources of some kind.
    pub list: bool,
}

/// Whether there is a ClusterRole of this name.
///
/// # Errors
///
/// Whatever the API server or the way to it says.
pub async fn exists(client: &Client, name: &str) -> kube::Result<bool> {
    let api: Api<ClusterRole> = Api::all(client.clone());
    Ok(api.get_metadata_opt(name).await?.is_some())
}

/// What the ClusterRole of this name allows; nothing, if there is none.
///
/// # Errors
///
/// Whatever the API server or the way to it says.
pub async fn read(client: &Client, name: &str) -> kube::Result<Option<Allows>> {
    let api: Api<ClusterRole> = Api::all(client.clone());
    Ok(api.get_opt(name).await?.map(|role| allows(&role)))
}

/// What others are to be aggregated into it counts only when it is there, as for RBAC.
fn allows(role: &ClusterRole) -> Allows {
    let rules = role.rules.iter().flatten();
    Allows {
        list: rules.into_iter().any(lists),
    }
}

fn lists(rule: &PolicyRule) -> bool {
    let resources = rule.resources.iter().flatten();
    let names_some = resources.into_iter().next().is_some();
    names_some && rule.verbs.iter().any(|verb| verb == "list" || verb == "*")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::allows;

    fn list(role: &Value) -> bool {
        allows(&serde_json::from_value(role.clone()).unwrap()).list
    }

    #[test]
    fn a_role_lists_by_a_rule_for_resources_with_that_verb_or_all() {
        let rule = |verbs: &[&str]| json!({"rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": verbs}]});
        assert!(list(&rule(&["get", "list"])));
        assert!(list(&rule(&["*"])));
        assert!(!list(&rule(&["get", "watch"])));
        assert!(!list(&json!({"rules": null})));
        let paths = json!({"rules": [{"nonResourceURLs": ["*"], "verbs": ["*"]}]});
        assert!(!list(&paths));
        let to_come = json!({"aggregationRule": {"clusterRoleSelectors": []}, "rules": []});
        assert!(!list(&to_come));
    }
}
