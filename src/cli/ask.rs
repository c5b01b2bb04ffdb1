//! Asks before something is changed.

use std::io::{self, IsTerminal};

use anyhow::{Context, bail};

use super::output;

/// Asks on the terminal, unless that was answered already. What is not answered with yes is an
/// error that says with `nothing` what was not done.
pub(super) fn confirm(yes: bool, question: &str, nothing: &str) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        bail!("{nothing}: there is no terminal to ask on; give --yes to do it at once");
    }
    output::tell(&format!("{question} [y/N] "));
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("{nothing}"),
    }
}
