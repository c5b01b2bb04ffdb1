//! What the commands print when all is well.

mod completion;
mod manifests;
mod policy;
mod serve;
mod streams;
mod version;
