//! The certificate that the webhook port serves, and where it comes from.
//!
//! A source (`files` or `self_signed`) makes a [`Pair`](pair::Pair): a chain and its key, checked
//! to belong together. [`ServedCertificate`](served::ServedCertificate) is the one in use, which
//! can be replaced while connections come in, and `watch` does so when files change. `client_ca` says
//! whose calls are taken at all. The time is an argument throughout.

pub mod authority;
pub mod ca_bundle;
pub mod ca_file;
pub mod client_ca;
pub mod facts;
pub mod files;
pub mod follow;
pub mod follow_secret;
pub mod gate;
pub mod manage;
pub mod pair;
pub mod probe;
pub mod rotation;
pub mod secret;
pub mod self_signed;
pub mod served;
pub mod tls;
pub mod trust;
pub mod watch;
