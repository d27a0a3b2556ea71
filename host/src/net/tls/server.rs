//! The server's end of TLS: what a listener shows its clients, and whose certificates it trusts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{InconsistentKeys, ServerConfig};

use super::pem::Pem;
use super::{Fingerprint, fingerprint, provider};
use linemill_config::Problem;
use linemill_config::settings::Tls;

/// TLS sessions kept for clients that reconnect; the oldest are dropped first. They are kept here and
/// not in stateless tickets, so that they end with these certificates: a client accepted under a
/// former `client_ca` cannot resume its session.
const SESSIONS: usize = 1024;

/// The server's end of TLS.
pub struct Server {
    config: Arc<ServerConfig>,
    handshake_timeout: Duration,
    files: Fingerprint,
}

impl Server {
    /// Reads the files that `settings` name. If their contents are the same as those of `before`, its
    /// configuration is reused, with its sessions.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, or when the key does not belong to
    /// the certificate.
    pub fn load(settings: &Tls, before: Option<&Arc<Self>>) -> Result<Arc<Self>, Problem> {
        let handshake_timeout = settings.handshake_timeout;
        let (cert, key) = (Pem::read(&settings.cert)?, Pem::read(&settings.key)?);
        let client_ca = settings.client_ca.as_deref().map(Pem::read).transpose()?;
        let files = fingerprint([
            Some(&cert.bytes[..]),
            Some(&key.bytes[..]),
            client_ca.as_ref().map(|ca| &ca.bytes[..]),
        ]);
        let config = match before.filter(|before| before.files == files) {
            Some(same) if same.handshake_timeout == handshake_timeout => {
                return Ok(Arc::clone(same));
            }
            Some(same) => Arc::clone(&same.config),
            None => Arc::new(config(&cert, &key, client_ca.as_ref())?),
        };
        Ok(Arc::new(Self {
            config,
            handshake_timeout,
            files,
        }))
    }

    /// The configuration for handshakes.
    pub(crate) fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// Longest handshake.
    pub fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys must not get into logs.
        f.debug_struct("Server")
            .field("handshake_timeout", &self.handshake_timeout)
            .finish_non_exhaustive()
    }
}

fn config(
    cert: &Pem<'_>,
    key: &Pem<'_>,
    client_ca: Option<&Pem<'_>>,
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
            versioned.with_client_cert_verifier(verifier.map_err(|error| {
                Problem::new(
                    format!("{}: {error}", ca.shown()),
                    "name the certificates of those who sign your clients'",
                )
            })?)
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
