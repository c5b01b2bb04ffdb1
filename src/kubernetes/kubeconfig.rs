//! What is wrong with the configuration of a client, in words that whoever mends it understands.

use std::path::Path;

use kube::config::{InClusterError, KubeconfigError, LoadDataError};

/// What is wrong with a kubeconfig.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KubeconfigFault(String);

impl From<KubeconfigError> for KubeconfigFault {
    fn from(error: KubeconfigError) -> Self {
        Self(match error {
            KubeconfigError::ReadConfig(error, path) => unreadable(&path, &error),
            KubeconfigError::Parse(error) => {
                // The rest repeats the text.
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default();
                let first = first.strip_prefix("error: ").unwrap_or(first);
                format!("it is no kubeconfig: {first}")
            }
            KubeconfigError::LoadClusterOfContext(name) => {
                format!("it names cluster {name:?}, which the kubeconfig does not have")
            }
            KubeconfigError::MissingClusterUrl => "its cluster has no server".to_owned(),
            KubeconfigError::ParseClusterUrl(error) => {
                format!("the server of its cluster is no URL: {error}")
            }
            KubeconfigError::ParseProxyUrl(error) => {
                format!("the proxy-url of its cluster is no URL: {error}")
            }
            KubeconfigError::LoadCertificateAuthority(error) => {
                format!("the certificate authority of its cluster: {}", data(error))
            }
            KubeconfigError::LoadClientCertificate(error) => {
                format!("the certificate of its user: {}", data(error))
            }
            KubeconfigError::LoadClientKey(error) => {
                format!("the key of its user: {}", data(error))
            }
            other => other.to_string(),
        })
    }
}

fn data(error: LoadDataError) -> String {
    match error {
        LoadDataError::ReadFile(error, path) => unreadable(&path, &error),
        LoadDataError::DecodeBase64(error) => format!("its data is no base64: {error}"),
        LoadDataError::NoBase64DataOrFile => "there is neither data nor a file".to_owned(),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read {:?}: {error}", path.display().to_string())
}

/// Why this is no pod of a cluster.
#[must_use]
pub(super) fn no_pod(error: &InClusterError) -> String {
    match error {
        InClusterError::ReadEnvironmentVariable(_) => {
            "$KUBERNETES_SERVICE_HOST and $KUBERNETES_SERVICE_PORT are not both set".to_owned()
        }
        InClusterError::ReadDefaultNamespace(error) => {
            format!("the namespace of its ServiceAccount cannot be read: {error}")
        }
        other => other.to_string(),
    }
}
