//! The metrics of filters: calls, lines, failures, handovers, refusals and instances.
//!
//! In: names of filters. Out: [`FilterMetrics`] of each, and the declarations of all metrics.
//! Not here: when each is counted (`supervise::accounting`, `filter`), and serving them.

mod counts;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::FaultKind;
use crate::RefusalKind;
use crate::guest_metrics::{DeclaredMetrics, GuestMetrics};
use crate::store::{Store, Stores};
use linemill_budget::Budget;
use linemill_telemetry::{
    BatchCounter, Declaration, Durations, EachValue, Families, Held, Metrics as _, Registry, Single,
};

/// Upper bounds of the buckets of [`Overruns`], in seconds.
const OVERRUNS: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0];

pub use counts::Counts;

/// The metrics of all filters, including filters that a load refuses.
#[derive(Debug, Default)]
pub struct FilterFamilies {
    filters: Families<FilterMetrics>,
    refusals: Families<RefusalMetrics>,
    /// Those of the filters that are in force or were loaded last, by name.
    counted: Mutex<HashMap<String, Held<RefusalMetrics>>>,
    /// What filters declare themselves.
    guest: GuestMetrics,
    /// The stores of filters, which count what they hold.
    stores: Stores,
}

impl FilterFamilies {
    /// Registers the metrics. Metrics from [`Default`] are not in any registry.
    pub fn register(registry: &mut Registry) -> Self {
        Self {
            filters: Families::register(registry),
            refusals: Families::register(registry),
            counted: Mutex::default(),
            stores: Stores::new(Families::register(registry)),
            // Under names of their own.
            guest: GuestMetrics::default(),
        }
    }

    /// The metrics of one filter. The same name gets the same series.
    pub fn of(&self, filter: &str) -> Held<FilterMetrics> {
        self.filters.of(filter)
    }

    /// Shows what filters declare themselves in this registry, whose names have no prefix yet.
    pub fn register_guest_metrics(&self, registry: &mut Registry) {
        self.guest.register(registry);
    }

    /// The metrics of the store of one filter.
    pub fn of_store(&self, filter: &str) -> Held<StoreMetrics> {
        self.stores.metrics(filter)
    }

    /// The store of one filter. A canary shares that of its filter.
    pub(crate) fn store(&self, filter: &str, budget: &Arc<Budget>) -> Arc<Store> {
        let name = filter.strip_suffix("@canary").unwrap_or(filter);
        self.stores.of(name, budget)
    }

    /// The metrics that one filter declares.
    pub(crate) fn guest_metrics(&self, filter: &str) -> DeclaredMetrics {
        self.guest.of(filter)
    }

    /// Shows how often these filters were refused, and no longer those of other filters. Refused filters
    /// have no [`FilterMetrics`] that would keep theirs.
    pub fn count_refusals_of<'a>(&self, filters: impl IntoIterator<Item = &'a str>) {
        let mut counted = self.counted();
        let all = filters.into_iter();
        let all = all.map(|name| (name.to_owned(), self.refusals.of(name)));
        // The former holds are dropped afterwards, so that counts go on.
        *counted = all.collect();
    }

    /// Counts a load that refused `filter`, which may not have started yet.
    pub fn refused(&self, filter: &str, kind: RefusalKind) {
        let mut counted = self.counted();
        let of = counted.entry(filter.to_owned());
        let of = of.or_insert_with(|| self.refusals.of(filter));
        of.refusals.of(kind).inc();
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<String, Held<RefusalMetrics>>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The declarations of all metrics of filters.
    pub fn declarations() -> Vec<Declaration> {
        [
            FilterMetrics::declarations(),
            RefusalMetrics::declarations(),
            StoreMetrics::declarations(),
        ]
        .concat()
    }
}

linemill_telemetry::metrics! {
    /// What one filter counts.
    pub struct FilterMetrics by "filter" ("the name of a filter in the configuration; versions on trial are `NAME@canary` and `NAME@shadow`") {
        /// Calls of the filter; a call processes a batch of lines.
        #[metric("filter_calls", unit = "calls")]
        pub calls: BatchCounter,
        /// Calls of the filter without lines, at times that it asked for.
        #[metric("filter_ticks", unit = "calls")]
        pub ticks: Counter,
        /// Lines given to the filter.
        #[metric("filter_lines", unit = "lines")]
        pub lines: BatchCounter,
        /// Lines that the filter dropped by its verdict.
        #[metric("filter_dropped", unit = "lines")]
        pub dropped: BatchCounter,
        /// Lines that failed in the filter, by kind of failure. `on_error` decides what happens to
        /// them.
        #[metric("filter_failures", unit = "lines")]
        pub failures: EachValue<FaultKind, Counter>,
        /// Calls that failed because the host could not make them, such as for lack of memory. Each is
        /// repeated for up to ten seconds; then the connection closes.
        #[metric("filter_host_faults", unit = "calls")]
        pub host_faults: Counter,
        /// Streams that switched to a new version of a filter that keeps state; `result` says what happened to the state.
        #[metric("filter_handovers", unit = "streams")]
        pub handovers: EachValue<HandoverResult, Counter>,
        /// Instances that gave way to a new one, as `retire` asks; `result` says what happened to the state.
        #[metric("filter_retirements", unit = "instances")]
        pub retirements: EachValue<RetirementResult, Counter>,
        /// States of streams that were lost because the instance that had them ended by a fault: what it remembered, and the lines that it held back.
        #[metric("filter_lost_states", unit = "states")]
        pub lost_states: Counter,
        /// Log messages of the filter that were discarded because it exceeded its rate.
        #[metric("filter_log_dropped", unit = "messages")]
        pub log_dropped: Counter,
        /// Lines that failed in the filter and were sent to its quarantine.
        #[metric("filter_quarantined", unit = "lines")]
        pub quarantined: Counter,
        /// Instances of the filter that exist now.
        #[metric("filter_instances", unit = "instances")]
        pub instances: Gauge,
        /// Connections whose lines are kept from the filter now, because it kept failing on them.
        #[metric("filter_suspended_connections", unit = "connections")]
        pub suspended: Gauge,
        /// 1 while the filter's circuit breaker is open, else 0.
        #[metric("filter_breaker_open", unit = "0 or 1")]
        pub breaker_open: Gauge,
        /// Duration of the filter's calls.
        #[metric("filter_call_seconds", unit = "seconds")]
        pub call_seconds: Durations,
        /// Processor time that interrupted calls used beyond their `deadline`.
        #[metric("filter_overrun_seconds", unit = "seconds")]
        pub overrun_seconds: Overruns,
    }
}

linemill_telemetry::metrics! {
    /// What is counted about the store of a filter that has one.
    pub struct StoreMetrics by "filter" ("the name of a filter in the configuration") {
        /// Keys in the filter's store, including those that have expired and not been removed yet.
        #[metric("filter_store_keys", unit = "keys")]
        pub keys: Gauge,
        /// Size of all keys and values in the filter's store.
        #[metric("filter_store_bytes", unit = "bytes")]
        pub bytes: Gauge,
        /// Writes that were refused because the store was full.
        #[metric("filter_store_full", unit = "writes")]
        pub full: Counter,
    }
}

linemill_telemetry::metrics! {
    /// What is counted about filters that a load refuses. Such a filter has no [`FilterMetrics`] yet.
    struct RefusalMetrics by "filter" ("the name of a filter in the configuration") {
        /// How often the filter was refused when a configuration was loaded, by kind.
        #[metric("filter_refusals", unit = "refusals")]
        refusals: EachValue<RefusalKind, Counter>,
    }
}

linemill_telemetry::label_values! {
    /// What happens to the state of a stream when its filter is swapped.
    pub enum HandoverResult as "result" {
        /// The new version took over the state.
        Restored = "restored",
        /// The state could not be taken over, and the stream keeps the old version
        /// (`handover = "keep-old"`).
        Kept = "kept",
        /// The state could not be taken over, and the new version starts without it.
        Fresh = "fresh",
    }
}

linemill_telemetry::label_values! {
    /// What happens to an instance that retires.
    pub enum RetirementResult as "result" {
        /// A new instance took its place, with its state if it kept any.
        Replaced = "replaced",
        /// The state could not be handed over, and the instance stays.
        Kept = "kept",
        /// The instance failed as it was asked for its state, which is lost.
        Lost = "lost",
    }
}

/// A histogram of processor time beyond a deadline, in seconds.
#[derive(Debug, Clone)]
pub struct Overruns(Histogram);

impl Overruns {
    /// Adds one overrun.
    pub fn observe(&self, seconds: f64) {
        self.0.observe(seconds);
    }
}

impl Default for Overruns {
    fn default() -> Self {
        Self(Histogram::new(OVERRUNS))
    }
}

impl EncodeMetric for Overruns {
    fn encode(&self, encoder: MetricEncoder) -> fmt::Result {
        self.0.encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Overruns {
    const TYPE: MetricType = MetricType::Histogram;
}

impl Single for Overruns {}
