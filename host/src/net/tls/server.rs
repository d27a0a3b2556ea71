//! The server's end of TLS: what a listener shows its clients, and whose certificates it trusts.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{InconsistentKeys, ServerConfig};

use super::client_names::{self, NamedClients};
use super::pem::Pem;
use super::{Fingerprint, expiry, fingerprint, provider};
use linemill_config::settings::{ClientName, Tls};
use linemill_config::{Files, Problem};

/// TLS sessions kept for clients that reconnect; the oldest are dropped first. They are kept here and
/// not in stateless tickets, so that they end with these certificates: a client accepted under a
/// former `client_ca` cannot resume its session.
const SESSIONS: usize = 1024;

/// The server's end of TLS.
pub struct Server {
    config: Arc<ServerConfig>,
    /// Names that clients may have; `None` for any.
    client_names: Option<Vec<ClientName>>,
    files: Fingerprint,
    /// When its certificate expires.
    not_after: Option<SystemTime>,
}

impl Server {
    /// Reads the files that `settings` name, as some of the `files` of a load. If their contents are the
    /// same as those of `before`, and the same clients are let in, that is returned, with its sessions.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, or when the key does not belong to
    /// the certificate.
    pub fn load(
        settings: &Tls,
        before: Option<&Arc<Self>>,
        files: &Files,
    ) -> Result<Arc<Self>, Problem> {
        let client_names = settings.client_names.clone();
        let (cert, key) = (
            Pem::read(&settings.cert, files)?,
            Pem::read(&settings.key, files)?,
        );
        let client_ca = settings
            .client_ca
            .as_deref()
            .map(|path| Pem::read(path, files))
            .transpose()?;
        let fingerprint = fingerprint([
            Some(&cert.bytes[..]),
            Some(&key.bytes[..]),
            client_ca.as_ref().map(|ca| &ca.bytes[..]),
        ]);
        let is_same = |before: &&Arc<Self>| {
            before.files == fingerprint && before.client_names == client_names
        };
        if let Some(same) = before.filter(is_same) {
            return Ok(Arc::clone(same));
        }
        let config = config(&cert, &key, client_ca.as_ref(), client_names.as_deref())?;
        let not_after = expiry::earliest(&cert.certificates()?);
        Ok(Arc::new(Self {
            config: Arc::new(config),
            client_names,
            files: fingerprint,
            not_after,
        }))
    }

    /// When the certificate expires, the earliest of its file; `None` if it cannot be read.
    pub(crate) fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// The name by which a client was admitted that has shown `certificate`.
    pub(crate) fn client_name(&self, certificate: &CertificateDer<'_>) -> Option<Box<str>> {
        client_names::admitted(certificate, self.client_names.as_deref())
    }

    /// The configuration for handshakes.
    pub(crate) fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys must not get into logs.
        f.debug_struct("Server")
            .field("client_names", &self.client_names)
            .finish_non_exhaustive()
    }
}

fn config(
    cert: &Pem<'_>,
    key: &Pem<'_>,
    client_ca: Option<&Pem<'_>>,
    client_names: Option<&[ClientName]>,
) -> Result<ServerConfig, Problem> {
    let provider = provider();
    let versioned = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::new(format!("TLS cannot be used: {error}"), ""))?;
    let builder = match client_ca {
        None => versioned.with_no_client_auth(),
        Some(ca) => {
            let roots = Arc::new(ca.authorities()?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            let trusted = verifier.map_err(|error| {
                Problem::new(
                    format!("{}: {error}", ca.shown()),
                    "name the certificates of those who sign your clients'",
                )
            })?;
            versioned.with_client_cert_verifier(match client_names {
                None => trusted,
                Some(names) => Arc::new(NamedClients::new(trusted, names.to_vec())),
            })
        }
    };
    let chain = builder.with_single_cert(cert.certificates()?, key.key()?);
    let mut config = chain.map_err(|error| unusable(cert, key, &error))?;
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// Why a certificate cannot be shown with a key.
pub(super) fn unusable(cert: &Pem<'_>, key: &Pem<'_>, error: &rustls::Error) -> Problem {
    let (cert, key) = (cert.shown(), key.shown());
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Problem::new(
            format!("{key}: this is not the private key of the certificate in {cert}"),
            "name the two files that were made together; the server's own certificate comes first in its file",
        ),
        rustls::Error::InvalidCertificate(_) => Problem::new(
            format!("{cert}: {error}"),
            "the first certificate in the file cannot be read; write it again",
        ),
        _ => Problem::new(
            format!("{key}: {error}"),
            "use an RSA key of 2048 to 8192 bits, ECDSA with P-256 or P-384, or Ed25519",
        ),
    }
}

#[cfg(test)]
mod tests;
