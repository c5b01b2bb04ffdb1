//! What is wrong in the cluster, found again and again: for metrics, for the page, and for whoever
//! else wants to tell of it.
//!
//! Every controller does so, and not only the one that leads: whoever forwards a port reaches any of
//! them, and the next one to lead knows at once.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Arguments;
use crate::cli::configurations;
use crate::cli::state_observer::state_observer;
use crate::domain::policy::Policy;
use crate::report::Elsewhere;
use crate::report::standing::{Keeper, Standing, Standings};
use crate::telemetry::clock;
use crate::telemetry::metrics::Metrics;

/// How often the webhook configurations are looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// The scan that goes on.
pub(super) struct Scanning {
    keeper: Keeper,
    configuration: String,
    elsewhere: watch::Sender<Elsewhere>,
    standings: watch::Sender<Option<Arc<Standing>>>,
    metrics: Metrics,
}

impl Scanning {
    pub(super) fn new(
        arguments: &Arguments,
        client: &Client,
        policies: &watch::Receiver<Arc<Policy>>,
        metrics: &Metrics,
    ) -> Self {
        let elsewhere = watch::Sender::default();
        Self {
            keeper: Keeper {
                client: client.clone(),
                namespace: arguments.installation.bindguard_namespace.clone(),
                policies: policies.clone(),
                elsewhere: elsewhere.subscribe(),
                observer: state_observer(metrics),
                now: clock::now,
            },
            configuration: arguments.webhook_configuration.clone(),
            elsewhere,
            standings: watch::Sender::default(),
            metrics: metrics.clone(),
        }
    }

    /// What is wrong, from now on.
    pub(super) fn standings(&self) -> Standings {
        self.standings.subscribe()
    }

    /// Finds it for as long as this future lives.
    pub(super) async fn run(&self) -> Infallible {
        let tell = |standing: &Standing| {
            let errors = standing.report.errors.len();
            self.metrics.set_findings(&standing.counts, errors);
        };
        let keep = self.keeper.keep(&self.standings, tell);
        tokio::join!(keep, self.look_at_configurations()).0
    }

    async fn look_at_configurations(&self) -> Infallible {
        let Keeper {
            client, policies, ..
        } = &self.keeper;
        let mut policies = policies.clone();
        loop {
            let policy = Arc::clone(&policies.borrow_and_update());
            let seen = configurations::look(client, &self.configuration, &policy).await;
            self.elsewhere.send_if_modified(|last| {
                let is_news = *last != seen;
                *last = seen;
                is_news
            });
            // A new policy is looked at out of turn. A sender that is gone changes nothing.
            if let Ok(Err(_gone)) = timeout(INTERVAL, policies.changed()).await {
                return std::future::pending().await;
            }
        }
    }
}
