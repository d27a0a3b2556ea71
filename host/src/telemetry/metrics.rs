//! Every metric, by name, once.
//!
//! In: counts from the data plane and the control plane, through [`ListenerMetrics`],
//! [`FilterMetrics`] and [`OutputMetrics`], whose counters are looked up when a chain is built and
//! never per line. Out: OpenMetrics text, which Prometheus reads. Durations are in seconds, sizes in
//! bytes.

mod listener;
mod output;
mod pump;

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use linemill_sandbox::metrics::{FilterFamilies, FilterMetrics};
use linemill_sandbox::plugin::RefusalKind;
use linemill_telemetry::add;
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
    filters: FilterFamilies,
    outputs: OutputFamilies,
    generation: Gauge,
    swapped_at: Gauge,
    old_generations: Gauge,
    rollbacks: Counter,
    reloads: Family<ByResult, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    result: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("linemill");
        let r = &mut registry;
        Self {
            listeners: ListenerFamilies::new(r),
            filters: FilterFamilies::new(r),
            outputs: OutputFamilies::new(r),
            generation: add(r, "generation", "Number of the chains in force"),
            swapped_at: add(
                r,
                "generation_timestamp_seconds",
                "When they were put in place",
            ),
            old_generations: add(
                r,
                "old_generations",
                "Generations that connections still use although another is in force",
            ),
            rollbacks: add(
                r,
                "rollbacks",
                "Generations that were rolled back because a filter failed",
            ),
            reloads: add(r, "reloads", "Reloads of the configuration, by result"),
            registry,
        }
    }

    /// The counters of listener `name`.
    pub fn listener(&self, name: &str) -> ListenerMetrics {
        self.listeners.of(name)
    }

    /// The counters of filter `name`.
    pub fn filter(&self, name: &str) -> FilterMetrics {
        self.filters.filter(name)
    }

    /// The counters of the output `name`, which says where it goes.
    pub fn output(&self, name: &str) -> OutputMetrics {
        self.outputs.of(name)
    }

    /// Counts a filter that was not put in force.
    pub fn filter_refused(&self, name: &str, kind: RefusalKind) {
        self.filters.refused(name, kind);
    }

    /// Counts a reload: `applied`, `unchanged` or `refused`.
    pub fn reloaded(&self, result: &str) {
        self.reloads
            .get_or_create(&ByResult {
                result: result.to_owned(),
            })
            .inc();
    }

    /// Notes which generation is in force, as of now.
    pub fn in_force(&self, generation: u64) {
        self.generation.set(generation.cast_signed());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.swapped_at
            .set(now.map_or(0, |since| since.as_secs().cast_signed()));
    }

    /// Counts a rollback that nobody asked for.
    pub fn rolled_back(&self) {
        self.rollbacks.inc();
    }

    /// Notes how many generations are in use although another is in force.
    pub fn old_generations(&self, held: usize) {
        self.old_generations
            .set(i64::try_from(held).unwrap_or(i64::MAX));
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
