//! bindguard: the admission webhook that keeps the role bindings of VM users complete.
//!
//! `ARCHITECTURE.md` is the map of these modules.

pub mod admission;
pub mod audit;
pub mod certificates;
pub mod cli;
pub mod domain;
pub mod kubernetes;
pub mod manifest;
pub mod policy_file;
pub mod provisioning;
pub mod report;
pub mod server;
pub mod state;
pub mod telemetry;
pub mod yaml;
