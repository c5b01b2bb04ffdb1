//! The page that keeps the figures.

use std::fs;
use std::path::PathBuf;

use crate::machine;
use crate::table::Table;

const BEGIN: &str = "<!-- figures: begin; `make bench` writes what follows -->\n";
const END: &str = "<!-- figures: end -->";

/// All tables, and where they come from.
pub(crate) fn figures(tables: &[Table]) -> String {
    let mut parts = vec![machine::description() + "\n"];
    parts.extend(tables.iter().map(ToString::to_string));
    parts.join("\n")
}

/// Puts the figures in the place of the last ones. The words around them are written by hand.
pub(crate) fn write(figures: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    let page = fs::read_to_string(&path).expect("docs/benchmarks.md is there");
    let (before, rest) = page.split_once(BEGIN).expect("a mark where figures begin");
    let (_, after) = rest.split_once(END).expect("a mark where figures end");
    let page = format!("{before}{BEGIN}\n{figures}\n{END}{after}");
    fs::write(&path, page).expect("docs/benchmarks.md can be written");
}
