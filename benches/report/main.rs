//! Every performance figure of bindguard, measured beside what it is compared with, in one run.
//!
//! `make bench` runs it. It prints its tables, puts them into `docs/benchmarks.md`, marks each
//! figure that misses its budget, and succeeds all the same. With names of sections it takes
//! those alone and leaves the page as it is:
//!
//!     cargo bench --bench report -- decisions memory
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a program for people to read: a figure that cannot be taken is best said at once, \
              and no figure has 53 significant bits"
)]

mod api;
mod at_once;
mod cluster;
mod commands;
mod creates;
mod decisions;
mod echo;
mod fake_api;
mod https;
mod load;
mod machine;
mod manifests;
mod memory;
mod orders;
mod page;
mod process;
#[path = "../shared/mod.rs"]
mod shared;
mod statistics;
#[path = "../../tests/support/mod.rs"]
mod support;
mod table;
mod under_change;

use std::thread;
use std::time::{Duration, Instant};

use table::{Table, missed};

/// The bindguard that is measured, as cargo has just built it.
const BINDGUARD: &str = env!("CARGO_BIN_EXE_bindguard");

/// It ends by itself long before; if something hangs, it ends all the same, without figures.
const LIMIT: Duration = Duration::from_mins(20);

type Section = (&'static str, fn() -> Vec<Table>);

/// In this order: what a busy machine disturbs least comes last, when it may have calmed down
/// least.
const SECTIONS: [Section; 7] = [
    ("decisions", decisions::tables),
    ("memory", memory::tables),
    ("manifests", manifests::tables),
    ("https", https::tables),
    ("cluster", cluster::tables),
    ("orders", orders::tables),
    ("change", under_change::tables),
];

fn main() {
    // Cargo passes `--bench` to whatever it runs as a benchmark.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [command, port, folder, short] = arguments.as_slice()
        && command == "echo"
    {
        let short = short.parse().expect("a length");
        return echo::serve(port.parse().expect("a port"), folder.as_ref(), short);
    }
    thread::spawn(end_what_hangs);
    let chosen: Vec<Section> = SECTIONS
        .into_iter()
        .filter(|(name, _)| arguments.is_empty() || arguments.iter().any(|one| one == name))
        .collect();

    let mut tables = Vec::new();
    for (name, section) in chosen {
        let begin = Instant::now();
        tables.extend(section());
        eprintln!("report: {name} took {:.0} s", begin.elapsed().as_secs_f64());
    }
    let text = page::figures(&tables);
    println!("{text}");
    if arguments.is_empty() {
        page::write(&text);
    }
    for row in missed(&tables) {
        eprintln!("report: MISSED: {row}");
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "main, which is what hangs, cannot end the process"
)]
fn end_what_hangs() {
    thread::sleep(LIMIT);
    eprintln!("report: not done after {LIMIT:?}");
    std::process::exit(1);
}
