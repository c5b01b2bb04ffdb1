//! A certificate and its own CA, made in memory.
//!
//! For `serve` with `--write-ca`: nothing is kept, so that every start has another CA, and the
//! webhook configuration has to be given the new one.

use std::time::Duration;

use jiff::Timestamp;

use super::authority::{Authority, IssueError};
use super::pair::{Chain, ChainError, KeyError, Pair, PairError, key_from_pem};

/// How long from now both certificates are valid. They end together: a certificate that outlives
/// its CA only looks valid.
const VALID_FOR: Duration = Duration::from_hours(365 * 24);
/// What every certificate is for.
const OWN_NAMES: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

/// A certificate and the CA that signed it.
#[derive(Debug)]
pub struct SelfSigned {
    /// The CA, PEM: what a client must trust. Its key is gone.
    pub ca_pem: String,
    /// The server's certificate and key.
    pub pair: Pair,
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// A name is none, or the machine has no randomness.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// What was made cannot be read.
    #[error("cannot read the certificate just made")]
    Chain(#[from] ChainError),
    /// What was made cannot be read.
    #[error("cannot read the private key just made")]
    Key(#[from] KeyError),
    /// What was made cannot be served.
    #[error("cannot use the certificate just made")]
    Pair(#[from] PairError),
}

/// Makes a CA and a certificate for 127.0.0.1, `::1`, localhost and these names or addresses.
///
/// # Errors
///
/// When a name is none, or the machine has no randomness.
pub fn make(extra_names: &[String], now: Timestamp) -> Result<SelfSigned, SelfSignedError> {
    let names = OWN_NAMES.map(str::to_owned);
    let names: Vec<String> = names
        .into_iter()
        .chain(extra_names.iter().cloned())
        .collect();
    let authority = Authority::make(now, VALID_FOR)?;
    let issued = authority.issue(&names, now, VALID_FOR)?;
    let chain = Chain::from_pem(issued.chain_pem.as_bytes())?;
    let key = key_from_pem(issued.key_pem.as_bytes())?;
    Ok(SelfSigned {
        ca_pem: authority.certificate().pem().to_owned(),
        pair: Pair::new(chain, key, now)?,
    })
}

#[cfg(test)]
#[path = "self_signed_tests.rs"]
mod tests;
