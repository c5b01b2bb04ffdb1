//! Talking to the API server: the one place that builds clients and requests.

pub mod access_review;
pub mod client;
pub mod cluster_role_binding;
pub mod config_map;
pub mod guard;
pub mod lean;
mod lenient;
pub mod role_binding;
pub mod webhook_configuration;
