//! `bindguard completion`.

use clap::Args;
use clap_complete::Shell;

use super::{Outcome, command, output};

const EXAMPLES: &str = "\
Examples:
  bash:  source <(bindguard completion bash)
  zsh:   bindguard completion zsh > \"${fpath[1]}/_bindguard\"
  fish:  bindguard completion fish | source";

/// Print a script that completes commands and flags in a shell
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "bindguard", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
