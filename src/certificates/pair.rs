//! A certificate chain and the private key of its first certificate.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::InconsistentKeys;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::error::X509Error;
use x509_parser::time::ASN1Time;

/// When a certificate is valid, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From then on.
    pub not_before: Timestamp,
    /// Until then.
    pub not_after: Timestamp,
}

/// A chain as it is sent to clients, the server's own certificate first.
#[derive(Clone, Debug)]
pub struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    validity: Validity,
    names_hosts: bool,
}

/// Why bytes are not a usable chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Not PEM, or a part of it is missing.
    #[error("its PEM is broken: {}", pem_fault(.0))]
    Pem(pem::Error),
    /// Nothing in it is a certificate.
    #[error("there is no certificate in it (a part that begins -----BEGIN CERTIFICATE-----)")]
    Empty,
    /// A certificate in it is not X.509.
    #[error("certificate {position} in it is not an X.509 certificate")]
    NotX509 {
        /// Counted from 1.
        position: usize,
        /// What is wrong with it, in the parser's own words. They are for programmers.
        fault: X509Error,
    },
}

/// Why bytes are not a usable private key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not PEM, or a part of it is missing.
    #[error("its PEM is broken: {}", pem_fault(.0))]
    Pem(pem::Error),
    /// Nothing in it is a private key.
    #[error("there is no private key in it (a part that begins -----BEGIN PRIVATE KEY-----)")]
    Empty,
    /// The key is protected by a passphrase, for which there is nobody to ask.
    #[error("the private key in it is encrypted; decrypt it, for instance with `openssl pkey`")]
    Encrypted,
    /// A key, but not of a kind that can be served.
    #[error(
        "the private key in it is of no supported kind: use ECDSA P-256 or P-384, Ed25519, or RSA \
         of 2048 bits or more"
    )]
    Unsupported,
}

/// Why a chain and a key are not a pair that can be served.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The key belongs to none of the certificates.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// The key belongs to a later certificate of the chain.
    #[error(
        "the private key belongs to certificate {position} of the chain; the server's own \
         certificate must come first, then those that signed it"
    )]
    NotFirst {
        /// Counted from 1.
        position: usize,
    },
    /// No client would accept it.
    #[error("the certificate expired at {not_after}, and now it is {now}")]
    Expired {
        /// When it expired.
        not_after: Timestamp,
        /// When that was found.
        now: Timestamp,
    },
    /// The TLS library refuses the certificate.
    #[error("the certificate cannot be served")]
    Unusable(#[source] rustls::Error),
}

impl Chain {
    /// Reads the certificates of a PEM text.
    ///
    /// # Errors
    ///
    /// When there is none, or one of them cannot be read.
    pub fn from_pem(text: &[u8]) -> Result<Self, ChainError> {
        let certificates = CertificateDer::pem_slice_iter(text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(ChainError::Pem)?;
        Self::from_der(certificates)
    }

    /// Takes certificates for a chain.
    ///
    /// # Errors
    ///
    /// When there is none, or one of them cannot be read.
    pub fn from_der(certificates: Vec<CertificateDer<'static>>) -> Result<Self, ChainError> {
        let mut first = None;
        for (position, der) in (1..).zip(&certificates) {
            let read = read(der).map_err(|fault| ChainError::NotX509 { position, fault })?;
            first.get_or_insert(read);
        }
        let (validity, names_hosts) = first.ok_or(ChainError::Empty)?;
        Ok(Self {
            certificates,
            validity,
            names_hosts,
        })
    }

    /// The certificates, the server's own first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }
}

/// The library shows bytes as numbers, and may show those of a key.
fn pem_fault(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a part has no end (a line -----END ...-----)",
        pem::Error::IllegalSectionStart { .. } => {
            "a line begins like -----BEGIN ...----- and does not end so"
        }
        pem::Error::Base64Decode(_) => "what a part holds is not base64",
        pem::Error::NoItemsFound => "there is nothing in it",
        _ => "it cannot be read",
    }
}

/// Reads the first private key of a PEM text: PKCS #8, or the older forms of RSA and EC keys.
///
/// # Errors
///
/// When there is none, or none that can be used.
pub fn key_from_pem(text: &[u8]) -> Result<Arc<dyn SigningKey>, KeyError> {
    let key = PrivateKeyDer::from_pem_slice(text).map_err(|error| {
        // PKCS #8 says it in the label, the older forms in a header, which is no valid PEM here.
        if text.windows(9).any(|window| window == b"ENCRYPTED") {
            KeyError::Encrypted
        } else if matches!(error, pem::Error::NoItemsFound) {
            KeyError::Empty
        } else {
            KeyError::Pem(error)
        }
    })?;
    // The library's error says no more than that it could not.
    any_supported_type(&key).map_err(|_| KeyError::Unsupported)
}

/// A chain and the private key that belongs to it, valid when they were put together.
#[derive(Clone)]
pub struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    validity: Validity,
}

impl Pair {
    /// Puts a chain and a key together.
    ///
    /// A certificate that has expired is an error: no client accepts it, and that is better found
    /// before a healthy replica has made way for this one. One that is *not yet* valid is a
    /// warning, since the clock that counts is the client's, and so is one that names no host.
    ///
    /// # Errors
    ///
    /// When they don't belong together, or the first certificate cannot be served any more.
    pub fn new(chain: Chain, key: Arc<dyn SigningKey>, now: Timestamp) -> Result<Self, PairError> {
        let names_hosts = chain.names_hosts;
        let pair = Self::fitting(chain, key)?;
        let Validity {
            not_before,
            not_after,
        } = pair.validity;
        if not_after < now {
            return Err(PairError::Expired { not_after, now });
        }
        if now < not_before {
            tracing::warn!(%not_before, "the certificate is not valid yet");
        }
        if !names_hosts {
            tracing::warn!(
                "the certificate has no subject alternative name, which the API server demands"
            );
        }
        Ok(pair)
    }

    /// Puts a chain and a key together, whatever the time is.
    ///
    /// # Errors
    ///
    /// When they don't belong together.
    pub fn fitting(chain: Chain, key: Arc<dyn SigningKey>) -> Result<Self, PairError> {
        let certified = CertifiedKey::new(chain.certificates, key);
        check_match(&certified)?;
        Ok(Self {
            certified: Arc::new(certified),
            validity: chain.validity,
        })
    }

    /// When the server's own certificate is valid.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// The chain, the server's own certificate first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }
}

impl fmt::Debug for Pair {
    /// Without the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pair")
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

fn check_match(pair: &CertifiedKey) -> Result<(), PairError> {
    match pair.keys_match() {
        // A key of a kind that cannot tell its public half has nothing to compare.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => Err(position_of_key(pair)
            .map_or(PairError::Mismatch, |position| PairError::NotFirst {
                position,
            })),
        Err(error) => Err(PairError::Unusable(error)),
    }
}

/// Which certificate of the chain the key belongs to, counted from 1.
fn position_of_key(pair: &CertifiedKey) -> Option<usize> {
    (1..).zip(&pair.cert).find_map(|(position, certificate)| {
        let alone = CertifiedKey::new(vec![certificate.clone()], Arc::clone(&pair.key));
        alone.keys_match().is_ok().then_some(position)
    })
}

/// When a certificate is valid, and whether it has subject alternative names.
fn read(der: &[u8]) -> Result<(Validity, bool), X509Error> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der)?;
    let validity = Validity {
        not_before: timestamp(certificate.validity().not_before),
        not_after: timestamp(certificate.validity().not_after),
    };
    let names = certificate.subject_alternative_name()?;
    Ok((validity, names.is_some()))
}

/// X.509 writes "no end" as the last second of the year 9999, which is past what a [`Timestamp`]
/// can be.
pub(super) fn timestamp(time: ASN1Time) -> Timestamp {
    let seconds = time.timestamp();
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
