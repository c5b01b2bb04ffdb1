//! Keeps a census like a cluster.

use std::convert::Infallible;
use std::sync::Arc;

use kube::Client;

use super::Census;
use super::feed::{CensusFeed, Counted};
use crate::kubernetes::cluster_role_binding::{self, ClusterRoleBinding};
use crate::kubernetes::lean::Lean;
use crate::kubernetes::role_binding::{self, RoleBinding};
use crate::state::event::Observer;
use crate::state::supervise::supervise;
use crate::state::watch::{Open, opener};
use crate::state::watched::Watched;

/// Keeps it for as long as this future lives.
pub async fn watch_census(client: Client, census: Arc<Census>, observer: Observer) -> Infallible {
    let of_role_bindings = observer.of_role_bindings();
    let cluster_wide: Open<ClusterRoleBinding> = opener(client.clone(), cluster_role_binding::PAGE);
    let namespaced: Open<RoleBinding> = opener(client, role_binding::PAGE);
    tokio::join!(
        keep(cluster_wide, Arc::clone(&census), observer),
        keep(namespaced, census, of_role_bindings),
    )
    .0
}

async fn keep<K>(open: Open<Lean<K>>, census: Arc<Census>, observer: Observer) -> Infallible
where
    K: Send + Sync + 'static,
    Lean<K>: Counted,
{
    supervise("continuous scan", observer.clone(), move || {
        follow(Arc::clone(&open), Arc::clone(&census), observer.clone())
    })
    .await
}

async fn follow<K>(open: Open<Lean<K>>, census: Arc<Census>, observer: Observer) -> Infallible
where
    Lean<K>: Counted,
    K: Send + Sync + 'static,
{
    let feed = CensusFeed::new(Arc::clone(&census), observer.clone());
    let mut watched = Watched::new(feed, open, observer);
    watched.report_failures_to(Arc::new(move |failing| {
        census.set_failing(Lean::<K>::KIND, failing);
    }));
    loop {
        watched.next().await;
    }
}
