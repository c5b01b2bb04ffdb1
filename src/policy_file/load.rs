//! A policy file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::domain::policy::Policy;
use crate::yaml::Position;

use super::error::PolicyErrors;
use super::parse;

/// The most bytes that a policy file may have. A ConfigMap holds no more.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The SHA-256 of a file's bytes: two files with the same are the same.
pub type ContentDigest = [u8; 32];

/// A policy with what its file held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Of the bytes that it was read from.
    pub digest: ContentDigest,
}

/// Why a file gives no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// It cannot be read.
    #[error("cannot read policy file {path:?}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is a directory.
    #[error("policy file {path:?} is a directory")]
    IsDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// It is larger than [`MAX_FILE_BYTES`].
    #[error("policy file {path:?} is larger than {} MiB", MAX_FILE_BYTES / (1024 * 1024))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is no text.
    #[error("{}:{position}: this is not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where the first byte stands that is none.
        position: Position,
    },
    /// It is a text but not a policy.
    #[error("{}", located(path, errors))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong with it.
        errors: PolicyErrors,
    },
}

/// One line for each error: `PATH:LINE:COLUMN: FIELD: MESSAGE`.
fn located(path: &Path, errors: &PolicyErrors) -> String {
    let lines: Vec<_> = errors
        .iter()
        .map(|error| format!("{}:{error}", path.display()))
        .collect();
    lines.join("\n")
}

/// Reads a policy file.
///
/// # Errors
///
/// When the file cannot be read, is too large, or is no policy: then with all that is wrong.
pub fn load(path: &Path) -> Result<Loaded, PolicyFileError> {
    let bytes = read_bytes(path)?;
    let policy = parse_bytes(path, &bytes)?;
    Ok(Loaded {
        policy,
        digest: digest_of(&bytes),
    })
}

/// The digest by which contents are compared.
pub(super) fn digest_of(bytes: &[u8]) -> ContentDigest {
    Sha256::digest(bytes).into()
}

/// Reads the bytes of a policy file, but no more than it may have.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, PolicyFileError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| {
        let mut limited = file.take(MAX_FILE_BYTES + 1);
        limited.read_to_end(&mut bytes)
    });
    match read {
        Ok(count) if count as u64 > MAX_FILE_BYTES => Err(PolicyFileError::TooLarge {
            path: path.to_owned(),
        }),
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            Err(PolicyFileError::IsDirectory {
                path: path.to_owned(),
            })
        }
        Err(source) => Err(PolicyFileError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Reads a policy from the bytes of a file.
pub(super) fn parse_bytes(path: &Path, bytes: &[u8]) -> Result<Policy, PolicyFileError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        PolicyFileError::NotText {
            path: path.to_owned(),
            position: Position::START.after(&String::from_utf8_lossy(valid)),
        }
    })?;
    parse(text).map_err(|errors| PolicyFileError::Invalid {
        path: path.to_owned(),
        errors,
    })
}
