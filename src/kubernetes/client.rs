//! A client for the cluster that the flags, the pod or the kubeconfig name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{Context, InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::kubeconfig::{KubeconfigFault, no_pod};

/// How long the API server leaves a watch open. It is short because only its end, or an error,
/// tells a quiet watch from a dead one.
pub const WATCH_TIMEOUT: Duration = Duration::from_secs(25);

/// How long an answer, or the next part of one, may be on its way. Longer than a quiet watch
/// lasts, and short enough that a dead one is noticed within 35 s, the new connection included.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Which cluster, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientOptions {
    /// `--kubeconfig`: this file and no other source.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`: this context of the kubeconfig, even inside a pod.
    pub context: Option<String>,
    /// `--as`: the user to impersonate.
    pub impersonate: Option<String>,
    /// `--as-group`: the groups to impersonate.
    pub impersonate_groups: Vec<String>,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file cannot be read or is no kubeconfig.
    #[error("cannot use kubeconfig {path:?}", path = .path)]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KubeconfigFault,
    },
    /// The kubeconfig that `KUBECONFIG` or the home directory names cannot be used.
    #[error("cannot use the kubeconfig of $KUBECONFIG or ~/.kube/config")]
    DefaultKubeconfig(#[source] KubeconfigFault),
    /// There is no such context.
    #[error("kubeconfig {origin} has no context {context:?}; it has {}", list(.known))]
    UnknownContext {
        /// The context that was asked for.
        context: String,
        /// Where the kubeconfig is.
        origin: String,
        /// The contexts that exist.
        known: Vec<String>,
    },
    /// No context was asked for, and the kubeconfig names none.
    #[error("kubeconfig {origin} names no current context; it has {}", list(.known))]
    NoCurrentContext {
        /// Where the kubeconfig is.
        origin: String,
        /// The contexts that exist.
        known: Vec<String>,
    },
    /// The context names a user that the kubeconfig does not have.
    #[error(
        "context {context:?} of kubeconfig {origin} names user {user:?}, which it does not have; \
         it has {}", list(.known)
    )]
    UnknownUser {
        /// The context.
        context: String,
        /// Where the kubeconfig is.
        origin: String,
        /// The user that the context names.
        user: String,
        /// The users that exist.
        known: Vec<String>,
    },
    /// The context's cluster or user cannot be used.
    #[error("cannot use context {context:?} of kubeconfig {origin}")]
    Context {
        /// The context.
        context: String,
        /// Where the kubeconfig is.
        origin: String,
        /// Why.
        source: KubeconfigFault,
    },
    /// Neither the pod nor a kubeconfig names a cluster.
    #[error(
        "no cluster is configured: this is not a pod of one ({}), and there is no \
         kubeconfig in $KUBECONFIG or ~/.kube/config; name one with --kubeconfig",
        no_pod(.in_cluster)
    )]
    NoCluster {
        /// Why the pod's configuration cannot be used.
        in_cluster: Box<InClusterError>,
        /// Why the kubeconfig cannot be used.
        source: KubeconfigFault,
    },
    /// The configuration does not make a client.
    #[error("cannot set up the client for {cluster}")]
    Build {
        /// The API server's address.
        cluster: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// A client for the cluster that the options name; without any, for that of the pod, or else that
/// of the default kubeconfig. Nothing is sent yet.
///
/// # Errors
///
/// If no configuration is found, or the one found is unusable.
pub async fn connect(options: &ClientOptions) -> Result<Client, ClientError> {
    install_crypto();
    let config = prepared(configuration(options).await?, options);
    let cluster = config.cluster_url.to_string();
    Client::try_from(config).map_err(|source| ClientError::Build {
        cluster,
        source: Box::new(source),
    })
}

/// Makes ring the process's provider of cryptography for TLS.
pub fn install_crypto() {
    // The only error is that there is one already, and whoever installed it meant to.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

async fn configuration(options: &ClientOptions) -> Result<Config, ClientError> {
    if let Some(path) = &options.kubeconfig {
        return from_file(path, options.context.as_deref()).await;
    }
    if options.context.is_some() {
        let kubeconfig =
            Kubeconfig::read().map_err(|source| ClientError::DefaultKubeconfig(source.into()))?;
        return from_kubeconfig(kubeconfig, DEFAULT, options.context.as_deref()).await;
    }
    match Config::incluster() {
        Ok(config) => Ok(config),
        Err(in_cluster) => match Kubeconfig::read() {
            Ok(kubeconfig) => from_kubeconfig(kubeconfig, DEFAULT, None).await,
            Err(source) if is_absent(&source) => Err(ClientError::NoCluster {
                in_cluster: Box::new(in_cluster),
                source: source.into(),
            }),
            Err(source) => Err(ClientError::DefaultKubeconfig(source.into())),
        },
    }
}

const DEFAULT: &str = "$KUBECONFIG or ~/.kube/config";

async fn from_file(path: &Path, context: Option<&str>) -> Result<Config, ClientError> {
    let kubeconfig = Kubeconfig::read_from(path).map_err(|source| ClientError::Kubeconfig {
        path: path.to_owned(),
        source: source.into(),
    })?;
    from_kubeconfig(
        kubeconfig,
        &format!("{:?}", path.display().to_string()),
        context,
    )
    .await
}

async fn from_kubeconfig(
    kubeconfig: Kubeconfig,
    origin: &str,
    context: Option<&str>,
) -> Result<Config, ClientError> {
    let known = || {
        kubeconfig
            .contexts
            .iter()
            .map(|context| context.name.clone())
    };
    let context = context
        .or(kubeconfig.current_context.as_deref())
        .filter(|context| !context.is_empty())
        .ok_or_else(|| ClientError::NoCurrentContext {
            origin: origin.to_owned(),
            known: known().collect(),
        })?
        .to_owned();
    if !known().any(|name| name == context) {
        return Err(ClientError::UnknownContext {
            context,
            origin: origin.to_owned(),
            known: known().collect(),
        });
    }
    if let Some(user) = unknown_user(&kubeconfig, &context) {
        return Err(ClientError::UnknownUser {
            user: user.to_owned(),
            known: kubeconfig
                .auth_infos
                .iter()
                .map(|named| named.name.clone())
                .collect(),
            context,
            origin: origin.to_owned(),
        });
    }
    let has_proxy = names_proxy(&kubeconfig, &context);
    let options = KubeConfigOptions {
        context: Some(context.clone()),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|source| ClientError::Context {
            context,
            origin: origin.to_owned(),
            source: source.into(),
        })?;
    if !has_proxy {
        // kube takes HTTPS_PROXY of the environment for every cluster, without regard to NO_PROXY.
        config.proxy_url = None;
    }
    Ok(config)
}

/// The user of a context, if the kubeconfig has none of the name. kube, like kubectl, would go on
/// as nobody, and every read would be refused. A context that names no user means just that.
fn unknown_user<'k>(kubeconfig: &'k Kubeconfig, context: &str) -> Option<&'k str> {
    let user = named_context(kubeconfig, context)?.user.as_deref()?;
    let is_known = || kubeconfig.auth_infos.iter().any(|named| named.name == user);
    (!user.is_empty() && !is_known()).then_some(user)
}

fn named_context<'k>(kubeconfig: &'k Kubeconfig, context: &str) -> Option<&'k Context> {
    let mut contexts = kubeconfig.contexts.iter();
    let named = contexts.find(|named| named.name == context)?;
    named.context.as_ref()
}

fn names_proxy(kubeconfig: &Kubeconfig, context: &str) -> bool {
    let cluster = named_context(kubeconfig, context).map(|context| context.cluster.as_str());
    kubeconfig
        .clusters
        .iter()
        .filter(|named| Some(named.name.as_str()) == cluster)
        .filter_map(|named| named.cluster.as_ref()?.proxy_url.as_deref())
        .any(|proxy| !proxy.is_empty())
}

fn prepared(mut config: Config, options: &ClientOptions) -> Config {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    config.write_timeout = Some(WRITE_TIMEOUT);
    // Else the time that a connection lay idle in the pool counts against the next answer.
    config.reset_reader_on_write = true;
    // Callers have deadlines and backoffs of their own, and count failures. kube would try again
    // up to 15 times with waits that double, and say nothing until it gives up.
    config.default_retry = false;
    if let Some(user) = &options.impersonate {
        config.auth_info.impersonate = Some(user.clone());
    }
    if !options.impersonate_groups.is_empty() {
        config.auth_info.impersonate_groups = Some(options.impersonate_groups.clone());
    }
    config
}

fn is_absent(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(source, _) => source.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        return "none".to_owned();
    }
    let quoted: Vec<_> = known.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests;
