//! What filters count: calls, lines, failures, and instances alive.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::FaultKind;
use crate::plugin::RefusalKind;
use linemill_telemetry::{BatchCounter, Durations, add, register};

/// Bounds of how long after its deadline a call was cut, seconds.
const OVERRUNS: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0];

/// The metrics of all filters, by filter.
#[derive(Debug)]
pub struct FilterFamilies {
    calls: Family<ByFilter, BatchCounter>,
    lines: Family<ByFilter, BatchCounter>,
    dropped: Family<ByFilter, BatchCounter>,
    failures: Family<ByFilterKind, Counter>,
    refusals: Family<ByFilterKind, Counter>,
    handovers: Family<ByFilterResult, Counter>,
    log_dropped: Family<ByFilter, Counter>,
    quarantined: Family<ByFilter, Counter>,
    instances: Family<ByFilter, Gauge>,
    breakers: Family<ByFilter, Gauge>,
    call_seconds: Family<ByFilter, Durations>,
    overrun_seconds: Family<ByFilter, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFilter {
    filter: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFilterKind {
    filter: String,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFilterResult {
    filter: String,
    result: String,
}

/// What one filter counts.
#[derive(Debug, Clone)]
pub struct FilterMetrics {
    name: String,
    /// Calls of `process`.
    pub calls: BatchCounter,
    /// Lines given to it.
    pub lines: BatchCounter,
    /// Lines it dropped by its verdict.
    pub dropped: BatchCounter,
    /// Lines for the log beyond its rate.
    pub log_dropped: Counter,
    /// Lines that its quarantine took.
    pub quarantined: Counter,
    /// Instances alive.
    pub instances: Gauge,
    /// 1 while its breaker is open.
    pub breaker_open: Gauge,
    /// Duration of calls.
    pub call_seconds: Durations,
    /// Processor time beyond the deadline of calls that were cut.
    pub overrun_seconds: Histogram,
    failures: Family<ByFilterKind, Counter>,
    handovers: Family<ByFilterResult, Counter>,
}

impl FilterFamilies {
    /// Registers them.
    pub fn new(r: &mut Registry) -> Self {
        let overruns: fn() -> Histogram = || Histogram::new(OVERRUNS);
        Self {
            calls: add(r, "filter_calls", "Calls of a filter"),
            lines: add(r, "filter_lines", "Lines given to a filter"),
            dropped: add(r, "filter_dropped", "Lines a filter dropped"),
            failures: add(
                r,
                "filter_failures",
                "Lines that failed in a filter, by kind",
            ),
            refusals: add(
                r,
                "filter_refusals",
                "Filters that a load did not put in force, by kind",
            ),
            handovers: add(
                r,
                "filter_handovers",
                "Streams whose filter with state was swapped, by what became of the state",
            ),
            log_dropped: add(
                r,
                "filter_log_dropped",
                "Lines for the log that a filter wrote beyond its rate",
            ),
            quarantined: add(
                r,
                "filter_quarantined",
                "Lines that failed in a filter and were handed to its quarantine",
            ),
            instances: add(r, "filter_instances", "Instances of a filter alive"),
            breakers: add(
                r,
                "filter_breaker_open",
                "Whether a filter is not called since it kept failing: 1 or 0",
            ),
            call_seconds: add(r, "filter_call_seconds", "Duration of a filter's calls"),
            overrun_seconds: register(
                r,
                "filter_overrun_seconds",
                "Processor time beyond its deadline of a filter's call that was cut",
                Family::new_with_constructor(overruns),
            ),
        }
    }

    /// Counts a filter that a load did not put in force.
    pub fn refused(&self, name: &str, kind: RefusalKind) {
        let label = ByFilterKind {
            filter: name.to_owned(),
            kind: kind.label().to_owned(),
        };
        self.refusals.get_or_create(&label).inc();
    }

    /// The metrics of filter `name`.
    pub fn filter(&self, name: &str) -> FilterMetrics {
        let label = ByFilter {
            filter: name.to_owned(),
        };
        FilterMetrics {
            name: name.to_owned(),
            calls: self.calls.get_or_create_owned(&label),
            lines: self.lines.get_or_create_owned(&label),
            dropped: self.dropped.get_or_create_owned(&label),
            log_dropped: self.log_dropped.get_or_create_owned(&label),
            quarantined: self.quarantined.get_or_create_owned(&label),
            instances: self.instances.get_or_create_owned(&label),
            breaker_open: self.breakers.get_or_create_owned(&label),
            call_seconds: self.call_seconds.get_or_create_owned(&label),
            overrun_seconds: self.overrun_seconds.get_or_create_owned(&label),
            failures: self.failures.clone(),
            handovers: self.handovers.clone(),
        }
    }
}

impl FilterMetrics {
    /// Counts lines that failed.
    pub fn failed(&self, kind: FaultKind, lines: u64) {
        let label = ByFilterKind {
            filter: self.name.clone(),
            kind: kind.label().to_owned(),
        };
        self.failures.get_or_create(&label).inc_by(lines);
    }

    /// Counts a stream that was swapped: its state `restored`, the old filter `kept`, or `fresh`.
    pub fn handed_over(&self, result: &str) {
        let label = ByFilterResult {
            filter: self.name.clone(),
            result: result.to_owned(),
        };
        self.handovers.get_or_create(&label).inc();
    }
}

impl Default for FilterFamilies {
    /// Metrics that no registry shows.
    fn default() -> Self {
        Self::new(&mut Registry::default())
    }
}
