//! Talking to the API server: the one place that builds clients and requests.

pub mod client;
pub mod cluster_role;
pub mod cluster_role_binding;
pub mod dry_run;
pub mod endpoints;
pub mod lean;
pub mod lease;
mod lenient;
pub mod object_watch;
pub mod role_binding;
pub mod secret;
pub mod server_clock;
pub mod server_side_apply;
pub mod webhook_configuration;
