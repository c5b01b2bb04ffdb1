//! `bindguard manifests`.

use std::fs;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{ArgGroup, Args, ValueHint};
use rustls_pki_types::ServerName;
use serde::Serialize;

use super::controller::Certificates;
use super::names::{is_label, subdomain};
use super::{Outcome, output, policy};
use crate::admission::configuration::{Endpoint, NAME, mutating, validating};
use crate::certificates::pair::Chain;
use crate::domain::policy::ServiceAccountName;
use crate::provisioning::guard::{BundleKeeper, guards};

const EXAMPLES: &str = "\
Examples:
  bindguard manifests --url https://10.0.0.5:8443 --ca ca.pem \\
      | kubectl apply -f -
  bindguard manifests --service bindguard/webhook --policy policy.yaml";

/// Print the webhook configurations and the guards, ready for `kubectl apply -f -`
///
/// The configurations tell the API server where bindguard is and which bindings to ask it about:
/// those to the personas of the policy, with a subject of a kind that the persona enforces, outside
/// exempt namespaces; and changes and deletions of those to companions.
///
/// The guards are ValidatingAdmissionPolicies, which take Kubernetes 1.30 or later. By them the API
/// server refuses orders for companions from whoever may not bind them by hand, confines the
/// controller, and lets nobody empty the caBundle of the webhooks. With provisioning.mode Disabled
/// there is no guard of orders and no webhook that patches.
///
/// Print and apply it all anew when the policy changes.
#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    group = ArgGroup::new("endpoint").args(["url", "service"]).required(true)
)]
pub(super) struct Arguments {
    /// Where the API server finds bindguard: https://HOST:PORT
    #[arg(long, env = "BINDGUARD_URL", value_name = "URL", requires = "ca")]
    url: Option<String>,

    /// The Service in front of bindguard: NAMESPACE/NAME (its port 443 is used)
    #[arg(long, env = "BINDGUARD_SERVICE", value_name = "NAMESPACE/NAME")]
    service: Option<String>,

    /// A file with the PEM certificates that the API server is to trust. With --service it may
    /// be left out, for whoever fills in the caBundle later
    #[arg(long, env = "BINDGUARD_CA", value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca: Option<PathBuf>,

    /// The ServiceAccount that the controller runs as: NAMESPACE/NAME. Two of the guards confine it,
    /// and one lets it alone change the caBundle
    #[arg(
        long,
        env = "BINDGUARD_CONTROLLER",
        value_name = "NAMESPACE/NAME",
        default_value = "bindguard/bindguard-controller"
    )]
    controller: String,

    /// The name of the two configurations, the only ones of which the controller may change the
    /// caBundle. Tell it to the other commands as well
    #[arg(
        long,
        env = "BINDGUARD_WEBHOOK_CONFIGURATION",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = NAME
    )]
    webhook_configuration: String,

    /// Who looks after the certificates, and fills in the caBundle. With self-managed a guard lets
    /// nobody but the controller change it. If this is left out: external with --ca, self-managed
    /// without
    #[arg(long, env = "BINDGUARD_CERTIFICATES", value_name = "WHO")]
    certificates: Option<Certificates>,

    #[command(flatten)]
    policy: policy::PolicyArgument,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let Arguments {
        url,
        service,
        ca,
        controller,
        webhook_configuration,
        certificates,
        policy,
    } = arguments;
    let endpoint = match (url, service) {
        (Some(url), _) => Endpoint::Url(base_url(&url)?),
        (None, Some(service)) => parse_service(&service)?,
        (None, None) => bail!("either --url or --service is needed"),
    };
    let (namespace, name) = namespaced("--controller", &controller)?;
    let controller = ServiceAccountName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let bundle = ca.map(|path| read_bundle(&path)).transpose()?;
    let (policy, _) = policy.load()?;
    let mut text = String::new();
    let mut validating = validating(&policy, &endpoint, bundle.as_deref());
    validating.metadata.name = Some(webhook_configuration.clone());
    push_document(&mut text, &validating)?;
    if let Some(mut mutating) = mutating(&policy, &endpoint, bundle.as_deref()) {
        mutating.metadata.name = Some(webhook_configuration.clone());
        push_document(&mut text, &mutating)?;
    }
    let keeper = match (certificates, &bundle) {
        (Some(Certificates::SelfManaged), _) | (None, None) => BundleKeeper::Controller,
        (Some(Certificates::External), _) | (None, Some(_)) => BundleKeeper::Others,
    };
    for guard in guards(&policy, &controller, &webhook_configuration, keeper) {
        push_document(&mut text, &guard.policy)?;
        push_document(&mut text, &guard.binding)?;
    }
    output::print(&text)
}

/// The URL as the API server accepts it: https and a host, no path, query or user.
fn base_url(text: &str) -> anyhow::Result<String> {
    let rest = text.strip_prefix("https://").with_context(|| {
        format!("--url {text:?} must begin with https://, since the API server calls nothing else")
    })?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    ensure!(
        !authority.contains(['/', '?', '#']),
        "--url {text:?} must be https://HOST:PORT without a path: bindguard adds its own"
    );
    ensure!(
        is_authority(authority),
        "--url {text:?} must be https://HOST:PORT; HOST is a DNS name or an IP address, in \
         brackets if IPv6, and PORT a number up to 65535"
    );
    Ok(format!("https://{authority}"))
}

/// Whether this is a host, with a port or without.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = |port: &str| {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        digits && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_host = match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.contains(':') && ServerName::try_from(host).is_ok(),
    };
    is_host && port.is_none_or(is_port)
}

fn parse_service(text: &str) -> anyhow::Result<Endpoint> {
    let (namespace, name) = namespaced("--service", text)?;
    Ok(Endpoint::Service {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

/// The namespace and the name that a flag gives. ServiceAccounts may have dots in their names,
/// which nobody needs here.
fn namespaced<'t>(flag: &str, text: &'t str) -> anyhow::Result<(&'t str, &'t str)> {
    match text.split_once('/') {
        Some((namespace, name)) if is_label(namespace) && is_label(name) => Ok((namespace, name)),
        _ => bail!(
            "{flag} {text:?} must be NAMESPACE/NAME, both of lower-case letters, digits and -"
        ),
    }
}

/// The certificates of a file, which the API server must be able to read and anybody may.
fn read_bundle(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display().to_string();
    let bundle = fs::read(path).with_context(|| format!("cannot read --ca {shown:?}"))?;
    Chain::from_pem(&bundle).with_context(|| format!("cannot use --ca {shown:?}"))?;
    let text = String::from_utf8_lossy(&bundle);
    ensure!(
        !text.contains("PRIVATE KEY-----"),
        "cannot use --ca {shown:?}: there is a private key in it, which would be published"
    );
    Ok(bundle)
}

fn push_document(text: &mut String, object: &impl Serialize) -> anyhow::Result<()> {
    // A folded expression is hard to compare with the one that the API server shows.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let yaml =
        serde_saphyr::to_string_with_options(object, options).context("cannot write YAML")?;
    text.push_str("---\n");
    text.push_str(&yaml);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(())
}
