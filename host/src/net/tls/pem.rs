//! PEM files: certificates and private keys.
//!
//! In: a path. Out: the certificates or key in the file, or a [`Problem`] that says what the file
//! contains instead.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use linemill_config::{Files, NO_ANSWER, Problem, ReadError};

/// The largest file read, in bytes; four times the size of a usual system-wide bundle.
const LARGEST: u64 = 1 << 20;

const READABLE: &str = "check the path, and that this user may read it";

/// A PEM file, read whole.
pub(super) struct Pem<'a> {
    path: &'a Path,
    pub(super) bytes: Vec<u8>,
}

impl<'a> Pem<'a> {
    /// Reads a whole file, as one of the `files` of a load.
    pub(super) fn read(path: &'a Path, files: &Files) -> Result<Self, Problem> {
        let bytes = files.read(path, LARGEST).map_err(|error| {
            let shown = path.display();
            let is_passing = error.is_shortage();
            let about_descriptors = error.hint_about_descriptors();
            let problem = match error {
                ReadError::System(error) => Problem::new(
                    format!("{shown}: {error}"),
                    about_descriptors.unwrap_or(READABLE),
                ),
                ReadError::Folder | ReadError::NotRegular => Problem::new(
                    format!("{shown} is not a regular file"),
                    "name the PEM file itself",
                ),
                ReadError::TooLarge(_) => {
                    Problem::new(format!("{shown} is larger than 1 MiB"), "name a PEM file")
                }
                ReadError::NoAnswer(error) => Problem::new(format!("{shown}: {error}"), NO_ANSWER),
            };
            problem.passing_if(is_passing)
        })?;
        Ok(Self { path, bytes })
    }

    /// All certificates in the file, at least one.
    ///
    /// # Errors
    /// When there is none, or one is broken.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Problem> {
        let all = CertificateDer::pem_slice_iter(&self.bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| self.broken(&error))?;
        if all.is_empty() {
            return Err(self.lacks("certificate"));
        }
        Ok(all)
    }

    /// The first private key in the file.
    ///
    /// # Errors
    /// When there is none, or it is broken.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Problem> {
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|error| match error {
            pem::Error::NoItemsFound => self.lacks("private key"),
            error => self.broken(&error),
        })
    }

    /// All certificates in the file, as trust anchors.
    ///
    /// # Errors
    /// When there is none, or one is broken or not an authority's.
    pub(super) fn authorities(&self) -> Result<RootCertStore, Problem> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| {
                let problem = format!("{}: not an authority's certificate: {error}", self.shown());
                Problem::new(problem, "it must hold certificates in PEM, each whole")
            })?;
        }
        Ok(roots)
    }

    pub(super) fn shown(&self) -> std::path::Display<'a> {
        self.path.display()
    }

    fn broken(&self, error: &pem::Error) -> Problem {
        let hint = "the file may have been cut or edited; write it again";
        Problem::new(format!("{}: not PEM: {error}", self.shown()), hint)
    }

    /// Says what is missing, and guesses why from what is there.
    fn lacks(&self, wanted: &str) -> Problem {
        let text = String::from_utf8_lossy(&self.bytes);
        let holds = |kind| {
            let mut sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(&self.bytes);
            sections.any(|section| section.is_ok_and(|(found, _)| found == kind))
        };
        let hint = if self.bytes.first() == Some(&0x30) {
            "it looks like DER; turn it into PEM with `openssl x509 -inform der` or `openssl pkey -inform der`"
        } else if wanted == "private key" && text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        {
            "its key is encrypted, and the host has nobody to ask for the password: decrypt it with `openssl pkey`"
        } else if wanted == "private key" && holds(SectionKind::Certificate) {
            "it holds a certificate; `key` must name the file with the private key"
        } else if wanted == "certificate" && text.contains("PRIVATE KEY-----") {
            "it holds a private key; that file belongs to `key`"
        } else {
            "it must hold lines such as -----BEGIN CERTIFICATE----- or -----BEGIN PRIVATE KEY-----"
        };
        Problem::new(format!("{} holds no {wanted}", self.shown()), hint)
    }
}
