//! Where the history of denials is.

use clap::Args;

use super::names::{label, subdomain};

#[derive(Debug, Args)]
pub(super) struct HistoryArguments {
    /// The ConfigMap with the history
    #[arg(
        long,
        env = "BINDGUARD_HISTORY",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard-history",
        help_heading = "Installation"
    )]
    pub(super) history: String,

    /// The namespace that bindguard itself is in
    #[arg(
        long,
        env = "BINDGUARD_BINDGUARD_NAMESPACE",
        value_parser = label,
        value_name = "NAMESPACE",
        default_value = "bindguard",
        help_heading = "Installation"
    )]
    pub(super) bindguard_namespace: String,
}
