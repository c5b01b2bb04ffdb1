//! What reading manifests promises.

mod directories;
mod texts;
