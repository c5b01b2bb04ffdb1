//! What lets companions be made for a persona binding, without giving more than its requester
//! could.
//!
//! Whoever may create the companions by hand may place an order for them on the binding, and the
//! API server itself holds everybody else off: that is the guard.

pub mod access;
mod companion;
pub mod controller;
pub mod guard;
pub mod intake;
pub mod order;
pub mod prune;

/// What the name of every companion binding begins with that bindguard makes.
pub const COMPANION_NAME_PREFIX: &str = "bindguard-";
/// The annotation in which an order stands: what is to be provisioned, and for whom.
pub const ORDER: &str = "bindguard.dev/order";
/// The annotation that says whose order it is.
pub const ORDERED_BY: &str = "bindguard.dev/ordered-by";
/// The annotation by which a binding asks for an order, with the value `true`.
pub const PROVISION: &str = "bindguard.dev/provision";
/// The annotation on a companion binding that says for which persona binding it was made.
pub const ORDERED_FOR: &str = "bindguard.dev/ordered-for";
/// The label on everything that bindguard makes, and its value.
pub const PART_OF_LABEL: &str = "app.kubernetes.io/part-of";
/// The value of [`PART_OF_LABEL`].
pub const PART_OF: &str = "bindguard";
