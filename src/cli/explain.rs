//! `bindguard explain`.

use anyhow::{anyhow, ensure};
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, ValueEnum};
use hashbrown::HashMap;

use super::cluster::{ClusterArguments, block_on};
use super::input::InputArguments;
use super::names::label;
use super::policy::PolicyArgument;
use super::progress::Progress;
use super::{Outcome, output};
use crate::domain::identity::Identity;
use crate::report::explain::{self, Gathered, Question, in_cluster, in_manifests, roles};

const EXAMPLES: &str = "\
Examples:
  bindguard explain --user alice@example.com
  bindguard explain --user alice@example.com --group devs
  bindguard explain --serviceaccount ci:runner -f manifests/

Exit codes: 0 it is explained, 2 something could not be read.";

/// Explain one subject: its personas, what covers it, and what is missing
///
/// --user, --group or --serviceaccount says whom.
///
/// Shows through which bindings the subject has which personas, for each companion by which
/// bindings it is covered, and what adds what is missing; what the policy exempts, and by which
/// field; and bindings that look as if they covered it and do not.
///
/// Groups beside a user are taken for granted, as by `kubectl auth can-i --as-group`: what the user
/// has only by them is said so, since the rule does not know who is in a group.
///
/// Without -f it is about the cluster. That needs the right to list ClusterRoleBindings, and to
/// list RoleBindings in the namespace or in all, and without -n to get the ClusterRoles of the
/// companions. What may not be read is an error beside what was.
#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    mut_arg("filename", |argument| argument.help(
        "Explain by these manifests instead of the cluster: a file, a directory with everything \
         below it, or - for standard input; may be given several times"
    )),
    mut_arg("namespace", |argument| argument.help(
        "Only the RoleBindings of this namespace. With -f, the namespace of RoleBindings that name \
         none: without it, with --cluster that of the pod or of the kubeconfig's context, else \
         default"
    ))
)]
pub(super) struct Arguments {
    /// A user, by the name under which the API server knows them
    #[arg(
        long,
        env = "BINDGUARD_USER",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new()
    )]
    user: Option<String>,

    /// A group; beside --user one that the user is taken to be in, which may be given several times
    #[arg(
        long,
        env = "BINDGUARD_GROUP",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new()
    )]
    group: Vec<String>,

    /// A ServiceAccount
    #[arg(
        long,
        env = "BINDGUARD_SERVICEACCOUNT",
        value_name = "NAMESPACE:NAME",
        value_parser = account,
        conflicts_with_all = ["user", "group"]
    )]
    serviceaccount: Option<Account>,

    #[command(flatten)]
    input: InputArguments,

    #[command(flatten)]
    policy: PolicyArgument,

    /// How to print it
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,

    /// With -f, explain by the manifests beside what the cluster has
    #[arg(
        long = "cluster",
        env = "BINDGUARD_CLUSTER",
        action = ArgAction::SetTrue
    )]
    with_cluster: bool,

    #[command(flatten)]
    cluster: ClusterArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One object with everything
    Json,
    /// The same in YAML
    Yaml,
}

impl From<Format> for explain::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Yaml => Self::Yaml,
        }
    }
}

/// A ServiceAccount, as kubectl's flags name it.
#[derive(Clone, Debug)]
struct Account {
    namespace: String,
    name: String,
}

fn account(text: &str) -> Result<Account, String> {
    let parts = text.split_once(':').filter(|(_, name)| !name.is_empty());
    let (namespace, name) = parts.ok_or("write NAMESPACE:NAME")?;
    Ok(Account {
        namespace: label(namespace).map_err(|error| format!("of the namespace, {error}"))?,
        name: name.to_owned(),
    })
}

impl Arguments {
    fn question(&self) -> anyhow::Result<Question> {
        if let Some(Account { namespace, name }) = &self.serviceaccount {
            let account = Identity::ServiceAccount { namespace, name };
            return Ok(Question::about(account, &[]));
        }
        if let Some(user) = &self.user {
            let user = Identity::user(user);
            ensure!(
                self.group.is_empty() || user.namespace().is_none(),
                "--group: Kubernetes alone says which groups a ServiceAccount is in"
            );
            return Ok(Question::about(user, &self.group));
        }
        match self.group.as_slice() {
            [group] => Ok(Question::about(Identity::group(group), &[])),
            [] => Err(anyhow!(
                "nobody is named: give --user, --group or --serviceaccount"
            )),
            _ => Err(anyhow!(
                "--group: one group is explained at a time; beside --user there may be several"
            )),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (policy, _) = arguments.policy.load()?;
    let input = &arguments.input;
    let mut gathered = Gathered::nothing(&policy, arguments.question()?);
    let has_manifests = !input.filename.is_empty();
    let manifests = has_manifests.then(|| input.read(false)).transpose()?;
    let mut namespace = input.namespace().unwrap_or("default").to_owned();
    let mut exists = HashMap::new();
    if manifests.is_none() || arguments.with_cluster {
        let cluster = block_on(async {
            let client = arguments.cluster.connect().await?;
            let progress = Progress::begin("reading the cluster's bindings");
            let count = |seen| progress.count(seen);
            let only = input.namespace().filter(|_| !has_manifests);
            let mut gathered = in_cluster(&client, &gathered, only, &count).await?;
            let mut exists = HashMap::new();
            // Whoever may read one namespace need not be able to look at ClusterRoles.
            if only.is_none() {
                let (known, errors) = roles(&client, &policy).await;
                gathered.errors.extend(errors);
                exists = known;
            }
            Ok((gathered, exists, client.default_namespace().to_owned()))
        })?;
        (gathered, exists) = (cluster.0, cluster.1);
        namespace = input.namespace().map_or(cluster.2, str::to_owned);
    }
    if let Some(manifests) = &manifests {
        gathered = in_manifests(gathered, manifests, &namespace);
    }
    let explanation = gathered.explained(|role| exists.get(role).copied());
    let columns = output::columns();
    output::stream(|writer| {
        explain::write(arguments.output.into(), &explanation, columns, writer)
    })?;
    if explanation.errors.is_empty() {
        return Ok(Outcome::Done);
    }
    Err(anyhow!(explanation.errors.join("\n")))
}
