//! What is known of the cluster: the policy in force with the holdings and persona bindings that
//! belong to it.
//!
//! One task feeds it, from the watch of a cluster ([`watch`]) or from a directory ([`manifests`]);
//! everybody else asks a [`State`](handle::State) for the current
//! [`Snapshot`](snapshot::Snapshot). Lookups never wait for the network, and no lock is held
//! across an `await`. What has been synced once serves on whatever fails afterwards.

pub mod binding_key;
mod bits;
pub mod census;
pub mod cluster;
pub mod confirm;
pub mod convert;
pub mod event;
mod feed;
#[cfg(test)]
mod fixtures;
pub mod handle;
mod identities;
pub mod index;
mod keyed;
pub mod listing;
pub mod manifest_directory;
pub mod manifests;
mod numbers;
pub mod personas;
mod records;
pub mod reread;
pub mod seen;
mod shared;
mod slab;
pub mod snapshot;
pub mod source;
pub mod supervise;
pub mod watch;
mod watched;
