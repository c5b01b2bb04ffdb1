//! Runs every command that no mark is about.

use crate::blocks::{Block, Command, Mark};
use crate::commands::all;
use crate::world::{page_folder, world};

/// A text with all space made the same, and without what only the page has for reading.
fn plain(text: &str) -> String {
    let text = text.replace("\\\n", " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a command printed what the page shows, where `…` and `...` stand for anything.
fn is_shown(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (plain(shown).replace("...", "…"), plain(printed));
    let mut parts = shown.split('…').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    let mut is_open = false;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
        is_open = part.is_empty();
    }
    rest.is_empty() || is_open
}

/// What is wrong with a block, if anything.
fn wrong(block: &Block, folder: &std::path::Path) -> Option<String> {
    let place = format!("{}:{}", block.page, block.line);
    let is_transcript = block.commands.iter().any(|command| command.shown.is_some());
    if !is_transcript {
        let script: String = block
            .commands
            .iter()
            .map(|Command { text, .. }| format!("{text}\n"))
            .collect();
        let output = world().run(folder, &script);
        return (!output.succeeded()).then(|| format!("{place}: {output}"));
    }
    for Command { text, shown } in &block.commands {
        let shown = shown.as_deref().unwrap_or_default();
        let output = world().run(folder, &format!("{text} 2>&1"));
        let is_right = if shown.trim().is_empty() {
            output.succeeded()
        } else {
            is_shown(shown, &output.stdout)
        };
        if !is_right {
            return Some(format!("{place}: it shows\n{shown}\n{output}"));
        }
    }
    None
}

#[test]
fn every_command_without_a_mark_does_what_its_page_says() {
    let mut failed = Vec::new();
    let (mut run, mut page, mut folder) = (0, String::new(), page_folder());
    for block in all() {
        if block.mark != Mark::None {
            continue;
        }
        // The commands of a page are read from the top, each after those above it.
        if block.page != page {
            page.clone_from(&block.page);
            folder = page_folder();
        }
        failed.extend(wrong(&block, &folder));
        run += block.commands.len();
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    eprintln!("{run} commands of the pages ran");
    assert!(run >= 15, "{run}");
}

#[test]
fn what_is_shown_is_compared_but_for_space_and_what_is_left_out() {
    assert!(is_shown("a  b\\\n  c\n", "a b c"));
    assert!(is_shown("a … d\n", "a b c d"));
    assert!(is_shown("a, ...\n", "a, b c"));
    assert!(!is_shown("a b\n", "a b c"));
    assert!(!is_shown("a … d\n", "a b c"));
    assert!(!is_shown("b\n", "a b"));
}
