//! TLS of the public listeners: rustls with ring. Certificates are replaced while connections go on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// What clients may speak, as ALPN names it.
pub(super) const HTTP_2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// Why files are no certificate and its key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or has no PEM in it.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// The file has no certificate.
    #[error("{0}: no certificate in it")]
    Empty(String),
    /// They do not belong together, or are of no kind that is known.
    #[error("{certificate} and {key} are of no use: {error}")]
    Unfit {
        /// The file of the certificate.
        certificate: String,
        /// The file of the key.
        key: String,
        /// Why.
        error: rustls::Error,
    },
}

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate and those that lead to its root, in PEM.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads them.
    pub fn read(&self) -> Result<Certificate, TlsError> {
        let shown = |path: &Path| path.display().to_string();
        let unreadable = |path: &Path| {
            let path = shown(path);
            |error| TlsError::File { path, error }
        };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable(&self.certificate))?;
        if chain.is_empty() {
            return Err(TlsError::Empty(shown(&self.certificate)));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable(&self.key))?;
        let read = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let read = read.map_err(|error| TlsError::Unfit {
            certificate: shown(&self.certificate),
            key: shown(&self.key),
            error,
        })?;
        Ok(Certificate(Arc::new(read)))
    }
}

/// A certificate and its key, which belong together.
#[derive(Debug, Clone)]
pub struct Certificate(Arc<CertifiedKey>);

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert
    }
}

/// The one in use. Clones share it.
#[derive(Debug, Clone)]
pub struct CertificateInUse(Arc<ArcSwap<CertifiedKey>>);

impl CertificateInUse {
    /// With this one.
    pub fn new(certificate: Certificate) -> Self {
        Self(Arc::new(ArcSwap::new(certificate.0)))
    }

    /// From the next handshake on another one. Whether it is another one.
    pub fn replace(&self, certificate: Certificate) -> bool {
        let next = certificate.0;
        let before = self.0.swap(Arc::clone(&next));
        before.cert != next.cert
    }
}

impl ResolvesServerCert for CertificateInUse {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// What public listeners prove themselves with, and what is spoken behind it.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The certificate.
    pub certificate: CertificateInUse,
    /// Whether clients may choose HTTP/2.
    pub http2: bool,
}

/// Takes handshakes.
pub(super) fn acceptor(tls: &Tls) -> io::Result<TlsAcceptor> {
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut config = config
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(tls.certificate.clone()));
    let protocols = [tls.http2.then_some(HTTP_2), Some(HTTP_1_1)];
    config.alpn_protocols = protocols
        .into_iter()
        .flatten()
        .map(<[u8]>::to_vec)
        .collect();
    Ok(Arc::new(config).into())
}
