//! The client's end of TLS: which upstreams the host trusts, and what it shows them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest as _, Sha256};

use super::pem::Pem;
use super::server::unusable;
use super::{Fingerprint, expiry, fingerprint, provider};
use linemill_config::settings::UpstreamTls;
use linemill_config::{Files, NO_ANSWER, Problem};

/// The client's end of TLS.
pub struct Client {
    config: Arc<ClientConfig>,
    name: Option<ServerName<'static>>,
    files: Fingerprint,
    /// When its certificate expires.
    not_after: Option<SystemTime>,
}

impl Client {
    /// Reads the files that `settings` name, as some of the `files` of a load; without a `ca`, the
    /// system's trust anchors. If their contents are the same as those of `before`, its configuration is
    /// reused, with its sessions.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should; when the key does not belong to the
    /// certificate; when the system has no trust anchors; when `name` is not a valid server name.
    pub fn load(
        settings: &UpstreamTls,
        before: Option<&Arc<Self>>,
        files: &Files,
    ) -> Result<Arc<Self>, Problem> {
        let name = settings.name.as_deref().map(server_name).transpose()?;
        let cert = settings
            .cert
            .as_deref()
            .map(|path| Pem::read(path, files))
            .transpose()?;
        let key = settings
            .key
            .as_deref()
            .map(|path| Pem::read(path, files))
            .transpose()?;
        let (roots, trusted) = match &settings.ca {
            Some(ca) => {
                let ca = Pem::read(ca, files)?;
                (ca.authorities()?, fingerprint([Some(&ca.bytes[..])]))
            }
            None => system(files)?,
        };
        let fingerprint = fingerprint([
            Some(&trusted[..]),
            cert.as_ref().map(|cert| &cert.bytes[..]),
            key.as_ref().map(|key| &key.bytes[..]),
        ]);
        let shown = cert.as_ref().map(|cert| cert.certificates()).transpose()?;
        let not_after = shown.as_deref().and_then(expiry::earliest);
        let config = match before.filter(|before| before.files == fingerprint) {
            Some(same) if same.name == name => return Ok(Arc::clone(same)),
            Some(same) => Arc::clone(&same.config),
            None => Arc::new(config(roots, cert.as_ref().zip(key.as_ref()))?),
        };
        Ok(Arc::new(Self {
            config,
            name,
            files: fingerprint,
            not_after,
        }))
    }

    /// When the certificate that upstreams see expires; `None` without one, or if it cannot be read.
    pub(crate) fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// The configuration for handshakes.
    pub(crate) fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The name that the certificate of `host` must have: `name` of the settings, or else `host`
    /// itself, an IPv6 address without brackets.
    ///
    /// # Errors
    /// When it is not a valid server name.
    pub(crate) fn name(&self, host: &str) -> Result<ServerName<'static>, Problem> {
        self.name.clone().map_or_else(|| server_name(host), Ok)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys must not get into logs.
        f.debug_struct("Client")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn config(
    roots: RootCertStore,
    identity: Option<(&Pem<'_>, &Pem<'_>)>,
) -> Result<ClientConfig, Problem> {
    let broken = |error| Problem::new(format!("TLS cannot be used: {error}"), "");
    let provider = provider();
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| Problem::new(format!("authorities: {error}"), ""))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .with_webpki_verifier(verifier);
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some((cert, key)) => builder
            .with_client_auth_cert(cert.certificates()?, key.key()?)
            .map_err(|error| unusable(cert, key, &error)),
    }
}

/// The system's trust anchors. Those that webpki cannot parse are left out.
fn system(files: &Files) -> Result<(RootCertStore, Fingerprint), Problem> {
    let place = Path::new("the authorities of this system");
    let found = files
        .ask(place, rustls_native_certs::load_native_certs)
        .map_err(|error| {
            Problem::new(format!("{}: {error}", place.display()), NO_ANSWER).passing_if(true)
        })?;
    let (mut roots, mut all) = (RootCertStore::empty(), Sha256::new());
    found.certs.iter().for_each(|one| all.update(one));
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let first = found.errors.first();
        let why = first.map_or(String::new(), |error| format!(": {error}"));
        return Err(Problem::new(
            format!("no authorities of this system were found{why}"),
            "install them (Debian: ca-certificates), or name the next hop's in to_tls = { ca = \"PATH\" }",
        ));
    }
    Ok((roots, all.finalize().into()))
}

fn server_name(text: &str) -> Result<ServerName<'static>, Problem> {
    let unbracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let bare = unbracketed
        .strip_suffix('.')
        .unwrap_or(unbracketed)
        .to_owned();
    ServerName::try_from(bare).map_err(|_| {
        Problem::new(
            format!("`{text}` cannot be the name of a server"),
            "write a DNS name or an IP address as `name`",
        )
    })
}

#[cfg(test)]
mod tests;
