//! Reads the holdings of a cluster in one consistent list, and single bindings.

use std::sync::Arc;

use futures::future::try_join_all;
use kube::Client;

use super::convert;
use super::index::Index;
use super::personas::PersonaBinding;
use super::reread::PersonaSource;
use super::source::{Source, SourceError};
use crate::domain::binding::BindingKind;
use crate::domain::policy::Policy;
use crate::kubernetes::cluster_role_binding::{self, page};
use crate::kubernetes::role_binding;

/// How often a list may expire before that counts as a failure. It takes minutes to expire, far
/// more than a confirming read has.
const ATTEMPTS: u32 = 3;

/// The bindings of a cluster.
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
                convert::apply(&mut index, policy, binding);
            }
            token = page.metadata.continue_.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(index);
            }
        }
    }
}

impl ClusterSource {
    async fn find(&self, known: &PersonaBinding) -> kube::Result<Option<PersonaBinding>> {
        let known = known.as_binding();
        Ok(match known.kind {
            BindingKind::ClusterRoleBinding => cluster_role_binding::find(&self.0, known.name)
                .await?
                .map(|found| PersonaBinding::of(&convert::binding(&found))),
            BindingKind::RoleBinding => {
                let namespace = known.namespace.unwrap_or_default();
                role_binding::find(&self.0, namespace, known.name)
                    .await?
                    .map(|found| PersonaBinding::of(&convert::role_binding(&found)))
            }
        })
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

impl PersonaSource for ClusterSource {
    async fn reread(
        &self,
        bindings: Vec<PersonaBinding>,
    ) -> Result<Vec<PersonaBinding>, SourceError> {
        let reads = bindings.iter().map(|binding| self.find(binding));
        let found = try_join_all(reads).await;
        let found = found.map_err(|error| SourceError::Single(Arc::new(error)))?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn is_expired(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 410)
}

#[cfg(test)]
mod tests;
