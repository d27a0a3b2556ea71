//! Admission: what must hold of a file before anything is compiled.
//!
//! In: bytes, and what the configuration says of them. Out: [`Admitted`], which only this module
//! makes and which compiling requires, so no verb can go round these checks.
//! Not here: whether the file imports more than it is granted; that is known once it is compiled,
//! and refused before it is linked (`plugin`).

use crate::imports::Grants;
use crate::plugin::complexity::Complexity;
use crate::{Digest, Refusal, RefusalKind};
use linemill_config::settings::{FilterSettings, Limits};

/// What a file is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// The SHA-256 that the file must have; `None`: any.
    pub sha256: Option<Digest>,
    /// How complex it may be.
    pub limits: &'a Limits,
    /// What it may import.
    pub grants: Grants,
}

/// The bytes of a plugin that may be compiled.
#[derive(Debug)]
pub struct Admitted {
    bytes: Vec<u8>,
    digest: Digest,
    grants: Grants,
}

impl<'a> Admission<'a> {
    /// What the configuration of a filter says.
    pub fn of(filter: &'a FilterSettings) -> Self {
        Self {
            sha256: filter.sha256.map(Digest),
            limits: &filter.limits,
            grants: Grants::of(&filter.grant),
        }
    }

    /// Checks `bytes`.
    ///
    /// # Errors
    /// When they have another digest than the pinned one, or are too complex.
    pub fn admit(&self, bytes: Vec<u8>) -> Result<Admitted, Refusal> {
        let digest = Digest::of(&bytes);
        if let Some(pinned) = self.sha256.filter(|pinned| *pinned != digest) {
            return Err(Refusal::new(
                RefusalKind::Sha256,
                format!("its SHA-256 is {digest}, not the pinned {pinned}"),
                "put the pinned file back, or, if this one is right, its digest into `sha256`",
            ));
        }
        if let Some(refusal) = Complexity::of(&bytes).refusal(self.limits) {
            return Err(refusal);
        }
        Ok(Admitted {
            bytes,
            digest,
            grants: self.grants,
        })
    }
}

impl Admitted {
    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Their SHA-256.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the plugin may import.
    pub fn grants(&self) -> Grants {
        self.grants
    }
}
