//! Where an installation is: flags that commands for one have in common.
//!
//! A command that has more to say of one changes its help and keeps the rest.

use clap::Args;

use super::names::{label, subdomain};

/// The namespace of bindguard.
#[derive(Debug, Args)]
pub(super) struct NamespaceArgument {
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

/// The webhook configurations of bindguard.
#[derive(Debug, Args)]
pub(super) struct ConfigurationArgument {
    /// The name of the webhook configurations, the validating and the mutating one
    #[arg(
        long,
        env = "BINDGUARD_WEBHOOK_CONFIGURATION",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = crate::admission::configuration::NAME,
        help_heading = "Installation"
    )]
    pub(super) webhook_configuration: String,
}
