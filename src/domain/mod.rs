//! The rule and the words it is told in.
//!
//! Pure: nothing here knows of Kubernetes clients, wire formats, files, time or threads. What a
//! binding lacks is said by [`assess`](assess::assess), what follows from that by
//! [`conclude`](conclude::conclude); everything else gathers what these two are given.

pub mod assess;
pub mod binding;
pub mod companion_set;
pub mod conclude;
pub mod holdings;
pub mod identity;
pub mod overlay;
pub mod policy;
pub mod remedy;
pub mod removal;
pub mod shown;
pub mod text;

#[cfg(test)]
mod tests;
