//! Reads a guard, and tries whether it holds.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::{Client, Resource};

use super::client::{ClientError, ClientOptions, connect};

/// What guards are read and tried by.
#[derive(Clone)]
pub struct GuardApi {
    client: Client,
    options: ClientOptions,
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    /// There was no client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The API server said something else than yes.
    #[error(transparent)]
    Api(#[from] kube::Error),
}

impl GuardApi {
    /// By this client, and by others for the same options where a new connection is asked for.
    #[must_use]
    pub const fn new(client: Client, options: ClientOptions) -> Self {
        Self { client, options }
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The `ValidatingAdmissionPolicy` of this name, whole: fields that nobody knows yet included.
    /// None as well where the API server knows no such kind.
    ///
    /// # Errors
    ///
    /// If the API server cannot be asked, or refuses.
    pub async fn policy(&self, name: &str) -> kube::Result<Option<DynamicObject>> {
        self.get::<ValidatingAdmissionPolicy>(name).await
    }

    /// The `ValidatingAdmissionPolicyBinding` of this name, likewise.
    ///
    /// # Errors
    ///
    /// If the API server cannot be asked, or refuses.
    pub async fn binding(&self, name: &str) -> kube::Result<Option<DynamicObject>> {
        self.get::<ValidatingAdmissionPolicyBinding>(name).await
    }

    async fn get<K: Resource<DynamicType = ()>>(
        &self,
        name: &str,
    ) -> kube::Result<Option<DynamicObject>> {
        let resource = ApiResource::erase::<K>(&());
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        api.get_opt(name).await
    }

    /// Creates a ClusterRoleBinding as a dry run, on a connection that nothing else uses: behind a
    /// load balancer, each may end at another API server.
    ///
    /// # Errors
    ///
    /// Whatever the API server or the way to it says.
    pub async fn try_create(&self, binding: &ClusterRoleBinding) -> Result<(), TryError> {
        let client = connect(&self.options).await?;
        let parameters = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let api: Api<ClusterRoleBinding> = Api::all(client);
        api.create(&parameters, binding).await?;
        Ok(())
    }
}
