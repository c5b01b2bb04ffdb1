//! `bindguard serve`.

mod arguments;
mod certificate;
mod drift;
mod history;
mod observe;
mod state;
mod trust;

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::{FutureExt as _, StreamExt as _};
use kube::Client;
use tokio::sync::watch;

use super::Outcome;
use super::state_observer::state_observer;
use crate::admission::Webhook;
use crate::admission::attempts::Attempts;
use crate::admission::misses::{Capacity, Misses};
use crate::audit::log::AuditLog;
use crate::provisioning::access::Access;
use crate::provisioning::intake::Intake;
use crate::server::readiness::{Condition, Readiness};
use crate::server::run::{Server, Services};
use crate::server::shutdown::{Ended, Plan, signals};
use crate::server::{admin, webhook};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::{clock, logging};

pub(super) use arguments::Arguments;
use certificate::Certificates;

/// How long the end of the process waits for audit lines that are still to be written: only when
/// standard output was stuck are there any. It must fit in after the longest drain.
const FLUSH: Duration = Duration::from_millis(500);

/// Serves until a signal ends it.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    arguments.log.init()?;
    logging::log_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let outcome = runtime.block_on(serve(arguments));
    // Not dropped, which would wait for a file that is being read, perhaps from a volume that no
    // longer answers.
    runtime.shutdown_background();
    outcome
}

async fn serve(arguments: Arguments) -> anyhow::Result<Outcome> {
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
    let readiness = Readiness::new(&demanded(&arguments));
    // From here on a signal ends the server as designed, and not the process in the middle.
    let ending = history::Ending::default();
    let signals = signals().context("cannot handle signals")?;
    let signals = signals.inspect(|_| ending.told());
    let (policy, digest) = arguments.policy.load()?;
    let (policies, policy_receiver) = watch::channel(Arc::new(policy));
    metrics.set_policy_loaded(clock::now().as_second());

    let server = Server::bind(&arguments.listen, &arguments.admin_listen).await?;
    let certificates = Certificates::obtain(&arguments, &metrics)?;
    let (fed, feeding) = state::feed(
        arguments.source()?,
        policy_receiver.clone(),
        state_observer(&metrics),
    )
    .await?;

    let audit = audit_log(&metrics).context("cannot start the audit log")?;
    let orders = match &fed.client {
        Some(client) => Intake::asking(Access::of_cluster(client.clone(), metrics.clone())),
        None => Intake::closed("this server makes no companions"),
    };
    let (audit, mut history) = history::beside(audit, fed.client.as_ref(), &arguments, &metrics);
    let webhook = Webhook {
        orders: orders.clone(),
        state: fed.state.clone(),
        confirm: fed.confirm,
        reread: fed.reread,
        misses: Misses::new(arguments.settle(), Capacity::default(), metrics.clone()),
        attempts: Attempts::default(),
        audit: audit.clone(),
        metrics: metrics.clone(),
        caller: certificates.caller,
        now: clock::now,
    };
    let services = Services {
        tls: Arc::clone(&certificates.tls),
        webhook: webhook::router(Arc::new(webhook), &metrics),
        admin: admin::router(readiness.clone(), metrics.clone()),
        readiness: readiness.clone(),
        metrics: metrics.clone(),
    };
    tracing::info!(
        webhook = %server.webhook_address(),
        admin = %server.admin_address(),
        policy = %policies.borrow().name,
        "bindguard {} starts",
        env!("CARGO_PKG_VERSION")
    );
    let plan = Plan::with_linger(arguments.linger);
    let trust = trust::watch(
        fed.client.clone().filter(|_| arguments.verify_ca_bundle),
        &arguments.webhook_configuration,
        certificates.served(),
        &readiness,
        &metrics,
    );
    let background = async {
        tokio::join!(
            feeding,
            certificates.follow(fed.client.clone(), &readiness, &metrics),
            trust,
            arguments.policy.follow(digest, policies, &metrics, |_| {}),
            history.run(),
            observe::state(&fed.state, &readiness, &metrics),
            observe::staleness(&fed.state, &metrics),
            follow_epoch(&orders, fed.client.clone(), &arguments, &metrics),
            drift::watch(
                fed.client,
                &arguments.webhook_configuration,
                &fed.state,
                policy_receiver,
                &metrics
            ),
        )
    };
    let ended = tokio::select! {
        ended = server.run(services, plan, signals) => ended,
        // They never end.
        (never, ..) = background.fuse() => match never {},
    };
    let patience = match &ended {
        Ok(Ended::AtOnce) => FLUSH,
        _ => ending.left(FLUSH),
    };
    tokio::join!(audit.flush(FLUSH), history.finish(patience));
    tracing::info!(ended = ?ended?, "bindguard ends");
    Ok(Outcome::Done)
}

/// What must hold before it is ready.
fn demanded(arguments: &Arguments) -> Vec<Condition> {
    let mut demanded = vec![Condition::Listening, Condition::HoldingsSynced];
    demanded.extend(
        arguments
            .tls_secret
            .as_ref()
            .map(|_| Condition::Certificate),
    );
    demanded.extend(arguments.verify_ca_bundle.then_some(Condition::Trusted));
    demanded
}

/// Keeps up with the epoch in which orders count. Nothing waits for it.
async fn follow_epoch(
    orders: &Intake,
    client: Option<Client>,
    arguments: &Arguments,
    metrics: &Metrics,
) {
    let Some(client) = client else {
        return std::future::pending().await;
    };
    match orders
        .follow(client, &arguments.installation.bindguard_namespace, metrics)
        .await {}
}

/// The audit log on standard output.
///
/// Not by way of [`io::Stdout`], whose buffer keeps what the stream did not take.
fn audit_log(metrics: &Metrics) -> io::Result<AuditLog> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    AuditLog::start(File::from(stdout), metrics.clone())
}
