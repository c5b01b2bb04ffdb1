//! `bindguard completion`.

use clap::Args;
use clap_complete::Shell;

use super::{Outcome, command, output};

/// Print the completions of a shell
///
/// For bash:  source <(bindguard completion bash)
/// For zsh:   bindguard completion zsh > "${fpath[1]}/_bindguard"
/// For fish:  bindguard completion fish | source
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "bindguard", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
