//! Talking to the API server: the one place that builds clients and requests.

pub mod backoff;
pub mod client;
pub mod cluster_role_binding;
pub mod dry_run;
pub mod endpoints;
pub mod event;
pub mod lean;
pub mod lease;
mod lenient;
pub mod namespace;
pub mod object_watch;
pub mod role_binding;
pub mod secret;
pub mod server_clock;
pub mod shared_config_map;
pub mod webhook_configuration;
