//! The ports: the webhook over TLS, probes and metrics in plain HTTP, and the controller's page.
//!
//! Knows of HTTP, connections and signals, and nothing of bindings: what an admission call means
//! is said by [`admission`](crate::admission). Two things hold throughout: no idle connection is
//! closed while its client may still use it, and nothing that a client sends ends the process.

pub mod admin;
pub mod admin_only;
pub mod listen;
pub mod page;
pub mod readiness;
pub mod run;
pub mod shutdown;
pub mod webhook;

mod accept_errors;
mod acceptor;
mod activity;
mod body;
mod call_timeout;
mod connections;
mod descriptors;
mod framing;
mod limits;
mod load;
mod places;
mod refusal;
mod watched;

#[cfg(test)]
mod tests;
