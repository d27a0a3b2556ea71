//! Clients by the names in their certificates.
//!
//! In: the verification of certificates by their authority, and the names that clients may have. Out:
//! a verification that also requires one of these names. Names are the DNS names of the certificate's
//! subjectAltName, as for servers (RFC 9525); its subject is not looked at.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use webpki::EndEntityCert;

use linemill_config::settings::ClientName;

/// Verifies that a client's certificate is trusted, and has one of some names.
#[derive(Debug)]
pub(super) struct NamedClients {
    trusted: Arc<dyn ClientCertVerifier>,
    names: Vec<ClientName>,
}

/// A client's certificate is trusted, but has none of the names.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} not in `client_names`", shown(.0))]
pub struct OtherClient(Vec<String>);

impl NamedClients {
    /// Of the clients that `trusted` lets in, those with one of `names`.
    pub(super) fn new(trusted: Arc<dyn ClientCertVerifier>, names: Vec<ClientName>) -> Self {
        Self { trusted, names }
    }

    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let parsed = EndEntityCert::try_from(certificate)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let is_known = |name: &str| self.names.iter().any(|known| known.matches(name));
        if parsed.valid_dns_names().any(is_known) {
            return Ok(());
        }
        let names = parsed.valid_dns_names().map(str::to_owned).collect();
        let error = OtherError(Arc::new(OtherClient(names)));
        Err(Error::InvalidCertificate(CertificateError::Other(error)))
    }
}

/// The first name of a trusted certificate that is among `names`, or the first of all if any client may
/// connect.
pub(super) fn admitted(
    certificate: &CertificateDer<'_>,
    names: Option<&[ClientName]>,
) -> Option<Box<str>> {
    let parsed = EndEntityCert::try_from(certificate).ok()?;
    let is_admitted =
        |name: &&str| names.is_none_or(|names| names.iter().any(|known| known.matches(name)));
    let mut all = parsed.valid_dns_names();
    all.find(is_admitted).map(Into::into)
}

/// The names of a certificate, as a log line has them.
fn shown(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names {
        [] => "a certificate without DNS names, which is".to_owned(),
        [name] => format!("the name {name} is"),
        names if names.len() <= SHOWN => format!("the names {} are", names.join(", ")),
        names => format!("the names {} and others are", names[..SHOWN].join(", ")),
    }
}

impl ClientCertVerifier for NamedClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.trusted.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .trusted
            .verify_client_cert(end_entity, intermediates, now)?;
        self.check(end_entity).map(|()| verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trusted.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trusted.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trusted.supported_verify_schemes()
    }
}
