//! Texts that are kept in files beside the tests.

use std::fs;
use std::path::Path;

/// Compares a text with the one in the file, or writes the file if `UPDATE` is set.
#[track_caller]
pub(crate) fn check(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/command_line")
        .join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).expect("the snapshot can be written");
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{file} is not what the program says now:\n{}\nIf it is right now: UPDATE=1 cargo test \
         --test command_line",
        difference(&kept, text)
    );
}

/// The lines from the first that differs, of both.
fn difference(kept: &str, text: &str) -> String {
    const CONTEXT: usize = 4;
    let same = kept
        .lines()
        .zip(text.lines())
        .take_while(|(kept, now)| kept == now)
        .count();
    let start = same.saturating_sub(CONTEXT);
    let part = |text: &str, mark: char| -> String {
        let lines = text.lines().skip(start).take(3 * CONTEXT);
        lines.map(|line| format!("{mark} {line}\n")).collect()
    };
    format!(
        "from line {} on\n{}{}",
        start + 1,
        part(kept, '-'),
        part(text, '+')
    )
}
