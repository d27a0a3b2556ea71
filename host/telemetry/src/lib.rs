//! What linemill's crates count with.
//!
//! In: counts and durations from many threads. Out: metrics that `prometheus-client` encodes:
//! [`BatchCounter`], [`Durations`]; and [`Gate`], which limits log lines that would repeat.
//! Not here: which metrics there are; each is declared beside the code it counts.

mod durations;
mod gate;
mod shards;

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::{Metric, Registry};

pub use durations::Durations;
pub use gate::Gate;
pub use shards::Shards;

/// A counter that all threads count up for each batch of lines.
pub type BatchCounter = Counter<u64, Shards<AtomicU64>>;

/// Registers a metric, or a family of metrics, that begins at zero.
pub fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    register(registry, name, help, M::default())
}

/// Registers `metric`.
pub fn register<M: Metric + Clone>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    metric: M,
) -> M {
    registry.register(name, help, metric.clone());
    metric
}
