//! What one direction of a listener's connections counts.

use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::listener::ByListener;
use linemill_telemetry::{BatchCounter, add};

#[derive(Debug)]
pub(super) struct PumpFamilies {
    lines_in: Family<ByListener, BatchCounter>,
    lines_out: Family<ByListener, BatchCounter>,
    bytes_in: Family<ByListener, BatchCounter>,
    bytes_out: Family<ByListener, BatchCounter>,
}

/// What one direction of a listener's connections counts.
#[derive(Debug, Clone)]
pub struct PumpMetrics {
    /// Lines framed.
    pub lines_in: BatchCounter,
    /// Lines written.
    pub lines_out: BatchCounter,
    /// Bytes read.
    pub bytes_in: BatchCounter,
    /// Bytes written.
    pub bytes_out: BatchCounter,
}

impl PumpFamilies {
    pub(super) fn new(registry: &mut Registry, prefix: &str, whence: &str) -> Self {
        let mut counter = |name: &str, help: &str| {
            let (name, help) = (format!("{prefix}{name}"), format!("{help} {whence}"));
            add(registry, &name, &help)
        };
        Self {
            lines_in: counter("lines_in", "Lines read"),
            lines_out: counter("lines_out", "Lines written that came"),
            bytes_in: counter("bytes_in", "Bytes read"),
            bytes_out: counter("bytes_out", "Bytes written that came"),
        }
    }

    pub(super) fn of(&self, label: &ByListener) -> PumpMetrics {
        PumpMetrics {
            lines_in: self.lines_in.get_or_create_owned(label),
            lines_out: self.lines_out.get_or_create_owned(label),
            bytes_in: self.bytes_in.get_or_create_owned(label),
            bytes_out: self.bytes_out.get_or_create_owned(label),
        }
    }
}
