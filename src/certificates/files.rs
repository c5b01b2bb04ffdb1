//! A chain and its key from two PEM files: `--tls-cert` and `--tls-key`.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::follow::{self, Contents, Followed};
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

/// The two files of a pair.
#[derive(Clone, Debug)]
pub struct PairFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl PairFiles {
    /// The files at these paths, which need not exist yet.
    #[must_use]
    pub const fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key }
    }

    /// Loads the pair, with what is needed to follow its files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is not what it should be, or the two don't belong together.
    pub fn load(&self, now: Timestamp) -> Result<(Pair, Followed), FilesError> {
        let contents = self.read()?;
        Ok((self.pair(&contents, now)?, Followed::new(&contents)))
    }

    /// Reads both before either is judged, so that they are as close to being of one version as
    /// two files can be.
    pub(super) fn read(&self) -> Result<Contents, FilesError> {
        Ok(vec![
            read("certificate", &self.certificate)?,
            read("private key", &self.key)?,
        ])
    }

    pub(super) fn pair(&self, contents: &Contents, now: Timestamp) -> Result<Pair, FilesError> {
        let file = |position: usize| {
            contents
                .get(position)
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let chain = Chain::from_pem(file(0)).map_err(|source| FilesError::Certificate {
            path: self.certificate.clone(),
            source,
        })?;
        let signing_key = key_from_pem(file(1)).map_err(|source| FilesError::Key {
            path: self.key.clone(),
            source,
        })?;
        Pair::new(chain, signing_key, now).map_err(|source| FilesError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })
    }
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, FilesError> {
    follow::read(path).map_err(|source| FilesError::Read {
        what,
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
