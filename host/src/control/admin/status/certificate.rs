//! What `/status` says about certificates.

use serde::{Deserialize, Serialize};

use super::time;
use crate::generation::Generation;

/// A certificate that a listener shows to its clients or to its upstreams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateStatus {
    /// The listener.
    pub listener: String,
    /// The key that names it: `tls` or `to_tls`.
    pub key: String,
    /// When it expires: the earliest end among the certificates of its file.
    pub not_after: String,
}

/// The certificates of a generation, those that expire first before the others.
pub(super) fn certificates(generation: &Generation) -> Vec<CertificateStatus> {
    let mut all: Vec<_> = generation.certificates().collect();
    all.sort_by_key(|certificate| certificate.not_after);
    let status = all.into_iter().map(|certificate| CertificateStatus {
        listener: certificate.listener.to_owned(),
        key: certificate.key.to_owned(),
        not_after: time(certificate.not_after),
    });
    status.collect()
}
