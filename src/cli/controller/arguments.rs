//! The flags of `bindguard controller`.

use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use crate::cli::cluster::KubeconfigArguments;
use crate::cli::duration;
use crate::cli::installation::NamespaceArgument;
use crate::cli::log::LogArguments;
use crate::cli::names::{label, subdomain};
use crate::cli::policy::PolicyArgument;
use crate::kubernetes::client::ClientOptions;
use crate::server::listen::{ListenAddress, ListenAddressError};

const EXAMPLES: &str = "\
Examples:
  bindguard controller
  bindguard controller --kubeconfig admin.conf --dns-name bindguard.example.com
  bindguard controller --certificates external

What it needs in the cluster, and no more:
  secrets in --bindguard-namespace: create; get, list, watch and update both by
      name. Without create, somebody else makes them, empty
  validating- and mutatingwebhookconfigurations: list, watch and patch by name
  endpointslices in --bindguard-namespace: list
  leases in --bindguard-namespace: create; get and update the one by name
With --certificates external: to list and watch the Secret of --tls-secret by
  name, and to get the webhook configurations by name; and the same for leases
With --open-reports:
  reports and clusterreports (openreports.io): list, create, patch, delete
With --policy-config-map: create and patch events (events.k8s.io) in
  --bindguard-namespace
To find what is wrong in the cluster:
  clusterrolebindings and rolebindings: list, watch
  clusterroles: get the companions and the personas by name
Unless the policy says provisioning.mode: Disabled, besides:
  clusterrolebindings: get, create
  clusterroles: bind the companions by name
  validatingadmissionpolicies and -bindings: get orders.bindguard.dev by name
  configmaps in --bindguard-namespace: get and update bindguard-epoch and
      bindguard-orders by name. Where they are missing, create
  events (events.k8s.io): create, patch
When it begins to lead it asks for each of the rights for orders, and its log
names those that it lacks";

/// Look after certificates, make the companions that were ordered, and find what is wrong: bindguard's
/// own CA, the certificate that `bindguard serve --tls-secret` serves, the caBundle of its webhooks, a
/// ClusterRoleBinding for each pair of an order, and what `bindguard scan` finds, all the time
///
/// Several can run; the one that holds the Lease does the work, and another takes over within
/// some 20 s when it is gone. All of them are ready, GET /readyz on the admin port says so, and
/// GET /metrics says which one leads.
///
/// Certificates are made anew when two thirds of their life are over. A new CA is published
/// beside the old one for 10 s before it signs, and the old one is trusted until every endpoint
/// of the Service is seen to serve a certificate of the new one. A Secret that is deleted or
/// broken is made anew in the same way, and a caBundle that is not as it should be is put right
/// within a second.
///
/// An order is carried out once, while the guard of orders is in place, and for as long as the
/// policy's provisioning.orderLifetime; what came of it is told in an Event on the binding. A
/// companion that somebody takes away stays away.
///
/// What is wrong in the cluster is found anew within a second when a binding changes, by every
/// controller: bindguard_findings at GET /metrics counts it, and the page of --report-listen shows
/// it to whoever may forward a port to the pod.
///
/// SIGTERM ends it at once, and gives the Lease back.
#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    mut_arg("bindguard_namespace", |argument| argument.help_heading("Cluster"))
)]
pub(in crate::cli) struct Arguments {
    /// Who looks after the certificates
    #[arg(
        long,
        env = "BINDGUARD_CERTIFICATES",
        value_name = "WHO",
        default_value = "self-managed",
        help_heading = "Certificates"
    )]
    pub(super) certificates: Certificates,

    /// The Secret with the CA: its certificate and key, and those of a rotation under way
    #[arg(
        long,
        env = "BINDGUARD_CA_SECRET",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard-ca",
        help_heading = "Certificates"
    )]
    pub(super) ca_secret: String,

    /// The Secret with the certificate to serve: tls.crt, tls.key and ca.crt
    #[arg(
        long,
        env = "BINDGUARD_TLS_SECRET",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard-tls",
        help_heading = "Certificates"
    )]
    pub(super) tls_secret: String,

    /// The Service in front of `bindguard serve`, in the same namespace. The certificate is for
    /// its names
    #[arg(
        long,
        env = "BINDGUARD_SERVICE",
        value_parser = label,
        value_name = "NAME",
        default_value = "bindguard",
        help_heading = "Certificates"
    )]
    pub(super) service: String,

    /// A further DNS name or IP address for the certificate. May be repeated; the variable holds
    /// several with commas between
    #[arg(
        long = "dns-name",
        env = "BINDGUARD_DNS_NAME",
        value_name = "HOST",
        value_delimiter = ',',
        help_heading = "Certificates"
    )]
    pub(super) dns_names: Vec<String>,

    /// The name of the webhook configurations, the validating and the mutating one. Neither has
    /// to exist
    #[arg(
        long,
        env = "BINDGUARD_WEBHOOK_CONFIGURATION",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard",
        help_heading = "Certificates"
    )]
    pub(super) webhook_configuration: String,

    /// How long a CA is valid: at least 1m
    #[arg(
        long,
        env = "BINDGUARD_CA_LIFETIME",
        value_name = "DURATION",
        default_value = "8760h",
        value_parser = parse_ca_lifetime,
        help_heading = "Certificates"
    )]
    pub(super) ca_lifetime: Duration,

    /// How long the certificate to serve is valid, and never longer than its CA: at least 10s
    #[arg(
        long,
        env = "BINDGUARD_CERTIFICATE_LIFETIME",
        value_name = "DURATION",
        default_value = "2160h",
        value_parser = parse_certificate_lifetime,
        help_heading = "Certificates"
    )]
    pub(super) certificate_lifetime: Duration,

    #[command(flatten)]
    pub(super) installation: NamespaceArgument,

    /// The Lease by which controllers agree on who leads
    #[arg(
        long,
        env = "BINDGUARD_LEASE",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard-controller",
        help_heading = "Cluster"
    )]
    pub(super) lease: String,

    #[command(flatten)]
    kubeconfig: KubeconfigArguments,

    #[command(flatten)]
    pub(super) policy: PolicyArgument,

    /// Keep a report of OpenReports for each binding that something is wrong with, 1,000 at most
    #[arg(long, env = "BINDGUARD_OPEN_REPORTS", action = ArgAction::SetTrue)]
    pub(super) open_reports: bool,

    /// The ConfigMap that --policy is mounted from, for an Event on it when an edit is broken
    #[arg(
        long,
        env = "BINDGUARD_POLICY_CONFIG_MAP",
        value_parser = subdomain,
        value_name = "NAME"
    )]
    pub(super) policy_config_map: Option<String>,

    /// Where probes and metrics are, over plain HTTP. Without a host: all addresses
    #[arg(
        long,
        env = "BINDGUARD_ADMIN_LISTEN",
        value_name = "[HOST]:PORT",
        default_value = ":8080",
        help_heading = "Ports"
    )]
    pub(super) admin_listen: ListenAddress,

    /// Where the page is that shows what is wrong in the cluster, over plain HTTP, or `none`. It
    /// answers only to localhost, 127.0.0.1 and [::1] by name, so that a port has to be forwarded
    /// to it
    #[arg(
        long,
        env = "BINDGUARD_REPORT_LISTEN",
        value_name = "[HOST]:PORT",
        default_value = "127.0.0.1:8082",
        help_heading = "Ports"
    )]
    pub(super) report_listen: ReportAddress,

    #[command(flatten)]
    pub(super) log: LogArguments,
}

/// Where the page is, if it is to be anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct ReportAddress(Option<ListenAddress>);

impl ReportAddress {
    /// Where.
    pub(super) const fn address(&self) -> Option<&ListenAddress> {
        self.0.as_ref()
    }
}

impl FromStr for ReportAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        text.parse().map(Some).map(Self)
    }
}

/// Who looks after the certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Certificates {
    /// This controller
    SelfManaged,
    /// Somebody else. The controller writes none, and its metrics show that of --tls-secret, if it
    /// may read it
    External,
}

impl Arguments {
    /// Which cluster.
    pub(super) fn client_options(&self) -> ClientOptions {
        self.kubeconfig.options()
    }

    /// What the certificate is for.
    pub(super) fn names(&self) -> Vec<String> {
        let (service, namespace) = (&self.service, &self.installation.bindguard_namespace);
        let of_service = [
            service.clone(),
            format!("{service}.{namespace}"),
            format!("{service}.{namespace}.svc"),
            format!("{service}.{namespace}.svc.cluster.local"),
        ];
        of_service
            .into_iter()
            .chain(self.dns_names.clone())
            .collect()
    }
}

fn parse_ca_lifetime(text: &str) -> Result<Duration, String> {
    duration::parse(text, Duration::from_mins(1), duration::LONGEST)
}

fn parse_certificate_lifetime(text: &str) -> Result<Duration, String> {
    duration::parse(text, Duration::from_secs(10), duration::LONGEST)
}
