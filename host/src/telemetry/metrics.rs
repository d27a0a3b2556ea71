//! Every metric, by name, once.
//!
//! In: counts from the data plane and the control plane, through [`ListenerMetrics`],
//! [`FilterMetrics`] and [`OutputMetrics`], whose counters are looked up when a chain is built and
//! never per line. Out: OpenMetrics text, which Prometheus reads. Durations are in seconds, sizes in
//! bytes.

mod listener;
mod output;
mod pump;

use crate::control::reloader::metrics::ReloadMetrics;
use linemill_sandbox::metrics::{FilterFamilies, FilterMetrics};
use linemill_telemetry::{Registry, registry};
use listener::ListenerFamilies;
pub use listener::{ListenerMetrics, Refused};
use output::OutputFamilies;
pub use output::OutputMetrics;
pub use pump::PumpMetrics;

/// All metrics of a host.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    listeners: ListenerFamilies,
    /// Of filters.
    pub filters: FilterFamilies,
    outputs: OutputFamilies,
    /// Of the reloader.
    pub reloads: ReloadMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let mut registry = registry();
        let r = &mut registry;
        Self {
            listeners: ListenerFamilies::new(r),
            filters: FilterFamilies::register(r),
            outputs: OutputFamilies::new(r),
            reloads: ReloadMetrics::register(r),
            registry,
        }
    }

    /// The counters of listener `name`.
    pub fn listener(&self, name: &str) -> ListenerMetrics {
        self.listeners.of(name)
    }

    /// The counters of filter `name`.
    pub fn filter(&self, name: &str) -> FilterMetrics {
        self.filters.of(name)
    }

    /// The counters of the output `name`, which says where it goes.
    pub fn output(&self, name: &str) -> OutputMetrics {
        self.outputs.of(name)
    }

    /// All metrics as OpenMetrics text.
    ///
    /// # Errors
    /// None in practice: writing to a string does not fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
