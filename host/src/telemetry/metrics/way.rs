//! What one direction of a listener's connections counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::add;
use super::listener::ByListener;

#[derive(Debug)]
pub(super) struct WayFamilies {
    lines_in: Family<ByListener, Counter>,
    lines_out: Family<ByListener, Counter>,
    bytes_in: Family<ByListener, Counter>,
    bytes_out: Family<ByListener, Counter>,
}

/// What one direction of a listener's connections counts.
#[derive(Debug, Clone)]
pub struct WayMetrics {
    /// Lines framed.
    pub lines_in: Counter,
    /// Lines written.
    pub lines_out: Counter,
    /// Bytes read.
    pub bytes_in: Counter,
    /// Bytes written.
    pub bytes_out: Counter,
}

impl WayFamilies {
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

    pub(super) fn of(&self, label: &ByListener) -> WayMetrics {
        WayMetrics {
            lines_in: self.lines_in.get_or_create_owned(label),
            lines_out: self.lines_out.get_or_create_owned(label),
            bytes_in: self.bytes_in.get_or_create_owned(label),
            bytes_out: self.bytes_out.get_or_create_owned(label),
        }
    }
}
