//! Whether manifests changed.

use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

/// What the manifests of a directory are, in short: cheap to compare and to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// Of the names, lengths and times of the files: cheap to take, and it may change although
    /// nothing else does.
    pub listing: [u8; 32],
    /// Of the names and contents of the files.
    pub content: [u8; 32],
}

/// A fingerprint under construction.
#[derive(Debug, Default)]
pub(super) struct Summary {
    hash: Sha256,
}

impl Summary {
    /// Adds how a file is listed. Its real path counts, because a swapped symlink may lead to a
    /// file of the same length and time.
    pub(super) fn add_listing(&mut self, path: &Path, real: &Path, metadata: Option<&Metadata>) {
        let modified = metadata.and_then(|metadata| metadata.modified().ok());
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        self.add(path.as_os_str().as_encoded_bytes());
        self.add(real.as_os_str().as_encoded_bytes());
        self.add(&metadata.map_or(u64::MAX, Metadata::len).to_le_bytes());
        self.add(&modified.unwrap_or_default().as_nanos().to_le_bytes());
    }

    /// Adds what a file holds, or why it cannot be read.
    pub(super) fn add_content(&mut self, path: &Path, content: &[u8]) {
        self.add(path.as_os_str().as_encoded_bytes());
        self.add(content);
    }

    /// Every part is told from the next by its length.
    fn add(&mut self, part: &[u8]) {
        self.hash.update((part.len() as u64).to_le_bytes());
        self.hash.update(part);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}
