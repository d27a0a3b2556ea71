//! Certificates made for a test, and both ends of TLS that use them.
//!
//! In: a folder for PEM files. Out: authorities, certificates signed by them, and rustls
//! configurations for [`Client::connect_tls`](crate::Client::connect_tls) and
//! [`Upstream::tls`](crate::Upstream::tls). Each call creates new keys. Not here: expired or otherwise
//! invalid certificates.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::Folder;

/// An authority that signs certificates.
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    /// Creates an authority that nothing trusts yet.
    pub fn new() -> Self {
        let mut params = named("linemill test authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for a server named `localhost` and 127.0.0.1.
    pub fn server(&self) -> Identity {
        self.server_of(&["localhost", "127.0.0.1"])
    }

    /// A certificate for a server with these names.
    pub fn server_of(&self, names: &[&str]) -> Identity {
        let params = named(names[0], names);
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client.
    pub fn client(&self) -> Identity {
        self.client_of(&["client"])
    }

    /// A certificate for a client with these names.
    pub fn client_of(&self, names: &[&str]) -> Identity {
        let params = named("a client", names);
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Identity {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity { certificate, key }
    }

    /// Writes the certificate of the authority to a file; returns its path.
    pub fn write(&self, folder: &Folder, name: &str) -> PathBuf {
        folder.write(name, self.certificate.pem())
    }

    /// Configuration of a client that trusts this authority, and presents `identity` when asked.
    pub fn trusting_client(&self, identity: Option<&Identity>) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider knows them")
            .with_root_certificates(self.roots());
        Arc::new(match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain(), identity.key())
                .expect("the key fits"),
        })
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate.der().clone())
            .expect("an authority's certificate");
        roots
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// The certificate, as a peer receives it.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// Writes certificate and key over the files `NAME.crt` and `NAME.key` in `folder`.
    pub fn write(&self, folder: &Folder, name: &str) {
        folder.replace(&format!("{name}.crt"), self.certificate.pem());
        folder.replace(&format!("{name}.key"), self.key.serialize_pem());
    }

    /// Configuration of a server that presents this certificate. With `clients`, it requires client
    /// certificates signed by that authority.
    pub fn server(&self, clients: Option<&Authority>) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider knows them");
        let with_clients = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(
                    Arc::new(authority.roots()),
                    provider(),
                )
                .build()
                .expect("an authority is enough"),
            ),
        };
        let config = with_clients.with_single_cert(self.chain(), self.key());
        Arc::new(config.expect("the key fits"))
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate()]
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn named(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
    let mut params = CertificateParams::new(names).expect("names and addresses");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::Authority;
    use crate::{Client, Upstream};

    #[test]
    fn client_and_server_exchange_data_and_certificates() {
        let authority = Authority::new();
        let (server, client) = (authority.server(), authority.client());
        let upstream = Upstream::tls(&server.server(Some(&authority)));
        let config = authority.trusting_client(Some(&client));
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut accepted = upstream.accept();
                assert_eq!(accepted.certificate(), Some(client.certificate()));
                accepted.expect(b"question");
                accepted.expect_end();
                accepted.send(b"answer");
                accepted.finish();
            });
            let mut connection =
                Client::connect_tls(upstream.address(), &config).expect("a handshake");
            assert_eq!(connection.certificate(), Some(server.certificate()));
            assert_eq!(connection.exchange(b"question"), b"answer");
        });
    }

    #[test]
    fn a_truncation_differs_from_an_end() {
        let authority = Authority::new();
        let upstream = Upstream::tls(&authority.server().server(None));
        let config = authority.trusting_client(None);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut accepted = upstream.accept();
                let (rest, end) = accepted.rest_until_end();
                assert_eq!(rest, b"question");
                let error = end.expect_err("a truncation is not an end");
                assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
            });
            let mut connection =
                Client::connect_tls(upstream.address(), &config).expect("a handshake");
            connection.send(b"question");
            connection.cut();
        });
    }

    #[test]
    fn another_authority_is_not_trusted() {
        let (authority, stranger) = (Authority::new(), Authority::new());
        let upstream = Upstream::tls(&stranger.server().server(None));
        let config = authority.trusting_client(None);
        thread::scope(|scope| {
            scope.spawn(|| {
                upstream.expect_refused_handshake(&stranger.server().server(None));
            });
            Client::connect_tls(upstream.address(), &config).expect_err("another authority");
        });
    }
}
