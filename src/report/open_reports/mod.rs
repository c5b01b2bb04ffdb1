//! Findings as objects of OpenReports, one for each binding: made, changed only when something else
//! is wrong, and deleted when nothing is.

mod keep;
mod object;

pub use keep::Keeper;
pub use object::{MOST_REPORTS, MOST_RESULTS, Plan, Wanted, plan};
