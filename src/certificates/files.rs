//! A chain and its key from two PEM files: `--tls-cert` and `--tls-key`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::pair::{Chain, ChainError, KeyError, Pair, PairError, key_from_pem};

/// Why two files are not a pair that can be served.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file is missing, or may not be read.
    #[error("cannot read {what} file {path:?}")]
    Read {
        /// What it is to hold.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The certificate file is not usable.
    #[error("cannot use certificate file {path:?}")]
    Certificate {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: ChainError,
    },
    /// The key file is not usable.
    #[error("cannot use private key file {path:?}")]
    Key {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: KeyError,
    },
    /// Both are, but not together.
    #[error("cannot use certificate file {certificate:?} with private key file {key:?}")]
    Pair {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// Why not.
        source: PairError,
    },
}

/// Loads a chain and its key. Both are read before either is judged, so that they are as close to
/// being of one version as two files can be.
///
/// # Errors
///
/// When a file cannot be read, is not what it should be, or the two don't belong together.
pub fn load(certificate: &Path, key: &Path, now: Timestamp) -> Result<Pair, FilesError> {
    let (chain_text, key_text) = (read("certificate", certificate)?, read("private key", key)?);
    let chain = Chain::from_pem(&chain_text).map_err(|source| FilesError::Certificate {
        path: certificate.to_owned(),
        source,
    })?;
    let signing_key = key_from_pem(&key_text).map_err(|source| FilesError::Key {
        path: key.to_owned(),
        source,
    })?;
    Pair::new(chain, signing_key, now).map_err(|source| FilesError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    })
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, FilesError> {
    fs::read(path).map_err(|source| FilesError::Read {
        what,
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
