//! Talking to the API server: the one place that builds clients and requests.

pub mod client;
pub mod cluster_role_binding;
pub mod dry_run;
pub mod lean;
mod lenient;
pub mod removal;
pub mod role_binding;
pub mod webhook_configuration;
