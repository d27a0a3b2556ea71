//! PEM files: certificates and private keys.
//!
//! In: a path. Out: what the file holds, or a [`Fault`] that says what it holds instead.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Fault;

/// Largest file read, bytes; all authorities of a system are a quarter of it.
const LARGEST: u64 = 1 << 20;

const READABLE: &str = "check the path, and that this user may read it";

/// A PEM file as read.
pub(super) struct Pem<'a> {
    path: &'a Path,
    pub(super) bytes: Vec<u8>,
}

impl<'a> Pem<'a> {
    /// Reads a whole file.
    pub(super) fn read(path: &'a Path) -> Result<Self, Fault> {
        let failed = |error| Fault::new(format!("{}: {error}", path.display()), READABLE);
        // Before opening: opening a FIFO would wait for somebody to write to it.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            let problem = format!("{} is not a regular file", path.display());
            return Err(Fault::new(problem, "name the PEM file itself"));
        }
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > LARGEST {
            let problem = format!("{} is larger than 1 MiB", path.display());
            return Err(Fault::new(problem, "name a PEM file"));
        }
        Ok(Self { path, bytes })
    }

    /// All certificates in it; at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Fault> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        let all = all.map_err(|error| self.broken(&error))?;
        if all.is_empty() {
            return Err(self.lacks("certificate"));
        }
        Ok(all)
    }

    /// The first private key in it.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Fault> {
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|error| match error {
            pem::Error::NoItemsFound => self.lacks("private key"),
            error => self.broken(&error),
        })
    }

    /// All certificates in it, as authorities to trust.
    pub(super) fn authorities(&self) -> Result<RootCertStore, Fault> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| {
                let problem = format!("{}: not an authority's certificate: {error}", self.shown());
                Fault::new(problem, "it must hold certificates in PEM, each whole")
            })?;
        }
        Ok(roots)
    }

    pub(super) fn shown(&self) -> std::path::Display<'a> {
        self.path.display()
    }

    fn broken(&self, error: &pem::Error) -> Fault {
        let hint = "the file may have been cut or edited; write it again";
        Fault::new(format!("{}: not PEM: {error}", self.shown()), hint)
    }

    /// Says what is missing, and guesses why from what is there.
    fn lacks(&self, wanted: &str) -> Fault {
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
        Fault::new(format!("{} holds no {wanted}", self.shown()), hint)
    }
}
