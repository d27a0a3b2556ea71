//! When certificates expire, as metrics.
//!
//! In: the generation in force, when metrics are read. Out: a series for each certificate that a listener
//! shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use prometheus_client::metrics::gauge::Gauge;

use crate::generation::Generation;
use linemill_telemetry::{Families, Held, Registry};

linemill_telemetry::metrics! {
    /// One certificate that a listener shows.
    pub struct CertificateMetrics by "listener" ("the listener's `name`"), "key" ("the key that names the certificate: `tls`, which clients see, or `to_tls`, which upstreams see") {
        /// When the certificate expires, as Unix time: the earliest end among the certificates of its file.
        #[metric("certificate_not_after_timestamp_seconds", unit = "seconds")]
        not_after: Gauge,
    }
}

/// The series of all certificates. Clones share them.
#[derive(Debug, Clone)]
pub struct CertificateExpiry {
    families: Families<CertificateMetrics>,
    /// Of the generation that was in force when metrics were last read.
    shown: Arc<Mutex<Vec<Held<CertificateMetrics>>>>,
}

impl CertificateExpiry {
    /// Registers the metrics.
    pub fn register(registry: &mut Registry) -> Self {
        Self {
            families: Families::register(registry),
            shown: Arc::default(),
        }
    }

    #[cfg(test)]
    pub(crate) fn of(&self, listener: &str, key: &str) -> Held<CertificateMetrics> {
        self.families.of_all(&[listener, key])
    }

    /// Shows the certificates of a generation, and no others.
    pub fn show(&self, generation: &Generation) {
        let certificates = generation.certificates().map(|certificate| {
            let series = self
                .families
                .of_all(&[certificate.listener, certificate.key]);
            let end = certificate.not_after.duration_since(UNIX_EPOCH);
            series
                .not_after
                .set(end.map_or(0, |end| end.as_secs().cast_signed()));
            series
        });
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = certificates.collect();
    }
}
