//! Texts that are kept in files.

use std::fs;
use std::path::Path;

/// The path of a file of this repository.
pub(crate) fn path(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// What is in a file of this repository.
#[track_caller]
pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("cannot read {file}: {error}"))
}

/// Compares a text with the one in a file, or writes the file if `UPDATE` is set.
#[track_caller]
pub(crate) fn check(file: &str, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(file), text).expect("the file can be written");
        return;
    }
    let kept = fs::read_to_string(path(file)).unwrap_or_default();
    let line = kept
        .lines()
        .zip(text.lines())
        .position(|(kept, now)| kept != now)
        .unwrap_or_else(|| kept.lines().count().min(text.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
    assert!(
        kept == text,
        "{file} is not what it should be now, from line {} on:\n- {}\n+ {}\nIf it is right now: \
         UPDATE=1 cargo test --test chart",
        line + 1,
        at(&kept),
        at(text)
    );
}
