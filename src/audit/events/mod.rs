//! Events about denials, for those who may read a namespace and not the history.
//!
//! An Event says who was refused what, and its series how often. Events are limited, for each
//! requester and in all, so that nobody makes the API server busy by being refused; what is over
//! the limit is counted in the series later.

mod limit;
mod reporter;
mod words;

pub use reporter::Reporter;

/// By what name Events say who reports.
pub const REPORTING_CONTROLLER: &str = "bindguard.dev/serve";
/// The annotation of an Event with the denial that it is about, as JSON.
pub const DENIAL_ANNOTATION: &str = "bindguard.dev/denial";
