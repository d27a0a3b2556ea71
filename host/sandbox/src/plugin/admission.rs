//! Admission: the checks that a plugin must pass before it is compiled.
//!
//! In: a plugin's bytes, and the settings of its filter. Out: [`Admitted`]. Only this module creates
//! one and compiling requires one, so no code can bypass the checks.
//! Not here: whether the plugin imports more than it is granted. That is known only after compiling,
//! and checked before linking (`plugin`).

use crate::imports::Grants;
use crate::plugin::complexity::Complexity;
use crate::{Digest, Refusal, RefusalKind};
use linemill_config::settings::{FilterSettings, Limits};

/// The requirements that a plugin is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// The SHA-256 that the file must have; `None`: any.
    pub sha256: Option<Digest>,
    /// How complex the plugin may be.
    pub limits: &'a Limits,
    /// The plugin's grants. Not checked here, but passed on to linking.
    pub grants: Grants,
}

/// A plugin that passed the checks and may be compiled.
#[derive(Debug)]
pub struct Admitted {
    bytes: Vec<u8>,
    digest: Digest,
    grants: Grants,
}

impl<'a> Admission<'a> {
    /// The checks that the settings of a filter require.
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
    /// When their digest is not the pinned one, or the component is too complex.
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

    /// The file's SHA-256.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The plugin's grants.
    pub fn grants(&self) -> Grants {
        self.grants
    }
}
