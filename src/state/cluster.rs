//! Reads the holdings of a cluster in one consistent list.

use std::sync::Arc;

use kube::Client;

use super::convert;
use super::index::Index;
use super::source::{Source, SourceError};
use crate::domain::policy::Policy;
use crate::kubernetes::cluster_role_binding::{ClusterRoleBinding, page};

/// How often a list may expire before that counts as a failure. It takes minutes to expire, far
/// more than a confirming read has.
const ATTEMPTS: u32 = 3;

/// The `ClusterRoleBindings` of a cluster.
#[derive(Clone)]
pub struct ClusterSource(Client);

impl ClusterSource {
    /// The cluster that the client talks to.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    async fn list(&self, policy: &Policy) -> kube::Result<Index> {
        let mut index = Index::new();
        let mut token = None;
        loop {
            let page = page(&self.0, token).await?;
            for binding in &page.items {
                apply(&mut index, policy, binding);
            }
            token = page.metadata.continue_.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(index);
            }
        }
    }
}

impl Source for ClusterSource {
    async fn read(&self, policy: Arc<Policy>) -> Result<Index, SourceError> {
        for _ in 0..ATTEMPTS {
            match self.list(&policy).await {
                Ok(index) => return Ok(index),
                Err(error) if is_expired(&error) => {}
                Err(error) => return Err(SourceError::List(Arc::new(error))),
            }
        }
        Err(SourceError::Expired(ATTEMPTS))
    }
}

fn apply(index: &mut Index, policy: &Policy, binding: &ClusterRoleBinding) {
    index.apply_binding(policy, convert::key(binding), &convert::binding(binding));
}

fn is_expired(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 410)
}

#[cfg(test)]
mod tests;
