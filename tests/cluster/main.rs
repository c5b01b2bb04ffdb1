//! The built program with a real etcd, kube-apiserver, kubectl and Helm.
//!
//! `stage` is a control plane with one bindguard and the built-in policy, asked by most tests at
//! once, each of which keeps to names of its own. A `lab` is one test's at a time, which registers
//! a bindguard as it likes.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]

#[path = "../manifests/sarif.rs"]
mod sarif;
#[path = "../support/selftest.rs"]
mod selftest;
#[path = "../support/mod.rs"]
mod support;

mod actions;
mod agreement;
mod audit;
mod commands;
mod explain;
mod filters;
mod findings;
mod fix;
mod freshness;
mod helm;
mod lab;
mod mutate;
mod objects;
mod old_bindings;
mod outage;
mod outcome;
mod plugin;
#[path = "../random/mod.rs"]
mod random;
mod remedy;
mod scan;
mod size;
mod stage;
mod table;
mod verbs;
