//! All bindings of a cluster, page by page, for whoever looks at each once.

use kube::Client;
use kube::api::{Api, ListParams};
use kube::core::ObjectList;

use super::convert;
use super::seen::Seen;
use crate::domain::binding::Binding;
use crate::kubernetes::cluster_role_binding::{self, ClusterRoleBinding};
use crate::kubernetes::role_binding::{self, RoleBinding};
use crate::kubernetes::words::in_words;

/// How often a list may expire before that counts as a failure.
const ATTEMPTS: u32 = 3;

/// Why bindings could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The API server, or the way to it.
    #[error("cannot list the {what}: {}", in_words(.error))]
    Failed {
        /// What was listed.
        what: &'static str,
        /// Why.
        error: Box<kube::Error>,
    },
    /// The API server forgot the state that it was listing before all of it was read.
    #[error("the list of {what} expired {ATTEMPTS} times before it was complete")]
    Expired {
        /// What was listed.
        what: &'static str,
    },
}

/// A binding that was listed.
#[derive(Clone, Copy, Debug)]
pub enum Listed<'a> {
    /// A ClusterRoleBinding.
    ClusterRoleBinding(&'a ClusterRoleBinding),
    /// A RoleBinding.
    RoleBinding(&'a RoleBinding),
}

impl<'a> Listed<'a> {
    /// The binding, as far as the rule looks at it.
    #[must_use]
    pub fn binding(&self) -> Binding<'a> {
        match self {
            Self::ClusterRoleBinding(listed) => convert::binding(listed),
            Self::RoleBinding(listed) => convert::role_binding(listed),
        }
    }

    /// The same, with what the rule does not look at.
    #[must_use]
    pub fn seen(&self) -> Seen<'a> {
        let (metadata, ordered) = match self {
            Self::ClusterRoleBinding(listed) => (&listed.metadata, &listed.ordered),
            Self::RoleBinding(listed) => (&listed.metadata, &listed.ordered),
        };
        Seen {
            binding: self.binding(),
            uid: metadata.uid.as_deref(),
            ordered: ordered.placed(),
            is_unreadable: self.is_unreadable(),
        }
    }

    /// Whether a part of it was of another form than Kubernetes says, and was left out.
    #[must_use]
    pub const fn is_unreadable(&self) -> bool {
        match self {
            Self::ClusterRoleBinding(listed) => listed.unreadable,
            Self::RoleBinding(listed) => listed.unreadable,
        }
    }
}

/// Lists all `ClusterRoleBindings` as they are at one moment after this call. What is gathered is
/// begun anew when the API server forgets that moment on the way.
///
/// # Errors
///
/// If they cannot be listed.
pub async fn cluster_role_bindings<T>(
    client: &Client,
    begin: impl Fn() -> T,
    mut gather: impl FnMut(&mut T, Listed<'_>),
) -> Result<T, ListError> {
    let list = async |token| cluster_role_binding::page(client, token).await;
    let gather = |gathered: &mut T, page: &ObjectList<ClusterRoleBinding>| {
        for binding in &page.items {
            gather(gathered, Listed::ClusterRoleBinding(binding));
        }
    };
    pages("ClusterRoleBindings", begin, list, gather).await
}

/// The same for the `RoleBindings` of a namespace, or of all.
///
/// # Errors
///
/// If they cannot be listed.
pub async fn role_bindings<T>(
    client: &Client,
    namespace: Option<&str>,
    begin: impl Fn() -> T,
    mut gather: impl FnMut(&mut T, Listed<'_>),
) -> Result<T, ListError> {
    let api: Api<RoleBinding> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let list = async |token| {
        let parameters = ListParams {
            limit: Some(role_binding::PAGE),
            continue_token: token,
            ..ListParams::default()
        };
        api.list(&parameters).await
    };
    let gather = |gathered: &mut T, page: &ObjectList<RoleBinding>| {
        for binding in &page.items {
            gather(gathered, Listed::RoleBinding(binding));
        }
    };
    pages("RoleBindings", begin, list, gather).await
}

async fn pages<K: Clone, T>(
    what: &'static str,
    begin: impl Fn() -> T,
    list: impl AsyncFn(Option<String>) -> kube::Result<ObjectList<K>>,
    mut gather: impl FnMut(&mut T, &ObjectList<K>),
) -> Result<T, ListError> {
    'attempts: for _ in 0..ATTEMPTS {
        let (mut gathered, mut token) = (begin(), None);
        loop {
            let page = match list(token).await {
                Ok(page) => page,
                Err(kube::Error::Api(status)) if status.code == 410 => continue 'attempts,
                Err(error) => {
                    let error = Box::new(error);
                    return Err(ListError::Failed { what, error });
                }
            };
            gather(&mut gathered, &page);
            token = page.metadata.continue_.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(gathered);
            }
        }
    }
    Err(ListError::Expired { what })
}

/// What went wrong, as [`in_words`] tells it.
#[must_use]
pub fn told(error: &kube::Error) -> String {
    in_words(error)
}
