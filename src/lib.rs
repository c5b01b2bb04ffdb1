//! bindguard: the admission webhook that keeps the role bindings of VM users complete.

pub mod admission;
pub mod domain;
pub mod kubernetes;
pub mod state;
