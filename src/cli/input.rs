//! Which manifests a command reads: kubectl's `--filename`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, ValueHint};

use super::cluster::{ClusterArguments, block_on};
use super::names::label;
use super::progress::Progress;
use crate::domain::policy::Policy;
use crate::manifest::{MAX_FILE_BYTES, Source, Sources};
use crate::report::check::Beside;
use crate::report::cluster;

/// Standard input.
const STANDARD_INPUT: &str = "-";

/// Manifests.
#[derive(Debug, Args)]
pub(super) struct InputArguments {
    /// A file, a directory with everything below it, or - for standard input; may be given several
    /// times
    #[arg(
        short,
        long,
        env = "BINDGUARD_FILENAME",
        value_name = "PATH",
        value_hint = ValueHint::AnyPath
    )]
    pub(super) filename: Vec<PathBuf>,

    /// The namespace of RoleBindings that name none. Without it: with --cluster that of the pod or
    /// of the kubeconfig's context, else default
    #[arg(
        short,
        long,
        env = "BINDGUARD_NAMESPACE",
        value_name = "NAMESPACE",
        value_parser = label
    )]
    namespace: Option<String>,
}

impl InputArguments {
    /// What is given as the namespace of `RoleBindings` that name none.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Reads everything; `keep` is to keep the bytes as well.
    pub(super) fn read(&self, keep: bool) -> anyhow::Result<Sources> {
        let progress = Progress::begin("reading manifests");
        let mut places = Vec::new();
        for path in &self.filename {
            places.push(if path == Path::new(STANDARD_INPUT) {
                let already = |place: &Source| matches!(place, Source::Bytes { .. });
                ensure!(
                    !places.iter().any(already),
                    "standard input can be read only once: give -f - only once"
                );
                Source::Bytes {
                    name: path.clone(),
                    bytes: standard_input()?,
                }
            } else {
                Source::Path(path.clone())
            });
        }
        Ok(Sources::read(places, keep, &|done, all| {
            progress.set(done, all);
        }))
    }

    /// What the manifests are judged beside: nothing, or what a cluster has.
    pub(super) fn beside(
        &self,
        policy: &Policy,
        cluster: Option<&ClusterArguments>,
    ) -> anyhow::Result<Beside> {
        let Some(cluster) = cluster else {
            return Ok(Beside {
                namespace: self.namespace().unwrap_or("default").to_owned(),
                ..Beside::default()
            });
        };
        block_on(async {
            let client = cluster.connect().await?;
            let _progress = Progress::begin("reading the cluster's ClusterRoleBindings");
            let held = cluster::holdings(&client, policy).await?;
            Ok(Beside {
                holdings: held.holdings,
                taken: held.names,
                namespace: self
                    .namespace()
                    .unwrap_or_else(|| client.default_namespace())
                    .to_owned(),
            })
        })
    }
}

fn standard_input() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut limited = io::stdin().lock().take(MAX_FILE_BYTES + 1);
    limited
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    ensure!(
        bytes.len() as u64 <= MAX_FILE_BYTES,
        "standard input has more than {MAX_FILE_BYTES} bytes"
    );
    Ok(bytes)
}
