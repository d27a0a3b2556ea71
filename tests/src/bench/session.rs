//! TLS of the bench: one certificate for all servers, and both ends of a session.
//!
//! In: a folder for PEM files. Out: the server's certificate, and a client that trusts it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use linemill_tests::Folder;
use linemill_tests::tls::Authority;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// Writes `server.crt` and `server.key` to `folder`. Returns a client configuration that trusts them.
pub(crate) fn identity(folder: &Folder) -> Arc<ClientConfig> {
    let authority = Authority::new();
    authority.server().write(folder, "server");
    authority.trusting_client(None)
}

/// The server's side, from the files in `folder`.
pub(crate) fn acceptor(folder: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(folder.join("server.crt"))
        .and_then(Iterator::collect)
        .context("server.crt")?;
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).context("server.key")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The name that the certificate is for.
pub(crate) fn name() -> ServerName<'static> {
    ServerName::IpAddress(std::net::IpAddr::from([127, 0, 0, 1]).into())
}
