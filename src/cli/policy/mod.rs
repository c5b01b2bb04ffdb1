//! `bindguard policy`.

mod test;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use tokio::sync::watch;

use super::{Outcome, output};
use crate::domain::policy::Policy;
use crate::policy_file::{self, ContentDigest};
use crate::telemetry::clock;
use crate::telemetry::labels::Reload;
use crate::telemetry::metrics::Metrics;

/// Show, check and describe the policy
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the policy in force, complete with every default
    Show(Show),
    /// Check a policy file: every error at once, each with its line and field
    Check(Check),
    /// Print the JSON Schema of policy files, for editors and other tools
    Schema(Schema),
    Test(test::Arguments),
}

#[derive(Debug, Args)]
struct Schema {
    /// Of which files
    #[arg(
        long,
        env = "BINDGUARD_OF",
        value_name = "FILES",
        default_value = "policy"
    )]
    of: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// Policies
    Policy,
    /// The cases of `bindguard policy test`
    Test,
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    policy: PolicyArgument,

    /// How to print it
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "yaml"
    )]
    output: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

#[derive(Debug, Args)]
struct Check {
    /// The policy file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
}

/// The policy that a command works by.
#[derive(Debug, Args)]
pub(super) struct PolicyArgument {
    /// The policy file. Without one the built-in policy applies, which `bindguard policy show`
    /// prints
    #[arg(
        long = "policy",
        env = "BINDGUARD_POLICY",
        value_name = "FILE",
        value_hint = ValueHint::FilePath
    )]
    pub(super) file: Option<PathBuf>,
}

impl PolicyArgument {
    /// The policy, with the digest of its file if there is one.
    pub(super) fn load(&self) -> anyhow::Result<(Policy, Option<ContentDigest>)> {
        match &self.file {
            None => Ok((Policy::built_in(), None)),
            Some(path) => {
                let loaded = policy_file::load(path)?;
                Ok((loaded.policy, Some(loaded.digest)))
            }
        }
    }
}

impl PolicyArgument {
    /// Keeps up with the policy file, if there is one. `told` is told of each change.
    pub(super) async fn follow(
        &self,
        digest: Option<ContentDigest>,
        policies: watch::Sender<Arc<Policy>>,
        metrics: &Metrics,
        mut told: impl FnMut(&policy_file::Outcome) + Send,
    ) -> Infallible {
        let (Some(path), Some(digest)) = (&self.file, digest) else {
            // The sender stays, so that no receiver takes a closed channel for a change.
            let _policies = policies;
            return std::future::pending().await;
        };
        let interval = policy_file::POLL_INTERVAL;
        policy_file::watch(path.clone(), digest, interval, policies, |outcome| {
            match outcome {
                policy_file::Outcome::InForce(_) => {
                    metrics.policy_reloaded(Reload::Ok);
                    metrics.set_policy_broken(false);
                    metrics.set_policy_loaded(clock::now().as_second());
                }
                policy_file::Outcome::Rejected(_) => {
                    metrics.policy_reloaded(Reload::Failed);
                    metrics.set_policy_broken(true);
                }
            }
            told(outcome);
        })
        .await
    }
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    match arguments.command {
        Command::Show(arguments) => show(&arguments),
        Command::Check(arguments) => check(&arguments),
        Command::Schema(arguments) => output::print(&pretty(&match arguments.of {
            Form::Policy => policy_file::schema(),
            Form::Test => policy_file::cases::schema(),
        })?),
        Command::Test(arguments) => test::run(&arguments),
    }
}

fn show(arguments: &Show) -> anyhow::Result<Outcome> {
    let (policy, _) = arguments.policy.load()?;
    let yaml = policy_file::to_yaml(&policy);
    match arguments.output {
        Format::Yaml => output::print(&yaml),
        Format::Json => {
            let value: serde_json::Value =
                serde_saphyr::from_str(&yaml).context("cannot turn the policy into JSON")?;
            output::print(&pretty(&value)?)
        }
    }
}

fn check(arguments: &Check) -> anyhow::Result<Outcome> {
    let policy = policy_file::load(&arguments.file)?.policy;
    let count = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    };
    output::print(&format!(
        "{}: policy {} is valid: {}, {}\n",
        arguments.file.display(),
        policy.name,
        count(policy.personas.len(), "persona"),
        count(policy.companions.len(), "companion"),
    ))
}

fn pretty(value: &serde_json::Value) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(value).context("cannot write JSON")?;
    text.push('\n');
    Ok(text)
}
