//! What is wrong now, in manifests or in a cluster: findings, what mends them, and their formats.
//!
//! Findings are made by the rule of [`domain`](crate::domain) and by nothing else, concluded
//! without evidence: who wrote a binding, and when, does not matter to what it lacks.

pub mod cases;
pub mod check;
pub mod cluster;
mod companion;
mod compose;
mod denied;
pub mod explain;
mod fault;
mod finding;
mod format;
mod judge;
pub mod open_reports;
mod plan;
mod resource_list;
pub mod scan;
pub mod standing;
mod survey;
pub mod terminal;
#[cfg(test)]
mod tests;
mod words;
mod yaml;

pub use companion::{Because, NewBinding};
pub use compose::{CannotCompose, Stream};
pub use fault::{Fault, FaultKind};
pub use finding::{BindingName, Finding, Place, Severity, Who};
pub use format::{Context, Format, content_security_policy, write};
pub use judge::{Coverage, Elsewhere, Exempt, Report, Summary};
pub use plan::{Plan, Style, plan};
pub use resource_list::{NoResourceList, ResourceList};
