//! Writes objects as their one owner wants them, by server-side apply.

use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::Value;

/// By what name the API server knows who set a field.
const FIELD_MANAGER: &str = "bindguard-fix";

/// Applies a ClusterRoleBinding. Fields that somebody else has set to another value are a conflict
/// and are left as they are.
///
/// # Errors
///
/// Whatever the API server or the way to it says.
pub async fn cluster_role_binding(client: &Client, name: &str, object: &Value) -> kube::Result<()> {
    let api: Api<ClusterRoleBinding> = Api::all(client.clone());
    let parameters = PatchParams::apply(FIELD_MANAGER);
    api.patch(name, &parameters, &Patch::Apply(object)).await?;
    Ok(())
}
