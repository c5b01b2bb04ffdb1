//! Talking to the API server: the one place that builds clients and requests.

pub mod client;
pub mod cluster_role_binding;
mod lenient;
pub mod webhook_configuration;
