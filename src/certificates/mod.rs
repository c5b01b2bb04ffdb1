//! The certificate that the webhook port serves, and where it comes from.
//!
//! A source (`files` or `self_signed`) makes a [`Pair`](pair::Pair): a chain and its key, checked
//! to belong together. [`ServedCertificate`](served::ServedCertificate) is the one in use, which
//! can be replaced while connections come in, and `watch` does so when files change. `client_ca` says
//! whose calls are taken at all. The time is an argument throughout.

pub mod ca_file;
pub mod client_ca;
pub mod files;
pub mod follow;
pub mod pair;
pub mod self_signed;
pub mod served;
pub mod tls;
pub mod watch;
