//! Talking to the API server: the one place that builds clients and requests.

pub mod access_review;
pub mod backoff;
pub mod client;
pub mod cluster_role;
pub mod cluster_role_binding;
pub mod companion;
pub mod config_map;
pub mod dry_run;
pub mod endpoints;
pub mod event;
pub mod guard;
pub mod happening;
pub mod in_time;
pub mod kubeconfig;
pub mod lean;
pub mod lease;
mod lenient;
pub mod namespace;
pub mod object_watch;
pub mod open_reports;
pub mod ordered;
pub mod role_binding;
pub mod secret;
pub mod server_clock;
pub mod server_side_apply;
pub mod webhook_configuration;
pub mod words;
