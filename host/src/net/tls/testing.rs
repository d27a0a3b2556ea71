//! Certificates for unit tests, in a folder of their own.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::{Client, Server};
use linemill_config::Problem;
use linemill_config::settings::{Tls, UpstreamTls};

/// A folder with `ca.pem`, and what that authority has signed.
pub(crate) struct Certificates {
    pub(crate) folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(folder.path().join("ca.pem"), certificate.pem()).expect("written");
        let issuer = Issuer::new(params, key);
        Self { folder, issuer }
    }

    /// Writes `NAME.crt` and `NAME.key`.
    pub(crate) fn sign(&self, file: &str, name: &str) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        self.write(&format!("{file}.crt"), &certificate.pem());
        self.write(&format!("{file}.key"), &key.serialize_pem());
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).expect("written");
    }

    /// Settings of a server that shows `NAME.crt`.
    pub(crate) fn tls(&self, name: &str) -> Tls {
        Tls {
            cert: self.path(&format!("{name}.crt")),
            key: self.path(&format!("{name}.key")),
            client_ca: None,
            client_names: None,
        }
    }

    /// Settings of a client that trusts this authority.
    pub(crate) fn upstream_tls(&self) -> UpstreamTls {
        UpstreamTls {
            ca: Some(self.path("ca.pem")),
            ..UpstreamTls::default()
        }
    }

    pub(crate) fn server(&self, name: &str) -> Arc<Server> {
        self.sign(name, name);
        Server::load(&self.tls(name), None, &linemill_config::Files::default()).expect("a server")
    }

    pub(crate) fn client(&self) -> Arc<Client> {
        Client::load(
            &self.upstream_tls(),
            None,
            &linemill_config::Files::default(),
        )
        .expect("a client")
    }
}

/// Refused with a problem and a hint that hold these texts.
#[track_caller]
pub(crate) fn refused<T>(found: Result<T, Problem>, problem: &str, hint: &str) {
    let found = found.err().expect("refused");
    assert!(found.what().contains(problem), "{problem}: {found:?}");
    assert!(found.hint().contains(hint), "{hint}: {found:?}");
}
