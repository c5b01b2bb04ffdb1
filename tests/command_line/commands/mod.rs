//! What the commands print when all is well.

mod cluster;
mod completion;
mod denials;
mod integrations;
mod manifests;
mod policy;
mod policy_test;
mod serve;
mod streams;
mod version;
