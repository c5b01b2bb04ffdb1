//! Where the history of denials is.

use clap::Args;

use super::names::subdomain;

#[derive(Debug, Args)]
pub(super) struct HistoryArgument {
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
}
