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
mod finding;
mod format;
mod judge;
mod plan;
mod resource_list;
pub mod scan;
mod yaml;

pub use companion::{Because, NewBinding};
pub use compose::{CannotCompose, Stream};
pub use finding::{BindingName, Fault, Finding, Place, Severity, Who};
pub use format::{Context, Format, write};
pub use judge::{Coverage, Exempt, Report, Summary};
pub use plan::{Plan, Style, plan};
pub use resource_list::{NoResourceList, ResourceList};
