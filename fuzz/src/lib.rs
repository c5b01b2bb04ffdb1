//! What must hold of any input, for the fuzzer to try and for a test to try on known inputs.
//!
//! Each function takes what a stranger may hand in, and panics if what comes out of it is not as
//! it must be. Finding no panic in the code under test alone would find only half of its faults.

#[path = "../../tests/contract/mod.rs"]
pub(crate) mod contract;
mod manifests;
mod policy;
mod review;
mod webhook;
mod yaml;

pub use manifests::manifests;
pub use policy::policy;
pub use review::{record_of, review};
pub use yaml::yaml;
