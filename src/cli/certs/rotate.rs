//! `bindguard certs rotate`.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use kube::Client;
use tokio::time::{Instant, sleep};

use super::Place;
use crate::certificates::secret::{
    FoundAuthorities, FoundServing, ROTATE, read_authorities, read_serving,
};
use crate::cli::cluster::told;
use crate::cli::{Outcome, duration, output};
use crate::kubernetes::secret;
use crate::telemetry::clock;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST: Duration = Duration::from_hours(24);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Replace the CA, and with it the certificate that is served
    // BINDGUARD_CA is a file for `manifests`, and whoever has it set wants no new CA.
    #[arg(long, env = "BINDGUARD_ROTATE_CA")]
    ca: bool,

    /// Do not wait until it is done
    #[arg(long, env = "BINDGUARD_NO_WAIT")]
    no_wait: bool,

    /// How long to wait
    #[arg(
        long,
        env = "BINDGUARD_TIMEOUT",
        value_name = "DURATION",
        default_value = "2m",
        value_parser = parse_timeout,
        conflicts_with = "no_wait"
    )]
    timeout: Duration,

    #[command(flatten)]
    place: Place,
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    duration::parse(text, Duration::from_secs(1), LONGEST)
}

pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let place = &arguments.place;
    let client = place.cluster.connect().await?;
    let stored = Stored {
        client: &client,
        place,
    };
    let name = if arguments.ca {
        &place.ca_secret
    } else {
        &place.tls_secret
    };
    let before = (
        if arguments.ca {
            Some(stored.authorities().await?)
        } else {
            None
        },
        stored.serving().await?,
    );
    let namespace = &place.namespace.bindguard_namespace;
    let now = clock::now().to_string();
    secret::annotate(&client, namespace, name, ROTATE, &now)
        .await
        .map_err(told)
        .with_context(|| {
            format!("cannot ask for it by an annotation of Secret {namespace}/{name}")
        })?;
    if arguments.no_wait {
        return output::print("the controller is asked for it\n");
    }
    let deadline = Instant::now() + arguments.timeout;
    loop {
        let stage = match &before.0 {
            Some(authorities) => of_authorities(authorities, &stored).await?,
            None => of_serving(&before.1, &stored).await?,
        };
        let Some(stage) = stage else {
            return output::print("done\n");
        };
        if Instant::now() >= deadline {
            bail!("it is not done after {:?}: {stage}", arguments.timeout);
        }
        sleep(INTERVAL).await;
    }
}

/// What is stored now.
struct Stored<'c> {
    client: &'c Client,
    place: &'c Place,
}

impl Stored<'_> {
    async fn authorities(&self) -> anyhow::Result<FoundAuthorities> {
        let found = self.get(&self.place.ca_secret).await?;
        Ok(read_authorities(found.as_ref()))
    }

    async fn serving(&self) -> anyhow::Result<FoundServing> {
        let found = self.get(&self.place.tls_secret).await?;
        Ok(read_serving(found.as_ref()))
    }

    async fn get(&self, name: &str) -> anyhow::Result<Option<k8s_openapi::api::core::v1::Secret>> {
        let namespace = &self.place.namespace.bindguard_namespace;
        secret::get(self.client, namespace, name)
            .await
            .map_err(told)
            .with_context(|| format!("cannot read Secret {namespace}/{name}"))
    }
}

const NOT_BEGUN: &str = "no controller has taken it up; does one run, and does it lead?";

/// How far the CA's rotation is; `None` when it is done.
async fn of_authorities(
    before: &FoundAuthorities,
    stored: &Stored<'_>,
) -> anyhow::Result<Option<&'static str>> {
    let now = stored.authorities().await?;
    let (old, new) = (&before.authorities.signing, &now.authorities.signing);
    let Some(signing) = new.as_ref().filter(|_| old != new) else {
        let is_begun = !now.is_rotation_asked && now.authorities.next.is_some();
        return Ok(Some(if is_begun {
            "the new CA is published beside the old one, and does not sign yet"
        } else {
            NOT_BEGUN
        }));
    };
    let serving = stored.serving().await?.serving;
    let own = serving.as_ref().and_then(|serving| serving.chain.first());
    if !own.is_some_and(|own| signing.certificate().has_signed(own)) {
        return Ok(Some("the new CA has not signed a certificate to serve yet"));
    }
    let is_old_trusted = !now.authorities.previous.is_empty();
    Ok(is_old_trusted.then_some(
        "the new CA signs; the old one is trusted until every endpoint of the Service is seen to \
         serve a certificate of the new one, at the latest until it expires",
    ))
}

/// How far the certificate's rotation is; `None` when it is done.
async fn of_serving(
    before: &FoundServing,
    stored: &Stored<'_>,
) -> anyhow::Result<Option<&'static str>> {
    let now = stored.serving().await?;
    let is_new = now.serving.is_some() && now.serving != before.serving;
    Ok((!is_new).then_some(NOT_BEGUN))
}
