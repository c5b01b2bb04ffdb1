//! Who may call: the authorities that sign clients' certificates (`--client-ca`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject as _};

use super::follow::{self, Contents, Followed};

/// Checks clients' certificates against authorities.
#[derive(Clone, Debug)]
pub struct ClientCa {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    authorities: usize,
}

/// Why a file does not say whose certificates to take.
#[derive(Debug, thiserror::Error)]
pub enum ClientCaError {
    /// It is missing, or may not be read.
    #[error("cannot read client CA file {path:?}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What it holds cannot be used.
    #[error("cannot use client CA file {path:?}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: BundleError,
    },
}

/// Why bytes are no bundle of authorities.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not PEM, or a part of it is missing.
    #[error("its PEM is broken")]
    Pem(#[source] pem::Error),
    /// Nothing in it is a certificate.
    #[error("there is no certificate in it (a part that begins -----BEGIN CERTIFICATE-----)")]
    Empty,
    /// A certificate in it is not X.509, or of a form that cannot sign others.
    #[error("certificate {position} in it cannot be an authority")]
    Certificate {
        /// Counted from 1.
        position: usize,
        /// Why not.
        source: rustls::Error,
    },
    /// The TLS library refuses them all together.
    #[error("its certificates cannot be used")]
    Verifier(#[from] VerifierBuilderError),
}

impl ClientCa {
    /// Reads the authorities of a PEM text. All of them are trusted.
    ///
    /// # Errors
    ///
    /// When there is none, or one of them cannot be used: a bundle that is taken in part refuses
    /// clients for no reason that anyone can see.
    pub fn from_pem(text: &[u8]) -> Result<Self, BundleError> {
        let mut roots = RootCertStore::empty();
        for (position, certificate) in (1..).zip(CertificateDer::pem_slice_iter(text)) {
            roots
                .add(certificate.map_err(BundleError::Pem)?)
                .map_err(|source| BundleError::Certificate { position, source })?;
        }
        if roots.is_empty() {
            return Err(BundleError::Empty);
        }
        let authorities = roots.len();
        // Named for the same reason as in `tls`.
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self {
            verifier,
            authorities,
        })
    }

    /// How many authorities it trusts.
    #[must_use]
    pub const fn authorities(&self) -> usize {
        self.authorities
    }
}

/// The file of `--client-ca`.
#[derive(Clone, Debug)]
pub struct ClientCaFile(PathBuf);

impl ClientCaFile {
    /// The file at this path, which need not exist yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Loads it, with what is needed to follow it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or holds no bundle of authorities.
    pub fn load(&self) -> Result<(ClientCa, Followed), ClientCaError> {
        let contents = self.read()?;
        Ok((self.build(&contents)?, Followed::new(&contents)))
    }

    pub(super) fn read(&self) -> Result<Contents, ClientCaError> {
        let bytes = follow::read(&self.0).map_err(|source| ClientCaError::Read {
            path: self.0.clone(),
            source,
        })?;
        Ok(vec![bytes])
    }

    pub(super) fn build(&self, contents: &Contents) -> Result<ClientCa, ClientCaError> {
        let text = contents.first().map(Vec::as_slice).unwrap_or_default();
        ClientCa::from_pem(text).map_err(|source| ClientCaError::Unusable {
            path: self.0.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::self_signed;
    use super::ClientCaFile;
    use crate::telemetry::causes::WithCauses;

    fn complaint(contents: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client-ca.crt");
        if let Some(contents) = contents {
            fs::write(&path, contents).unwrap();
        }
        let error = ClientCaFile::new(path).load().unwrap_err();
        WithCauses(&error).to_string()
    }

    fn authority() -> String {
        let now = "2026-11-24T06:00:00Z".parse().unwrap();
        self_signed::make(&[], now).unwrap().ca_pem
    }

    #[test]
    fn every_authority_of_a_bundle_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client-ca.crt");
        fs::write(&path, format!("# two\n{}\n{}", authority(), authority())).unwrap();
        let (client_ca, _) = ClientCaFile::new(path).load().unwrap();
        assert_eq!(client_ca.authorities(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_the_reason() {
        let good = authority();
        let cut = good.replace("-----END CERTIFICATE-----", "");
        let not_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let second_broken = format!("{good}{not_x509}");
        for (contents, begin, reason) in [
            (None, "cannot read", "No such file or directory"),
            (Some(""), "cannot use", "there is no certificate in it"),
            (Some("hello"), "cannot use", "there is no certificate in it"),
            (Some(&cut), "cannot use", "its PEM is broken"),
            (
                Some(not_x509),
                "cannot use",
                "certificate 1 in it cannot be an authority",
            ),
            (
                Some(&second_broken),
                "cannot use",
                "certificate 2 in it cannot be an authority",
            ),
        ] {
            let complaint = complaint(contents);
            let begin = format!("{begin} client CA file \"/");
            assert!(complaint.starts_with(&begin), "{complaint}");
            assert!(complaint.contains(reason), "{complaint}");
        }
    }
}
