//! `bindguard controller`.

mod arguments;
mod observe;
mod policy_news;
mod scan;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Outcome;
use super::state_observer::state_observer;
use crate::certificates::authority::Authority;
use crate::certificates::manage::{Manager, Names, Watches};
use crate::certificates::rotation::Settings;
use crate::kubernetes::client::connect;
use crate::kubernetes::guard::GuardApi;
use crate::kubernetes::happening::Happenings;
use crate::kubernetes::lease::{Candidate, Timing};
use crate::provisioning::controller::Provisioner;
use crate::report::open_reports;
use crate::report::standing::Standings;
use crate::server::admin;
use crate::server::admin_only::AdminServer;
use crate::server::page;
use crate::server::readiness::{Condition, Readiness};
use crate::server::run::{Port, ServerError};
use crate::server::shutdown::signals;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::{clock, logging};

pub(super) use arguments::{Arguments, Certificates};

use self::policy_news::{News, news};
use self::scan::Scanning;

/// Who tells of things in Events.
const CONTROLLER: &str = "bindguard-controller";
/// How long giving the Lease back may take at the end.
const RELEASE: Duration = Duration::from_secs(2);

/// Runs until a signal ends it.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    arguments.log.init()?;
    logging::log_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let outcome = runtime.block_on(control(arguments));
    runtime.shutdown_background();
    outcome
}

async fn control(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
    let readiness = Readiness::new(&[Condition::Watching]);
    // From here on a signal ends the controller as designed, and not the process in the middle.
    let mut signals = signals().context("cannot handle signals")?;
    let (policy, digest) = arguments.policy.load()?;
    let (policies, policy_receiver) = watch::channel(Arc::new(policy));
    metrics.set_policy_loaded(clock::now().as_second());
    let settings = settings(arguments)?;
    let server = AdminServer::bind(&arguments.admin_listen).await?;
    let page = bind_page(arguments).await?;
    let client = connect(&arguments.client_options()).await?;

    let names = names(arguments);
    let watches = Watches::new(&client, &names);
    let scanning = Scanning::new(arguments, &client, &policy_receiver, &metrics);
    let timing = Timing::default();
    let mut candidate = Candidate::new(
        client.clone(),
        &names.namespace,
        &arguments.lease,
        timing,
        clock::now,
    );
    tracing::info!(
        admin = %server.address(),
        report = page.as_ref().map(|page| page.address().to_string()),
        identity = candidate.identity(),
        certificates = ?arguments.certificates,
        "bindguard {} controller starts",
        env!("CARGO_PKG_VERSION")
    );
    let router = admin::router(readiness.clone(), metrics.clone());
    let serving = server.run(router, readiness.clone(), metrics.clone());
    let page = serve_page(page, scanning.standings(), &readiness, &metrics);
    let manager = Manager {
        client: client.clone(),
        names,
        settings,
        watches: &watches,
        metrics: metrics.clone(),
        now: clock::now,
    };
    let provisioner = Provisioner {
        guard: GuardApi::new(client.clone(), arguments.client_options()),
        namespace: arguments.installation.bindguard_namespace.clone(),
        policies: policy_receiver,
        happenings: Happenings::new(client.clone(), CONTROLLER, candidate.identity()),
        metrics: metrics.clone(),
        observer: state_observer(&metrics),
        now: clock::now,
    };
    let reports = arguments.open_reports.then(|| open_reports::Keeper {
        client: client.clone(),
        standings: scanning.standings(),
        metrics: metrics.clone(),
        now: clock::now,
    });
    let (desk, news) = news(
        &arguments.installation.bindguard_namespace,
        arguments.policy_config_map.as_deref(),
    );
    let is_external = arguments.certificates == Certificates::External;
    let leading = candidate.lead(
        |leads| {
            metrics.set_leader(leads);
            if !leads {
                // Another keeps them now.
                metrics.set_reports(None, 0);
            }
            tracing::info!(leads, "whether this controller leads has changed");
        },
        || work(&manager, is_external, &provisioner, &news, reports.as_ref()),
    );
    let ended = tokio::select! {
        biased;
        signal = signals.next() => Ok(signal),
        stopped = serving => Err(stopped),
        stopped = page => Err(stopped),
        never = leading => match never {},
        never = scanning.run() => match never {},
        never = watch_certificates(&watches, is_external) => match never {},
        never = arguments.policy.follow(digest, policies, &metrics, |outcome| desk.take(outcome)) => match never {},
        never = observe::watches(&watches, is_external, &readiness, &metrics) => match never {},
    };
    readiness.drain();
    release(&candidate).await;
    match ended {
        Ok(signal) => {
            tracing::info!(?signal, "bindguard controller ends");
            Ok(Outcome::Done)
        }
        Err(stopped) => match stopped? {},
    }
}

/// What the objects about certificates are called.
fn names(arguments: &Arguments) -> Names {
    Names {
        namespace: arguments.installation.bindguard_namespace.clone(),
        ca_secret: arguments.ca_secret.clone(),
        tls_secret: arguments.tls_secret.clone(),
        service: arguments.service.clone(),
        configuration: arguments.webhook_configuration.clone(),
    }
}

/// What certificates are to be like. Names that no certificate can be for are found here, and not
/// when the first one is due.
fn settings(arguments: &Arguments) -> anyhow::Result<Settings> {
    let (ca, certificate) = (arguments.ca_lifetime, arguments.certificate_lifetime);
    ensure!(
        certificate <= ca,
        "--certificate-lifetime must not be longer than --ca-lifetime: a certificate ends with its CA"
    );
    let names = arguments.names();
    let now = clock::now();
    Authority::make(now, ca)
        .and_then(|authority| authority.issue(&names, now, certificate))
        .context("cannot make a certificate for --service and --dns-name")?;
    Ok(Settings::new(names, ca, certificate))
}

/// Opens the port of the page, if there is to be one.
async fn bind_page(arguments: &Arguments) -> Result<Option<AdminServer>, ServerError> {
    let Some(address) = arguments.report_listen.address() else {
        return Ok(None);
    };
    AdminServer::bind_as(Port::Report, address).await.map(Some)
}

/// Serves the page, if there is to be one.
async fn serve_page(
    server: Option<AdminServer>,
    standings: Standings,
    readiness: &Readiness,
    metrics: &Metrics,
) -> Result<Infallible, ServerError> {
    let Some(server) = server else {
        return std::future::pending().await;
    };
    let router = page::router(standings);
    server.run(router, readiness.clone(), metrics.clone()).await
}

/// Where somebody else looks after the certificates, only what is served is looked at.
async fn watch_certificates(watches: &Watches, is_external: bool) -> Infallible {
    if is_external {
        return watches.serving.run().await;
    }
    watches.run().await
}

async fn work(
    manager: &Manager<'_>,
    is_external: bool,
    provisioner: &Provisioner,
    news: &News,
    reports: Option<&open_reports::Keeper>,
) -> Infallible {
    let certificates = async {
        if is_external {
            return std::future::pending().await;
        }
        manager.run().await
    };
    let reporting = async {
        match reports {
            Some(keeper) => keeper.keep().await,
            None => std::future::pending().await,
        }
    };
    let telling = news.tell(&provisioner.happenings);
    tokio::join!(certificates, provisioner.run(), telling, reporting).0
}

async fn release(candidate: &Candidate) {
    match timeout(RELEASE, candidate.release()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the lease could not be given back, and has to run out");
        }
        Err(_elapsed) => {
            tracing::warn!("the lease could not be given back in time, and has to run out");
        }
    }
}
