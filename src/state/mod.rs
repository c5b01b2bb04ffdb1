//! What is known of the cluster: the policy in force with the holdings that belong to it.

pub mod binding_key;
mod bits;
mod identities;
pub mod index;
mod records;
mod slab;
