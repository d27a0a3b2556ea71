//! All metrics of a host, in one registry.
//!
//! Out: the structs with which listeners, connections, sinks, filters and the reloader count, and the
//! registry that `/metrics` shows. Wired by `app` and by verbs that run a chain.
//! Not here: the metrics; each is declared next to the code that counts it.

#[cfg(test)]
mod document;

use std::sync::Arc;

use crate::connections::metrics::LineMetrics;
use crate::control::admin::metrics::AdminMetrics;
use crate::control::reloader::metrics::ReloadMetrics;
use crate::control::taps::metrics::TapMetrics;
use crate::listeners::metrics::ListenerMetrics;
use crate::log::metrics::LogMetrics;
use crate::sinks::metrics::{OutputMetrics, UpstreamMetrics};
use linemill_budget::MemoryMetrics;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_telemetry::{Families, Registry, registry};

/// All metrics of a host.
#[derive(Debug)]
pub struct Metrics {
    /// What `/metrics` shows.
    pub registry: Arc<Registry>,
    /// Connections, by listener.
    pub listeners: Families<ListenerMetrics>,
    /// Lines, by listener.
    pub lines: Families<LineMetrics>,
    /// By filter.
    pub filters: Arc<FilterFamilies>,
    /// Shared sinks, by destination.
    pub outputs: Families<OutputMetrics>,
    /// Upstreams of shared sinks, by destination and upstream.
    pub upstreams: Families<UpstreamMetrics>,
    /// Reloads and the generation in force.
    pub reloads: ReloadMetrics,
    /// The admin address.
    pub admin: AdminMetrics,
    /// Taps.
    pub taps: TapMetrics,
    /// The memory of the host.
    pub memory: MemoryMetrics,
    /// The log.
    pub log: LogMetrics,
}

impl Default for Metrics {
    /// All metrics, at zero.
    fn default() -> Self {
        let mut registry = registry();
        Self {
            listeners: Families::register(&mut registry),
            lines: Families::register(&mut registry),
            filters: Arc::new(FilterFamilies::register(&mut registry)),
            outputs: Families::register(&mut registry),
            upstreams: Families::register(&mut registry),
            reloads: ReloadMetrics::register(&mut registry),
            admin: AdminMetrics::register(&mut registry),
            taps: TapMetrics::register(&mut registry),
            memory: MemoryMetrics::register(&mut registry),
            log: LogMetrics::register(&mut registry),
            registry: Arc::new(registry),
        }
    }
}
