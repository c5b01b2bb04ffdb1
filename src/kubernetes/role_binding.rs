//! `RoleBindings`, with only that decoded which the rule needs.

use k8s_openapi::api::rbac::v1;
use kube::Client;
use kube::api::Api;

use super::lean::{Lean, named};

/// How many objects are asked for at a time. A cluster has many more of these than
/// `ClusterRoleBindings`, and what is asked for at a time is in memory at a time.
pub const PAGE: u32 = 250;

/// A RoleBinding as far as it was understood.
pub type RoleBinding = Lean<v1::RoleBinding>;

/// The RoleBinding of a name as it is at a moment after this call, if there is one.
///
/// # Errors
///
/// Whatever the API server or the way to it says.
pub async fn find(
    client: &Client,
    namespace: &str,
    name: &str,
) -> kube::Result<Option<RoleBinding>> {
    let api: Api<RoleBinding> = Api::namespaced(client.clone(), namespace);
    let found = api.list(&named(name)).await?;
    Ok(found.items.into_iter().next())
}

#[cfg(test)]
mod tests {
    use kube::Resource;

    use super::RoleBinding;

    #[test]
    fn it_lives_where_the_real_one_does() {
        assert_eq!(
            RoleBinding::url_path(&(), Some("dev")),
            "/apis/rbac.authorization.k8s.io/v1/namespaces/dev/rolebindings"
        );
    }

    #[test]
    fn its_namespace_is_read() {
        let text = r#"{"metadata":{"name":"b","namespace":"dev","uid":"u"}}"#;
        let binding: RoleBinding = serde_json::from_str(text).unwrap();
        assert_eq!(binding.metadata.namespace.as_deref(), Some("dev"));
    }
}
