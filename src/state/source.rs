//! Where holdings can be read in one go.

use std::error::Error;
use std::sync::Arc;

use super::index::Index;
use crate::domain::policy::Policy;

/// Something that all companion bindings can be read from.
pub trait Source: Send + Sync + 'static {
    /// Reads everything, by a read that starts after this call, into an index for the policy.
    fn read(&self, policy: Arc<Policy>) -> impl Future<Output = Result<Index, SourceError>> + Send;
}

/// Why holdings could not be read. Cheap to clone: everybody who waits for a read gets its error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SourceError {
    /// The API server, or the way to it.
    #[error("cannot list the ClusterRoleBindings")]
    List(#[source] Arc<kube::Error>),
    /// The API server forgot the state that it was listing before all of it was read.
    #[error("the list of ClusterRoleBindings expired {0} times before it was complete")]
    Expired(u32),
    /// The API server, or the way to it, when single bindings were to be read.
    #[error("cannot read single bindings again")]
    Single(#[source] Arc<kube::Error>),
    /// The directory of manifests.
    #[error("cannot read the directory of manifests")]
    Manifests(#[source] Arc<dyn Error + Send + Sync>),
}
