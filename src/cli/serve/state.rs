//! What feeds the state.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::Client;
use tokio::sync::watch;

use super::arguments::SourceOptions;
use crate::domain::policy::Policy;
use crate::kubernetes::client::{ClientOptions, connect};
use crate::state::cluster::ClusterSource;
use crate::state::confirm::{Confirm, ConfirmLimits};
use crate::state::event::Observer;
use crate::state::handle::State;
use crate::state::manifest_directory::manifests_in;
use crate::state::manifests::watch_directory;
use crate::state::reread::Reread;
use crate::state::watch::watch_cluster;

/// A state that is fed, and the read that confirms what it lacks.
pub(super) struct Fed {
    pub(super) state: State,
    pub(super) confirm: Confirm,
    pub(super) reread: Reread,
    /// The client for the cluster, if it is one.
    pub(super) client: Option<Client>,
}

/// Runs as long as the state is to be fed.
type Feed = BoxFuture<'static, Infallible>;
type Policies = watch::Receiver<Arc<Policy>>;

pub(super) async fn feed(
    source: SourceOptions,
    policies: Policies,
    observer: Observer,
) -> anyhow::Result<(Fed, Feed)> {
    match source {
        SourceOptions::Manifests(folder) => from_manifests(folder, policies, observer).await,
        SourceOptions::Cluster(options) => from_cluster(&options, policies, observer).await,
    }
}

async fn from_cluster(
    options: &ClientOptions,
    policies: Policies,
    observer: Observer,
) -> anyhow::Result<(Fed, Feed)> {
    let client = connect(options).await?;
    let state = State::new();
    let confirm = Confirm::start(
        ClusterSource::new(client.clone()),
        state.clone(),
        ConfirmLimits::default(),
        observer.clone(),
    );
    let reread = Reread::from(ClusterSource::new(client.clone()));
    let feed = watch_cluster(client.clone(), state.clone(), policies, observer).boxed();
    let client = Some(client);
    Ok((
        Fed {
            state,
            confirm,
            reread,
            client,
        },
        feed,
    ))
}

async fn from_manifests(
    folder: PathBuf,
    policies: Policies,
    observer: Observer,
) -> anyhow::Result<(Fed, Feed)> {
    let shown = folder.display().to_string();
    let directory = manifests_in(folder);
    let state = State::new();
    let confirm = Confirm::start(
        directory.clone(),
        state.clone(),
        ConfirmLimits::default(),
        observer.clone(),
    );
    let reread = Reread::from(directory.clone());
    let feed = watch_directory(directory, state.clone(), policies, observer)
        .await
        .with_context(|| format!("cannot serve --manifests {shown}"))?
        .boxed();
    let client = None;
    Ok((
        Fed {
            state,
            confirm,
            reread,
            client,
        },
        feed,
    ))
}
