//! `bindguard verify`.

mod answer;
mod attempt;

use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};
use kube::Client;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::cluster::{ClusterArguments, block_on};
use super::installation::ConfigurationArgument;
use super::names::label;
use super::policy::PolicyArgument;
use super::{Outcome, duration, output};
use crate::domain::policy::Policy;
use crate::kubernetes::webhook_configuration;
use answer::Answer;
use attempt::Attempt;

/// How long to wait before the API server is asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the first call may take, however short the limit: a limit of nothing means one call.
const ONE_CALL: Duration = Duration::from_secs(10);
/// How long a refusal that has nothing to do with bindguard may last: a right that was granted a
/// moment ago takes a moment to count.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  bindguard verify
  bindguard verify --kubeconfig admin.conf --policy policy.yaml -n team-a --timeout 5m

Exit codes: 0 it is judged, 1 it is not judged within --timeout, 2 that cannot be told.";

/// See whether bindguard judges what is written to the cluster
///
/// Asks the API server, again and again until --timeout, to create a RoleBinding that bindguard
/// should refuse or warn of: to a persona of the policy, for a user who does not exist. It is a
/// dry run, which stores nothing; bindguard writes its audit line about it, as about any dry run.
///
/// It needs the right to create RoleBindings in the namespace and the right to bind one persona
/// whose ClusterRole exists. With the rights to list ClusterRoleBindings and to get the validating
/// webhook configuration it can tell more of what is wrong.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    policy: PolicyArgument,

    /// The namespace of the RoleBinding. Without it: that of the pod or of the kubeconfig's
    /// context, else default
    #[arg(
        short,
        long,
        env = "BINDGUARD_NAMESPACE",
        value_name = "NAMESPACE",
        value_parser = label
    )]
    namespace: Option<String>,

    /// How long to go on trying. 0s is to try once
    #[arg(
        long,
        env = "BINDGUARD_TIMEOUT",
        value_name = "DURATION",
        default_value = "60s",
        value_parser = parse_timeout
    )]
    timeout: Duration,

    #[command(flatten)]
    configuration: ConfigurationArgument,

    /// How to print what was seen
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,

    #[command(flatten)]
    cluster: ClusterArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    block_on(verify(arguments))
}

async fn verify(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (policy, _) = arguments.policy.load()?;
    let client = arguments.cluster.connect().await?;
    let namespace = arguments
        .namespace
        .as_deref()
        .unwrap_or_else(|| client.default_namespace());
    let mut attempt = Attempt::new(&policy, namespace)?;
    let last = watch(&client, &mut attempt, arguments.timeout).await;
    let seen = seen(last, &attempt, &policy, arguments, &client).await?;
    let outcome = if seen.judged {
        Outcome::Done
    } else {
        Outcome::Wrong
    };
    output::print(&match arguments.output {
        Format::Table => seen.text,
        Format::Json => format!(
            "{}\n",
            json!({
                "judged": seen.judged,
                "saw": seen.saw,
                "role": attempt.role(),
                "message": seen.message,
            })
        ),
    })?;
    Ok(outcome)
}

/// The first answer that settles it, or else the last one.
async fn watch(client: &Client, attempt: &mut Attempt<'_>, limit: Duration) -> Answer {
    let start = Instant::now();
    let mut last = Answer::Busy("the API server has not answered".to_owned());
    let mut left = limit.max(ONE_CALL);
    loop {
        let Ok(answer) = timeout(left, attempt.make(client)).await else {
            return last;
        };
        match &answer {
            Answer::Denied(_) | Answer::Warned(_) => return answer,
            Answer::Refused(_) | Answer::NotThisRole(_) if start.elapsed() >= PATIENCE => {
                return answer;
            }
            waiting => {
                if last != answer {
                    output::tell(&format!("waiting: {}\n", in_words(waiting)));
                }
            }
        }
        last = answer;
        sleep(PAUSE.min(limit.saturating_sub(start.elapsed()))).await;
        left = limit.saturating_sub(start.elapsed());
        if left.is_zero() {
            return last;
        }
    }
}

fn in_words(answer: &Answer) -> String {
    match answer {
        Answer::Denied(message) | Answer::Warned(message) => message.clone(),
        Answer::Silent => "the API server let it pass without a word of bindguard".to_owned(),
        Answer::Failing(reason) => format!("the API server asks bindguard in vain: {reason}"),
        Answer::NotThisRole(reason) => format!("no persona can be bound: {reason}"),
        Answer::Refused(reason) => {
            format!("the API server refused it for another reason: {reason}")
        }
        Answer::Busy(reason) => format!("the API server does not say: {reason}"),
    }
}

/// What there is to tell.
struct Seen {
    judged: bool,
    /// One word, for programs.
    saw: &'static str,
    message: String,
    text: String,
}

async fn seen(
    answer: Answer,
    attempt: &Attempt<'_>,
    policy: &Policy,
    arguments: &Arguments,
    client: &Client,
) -> anyhow::Result<Seen> {
    let tried = attempt.description();
    let within = match arguments.timeout {
        Duration::ZERO => "at once".to_owned(),
        limit => format!("within {limit:?}"),
    };
    let judged = |saw, how: &str, message: String| Seen {
        judged: true,
        saw,
        text: format!("bindguard judges: it {how} the dry run of {tried}\n"),
        message,
    };
    let not_judged = |saw, message: String, text: String| Seen {
        judged: false,
        saw,
        message,
        text,
    };
    let words = in_words(&answer);
    Ok(match answer {
        Answer::Denied(message) => judged("denial", "refused", message),
        Answer::Warned(message) => judged("warning", "warned of", message),
        Answer::Silent => {
            let mut text =
                format!("bindguard did not judge the dry run of {tried} {within}: {words}\n");
            for hint in hints(policy, arguments, client).await {
                text.extend(["  ", &hint, "\n"]);
            }
            not_judged("silence", words, text)
        }
        Answer::Failing(reason) => {
            let text =
                format!("bindguard did not judge the dry run of {tried} {within}: {words}\n");
            not_judged("failure", reason, text)
        }
        Answer::NotThisRole(reason) | Answer::Refused(reason) => {
            return Err(anyhow!(reason).context(format!(
                "cannot tell: the API server refused {tried}, and not because of bindguard"
            )));
        }
        Answer::Busy(reason) => {
            bail!("cannot tell {within}: {reason}");
        }
    })
}

/// What may be the reason that nobody was asked, as far as we may look.
async fn hints(policy: &Policy, arguments: &Arguments, client: &Client) -> Vec<String> {
    let name = &arguments.configuration.webhook_configuration;
    let mut hints = Vec::new();
    match webhook_configuration::validating(client, name).await {
        Ok(None) => hints.push(format!(
            "there is no ValidatingWebhookConfiguration {name:?}"
        )),
        Ok(Some(live)) => {
            let webhooks = live.webhooks.unwrap_or_default();
            let ours = webhooks
                .iter()
                .find(|webhook| webhook.name == crate::admission::configuration::VALIDATE);
            match ours {
                None => hints.push(format!(
                    "ValidatingWebhookConfiguration {name:?} has no webhook {:?}",
                    crate::admission::configuration::VALIDATE
                )),
                Some(webhook) if webhook.failure_policy.as_deref() == Some("Ignore") => {
                    hints.push(
                        "its failurePolicy is Ignore: when it cannot be asked, nobody is told"
                            .to_owned(),
                    );
                }
                Some(_) => hints.push(
                    "it is registered: the API server may not have noticed yet, or its conditions \
                     do not fit the policy"
                        .to_owned(),
                ),
            }
        }
        Err(_) => hints.push(format!(
            "ValidatingWebhookConfiguration {name:?} cannot be read, so why is not known"
        )),
    }
    if !policy.exempt.requesters.is_empty() {
        hints.push("or you are one of the policy's exempt.requesters".to_owned());
    }
    hints
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    duration::parse(text, Duration::ZERO, duration::LONGEST)
}
