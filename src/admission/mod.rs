//! The admission calls: from the bytes of an `AdmissionReview` to the bytes of its answer.
//!
//! Knows nothing of sockets or of HTTP but the status of an answer.

pub mod answer;
pub mod attempts;
mod budget;
pub mod configuration;
#[cfg(test)]
#[path = "../../tests/contract/mod.rs"]
mod contract;
pub mod drift;
mod judge;
pub mod message;
pub mod misses;
mod mutate;
mod ordering;
mod removal;
pub mod respond;
pub mod review;
#[cfg(test)]
mod tests;
pub mod text;
mod verdict;
pub mod webhook;

pub use webhook::Webhook;
