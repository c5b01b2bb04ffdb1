//! `bindguard manifests`.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueHint};
use serde::Serialize;

use super::{Outcome, output, policy};
use crate::admission::configuration::{Endpoint, mutating, validating};

/// Print the webhook configurations, ready for `kubectl apply -f -`
///
/// They tell the API server where bindguard is and which bindings to ask it about: those to the
/// personas of the policy, with a subject of a kind that the persona enforces, outside exempt
/// namespaces. Print them anew when the policy changes.
///
///   bindguard manifests --url https://10.0.0.5:8443 --ca ca.pem | kubectl apply -f -
///   bindguard manifests --service bindguard/webhook --policy policy.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Where the API server finds bindguard: https://HOST:PORT
    #[arg(
        long,
        env = "BINDGUARD_URL",
        value_name = "URL",
        required_unless_present = "service",
        conflicts_with = "service",
        requires = "ca"
    )]
    url: Option<String>,

    /// The Service in front of bindguard: NAMESPACE/NAME (its port 443 is used)
    #[arg(long, env = "BINDGUARD_SERVICE", value_name = "NAMESPACE/NAME")]
    service: Option<String>,

    /// A file with the PEM certificates that the API server is to trust. With --service it may
    /// be left out, for whoever fills in the caBundle later
    #[arg(long, env = "BINDGUARD_CA", value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca: Option<PathBuf>,

    #[command(flatten)]
    policy: policy::PolicyArgument,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let Arguments {
        url,
        service,
        ca,
        policy,
    } = arguments;
    let endpoint = match (url, service) {
        (Some(url), _) => Endpoint::Url(base_url(&url)?),
        (None, Some(service)) => parse_service(&service)?,
        (None, None) => bail!("either --url or --service is needed"),
    };
    let bundle = ca.map(|path| read_bundle(&path)).transpose()?;
    let (policy, _) = policy.load()?;
    let mut text = String::new();
    push_document(
        &mut text,
        &validating(&policy, &endpoint, bundle.as_deref()),
    )?;
    push_document(&mut text, &mutating(&policy, &endpoint, bundle.as_deref()))?;
    output::print(&text)
}

/// The URL without a path, as the API server accepts it: https, a host, no query, no user.
fn base_url(text: &str) -> anyhow::Result<String> {
    let url: http::Uri = text
        .parse()
        .with_context(|| format!("--url {text:?} is not a URL"))?;
    ensure!(
        url.scheme_str() == Some("https"),
        "--url {text:?} must begin with https://, since the API server calls nothing else"
    );
    ensure!(
        matches!(url.path(), "" | "/") && url.query().is_none(),
        "--url {text:?} must be https://HOST:PORT without a path: bindguard adds its own"
    );
    let authority = url.authority().map(http::uri::Authority::as_str);
    match authority {
        Some(authority) if !authority.contains('@') && !authority.starts_with(':') => {
            Ok(format!("https://{authority}"))
        }
        _ => bail!("--url {text:?} must be https://HOST:PORT"),
    }
}

fn parse_service(text: &str) -> anyhow::Result<Endpoint> {
    match text.split_once('/') {
        Some((namespace, name))
            if !namespace.is_empty() && !name.is_empty() && !name.contains('/') =>
        {
            Ok(Endpoint::Service {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        }
        _ => bail!("--service {text:?} must be NAMESPACE/NAME"),
    }
}

/// The certificates of a file, which the API server must be able to read.
fn read_bundle(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    let shown = path.display();
    let bundle = std::fs::read(path).with_context(|| format!("cannot read --ca {shown}"))?;
    let certificates = CertificateDer::pem_slice_iter(&bundle)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| anyhow::anyhow!("--ca {shown} is not PEM: {error}"))?;
    ensure!(
        !certificates.is_empty(),
        "--ca {shown} holds no certificate (no line `-----BEGIN CERTIFICATE-----`)"
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
