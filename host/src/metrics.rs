//! All metrics of a host, in one registry.
//!
//! Out: the structs with which listeners, connections, sinks, filters and the reloader count, and the
//! registry that `/metrics` shows. Wired by `app` and by verbs that run a chain.
//! Not here: the metrics; each is declared next to the code that counts it.

#[cfg(test)]
mod document;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::gauge::Gauge;

use crate::connections::metrics::LineMetrics;
use crate::control::admin::certificate_metrics::CertificateExpiry;
use crate::control::admin::metrics::AdminMetrics;
use crate::control::reloader::metrics::ReloadMetrics;
use crate::control::taps::metrics::TapMetrics;
use crate::listeners::metrics::ListenerMetrics;
use crate::log::metrics::LogMetrics;
use crate::sinks::metrics::{OutputMetrics, OwnUpstreamMetrics, UpstreamMetrics};
use crate::version::{REVISION, VERSION};
use linemill_budget::MemoryMetrics;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_telemetry::{Families, Held, ProcessMetrics, Registry, registry};

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
    /// Upstreams of single connections, by listener and upstream.
    pub own_upstreams: Families<OwnUpstreamMetrics>,
    /// Certificates, by listener and key.
    pub certificates: CertificateExpiry,
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

linemill_telemetry::metrics! {
    /// The binary.
    struct BuildMetrics by "version" ("the version of linemill"), "revision" ("the commit that it was built from, or `unknown`") {
        /// Always 1; the labels say which version of linemill runs.
        #[metric("build_info", unit = "always 1")]
        info: Gauge,
    }
}

/// Keeps the series of the binary in the registry that shows it, for as long as that exists.
#[derive(Debug)]
struct Build(#[expect(dead_code, reason = "only held")] Held<BuildMetrics>);

impl Build {
    fn register(registry: &mut Registry) {
        let build = Families::<BuildMetrics>::register(registry).of_all(&[VERSION, REVISION]);
        build.info.set(1);
        registry.register_collector(Box::new(Self(build)));
    }
}

impl Collector for Build {
    fn encode(&self, _: DescriptorEncoder<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Default for Metrics {
    /// All metrics, at zero.
    fn default() -> Self {
        let mut all = Registry::default();
        ProcessMetrics::register(&mut all);
        let registry = registry(&mut all);
        Build::register(registry);
        let mut metrics = Self {
            listeners: Families::register(registry),
            lines: Families::register(registry),
            filters: Arc::new(FilterFamilies::register(registry)),
            outputs: Families::register(registry),
            upstreams: Families::register(registry),
            own_upstreams: Families::register(registry),
            certificates: CertificateExpiry::register(registry),
            reloads: ReloadMetrics::register(registry),
            admin: AdminMetrics::register(registry),
            taps: TapMetrics::register(registry),
            memory: MemoryMetrics::register(registry),
            log: LogMetrics::register(registry),
            registry: Arc::default(),
        };
        metrics.filters.register_guest_metrics(&mut all);
        metrics.registry = Arc::new(all);
        metrics
    }
}
