//! Every metric, by name, once.
//!
//! In: counts from the data plane and the control plane, through [`ListenerMetrics`] and
//! [`FilterMetrics`], whose counters are looked up when a chain is built and never per line.
//! Out: OpenMetrics text, which Prometheus reads. Durations are in seconds, sizes in bytes.

mod output;

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

use crate::generation::Side;
use output::OutputFamilies;
pub use output::OutputMetrics;

/// Bounds of how long after its deadline a call was cut, seconds.
const OVERRUNS: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0];

/// All metrics of a host.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    connections: Family<ByListener, Gauge>,
    accepted: Family<ByListener, Counter>,
    refused: Family<ByListenerReason, Counter>,
    closed: Family<ByListenerReason, Counter>,
    /// From clients, and from next hops.
    ways: [WayFamilies; 2],
    oversized: Family<ByListener, Counter>,
    dropped: Family<ByListenerReason, Counter>,
    calls: Family<ByFilter, Counter>,
    filter_lines: Family<ByFilter, Counter>,
    filter_dropped: Family<ByFilter, Counter>,
    failures: Family<ByFilterKind, Counter>,
    handovers: Family<ByFilterResult, Counter>,
    log_dropped: Family<ByFilter, Counter>,
    quarantined: Family<ByFilter, Counter>,
    instances: Family<ByFilter, Gauge>,
    breakers: Family<ByFilter, Gauge>,
    call_seconds: Family<ByFilter, Histogram, fn() -> Histogram>,
    overrun_seconds: Family<ByFilter, Histogram, fn() -> Histogram>,
    outputs: OutputFamilies,
    generation: Gauge,
    swapped_at: Gauge,
    old_generations: Gauge,
    rollbacks: Counter,
    reloads: Family<ByResult, Counter>,
}

#[derive(Debug)]
struct WayFamilies {
    lines_in: Family<ByListener, Counter>,
    lines_out: Family<ByListener, Counter>,
    bytes_in: Family<ByListener, Counter>,
    bytes_out: Family<ByListener, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByListener {
    listener: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByListenerReason {
    listener: String,
    reason: String,
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    result: String,
}

/// What one listener counts.
#[derive(Debug, Clone)]
pub struct ListenerMetrics {
    name: String,
    /// Connections open now.
    pub connections: Gauge,
    /// Connections taken.
    pub accepted: Counter,
    refused: [Counter; Refused::ALL.len()],
    forward: WayMetrics,
    back: WayMetrics,
    /// Lines longer than `max_line`, whatever became of them.
    pub oversized: Counter,
    /// Unterminated rests left out: `partial = "drop"`, or the connection broke.
    pub dropped_partial: Counter,
    /// Lines left out for their length.
    pub dropped_oversize: Counter,
    /// Lines read but not written because the connection ended first.
    pub dropped_closed: Counter,
    /// Lines that the next hop of the connection's own did not take.
    pub dropped_next_hop: Counter,
    /// Lines that `to_framing` cannot hold.
    pub dropped_framing: Counter,
    /// Copies that a `tee` had no room for.
    pub dropped_tee: Counter,
    closed: Family<ByListenerReason, Counter>,
}

/// Why a connection is closed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// `max_connections` are open.
    Full,
    /// `max_per_address` of its address are.
    Address,
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

/// What one filter counts.
#[derive(Debug, Clone)]
pub struct FilterMetrics {
    name: String,
    /// Calls of `process`.
    pub calls: Counter,
    /// Lines given to it.
    pub lines: Counter,
    /// Lines it dropped by its verdict.
    pub dropped: Counter,
    /// Lines for the log beyond its rate.
    pub log_dropped: Counter,
    /// Lines that its quarantine took.
    pub quarantined: Counter,
    /// Instances alive.
    pub instances: Gauge,
    /// 1 while its breaker is open.
    pub breaker_open: Gauge,
    /// Duration of calls.
    pub call_seconds: Histogram,
    /// Processor time beyond the deadline of calls that were cut.
    pub overrun_seconds: Histogram,
    failures: Family<ByFilterKind, Counter>,
    handovers: Family<ByFilterResult, Counter>,
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
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(1e-6, 4.0, 11));
        let overruns: fn() -> Histogram = || Histogram::new(OVERRUNS);
        Self {
            connections: add(r, "connections", "Connections open", Family::default()),
            accepted: add(
                r,
                "connections_accepted",
                "Connections taken",
                Family::default(),
            ),
            refused: add(
                r,
                "connections_refused",
                "Connections closed at once, by reason",
                Family::default(),
            ),
            closed: add(
                r,
                "connections_closed",
                "Connections ended, by reason",
                Family::default(),
            ),
            ways: [
                WayFamilies::new(r, "", "from clients"),
                WayFamilies::new(r, "reply_", "from next hops"),
            ],
            oversized: add(
                r,
                "lines_oversized",
                "Lines longer than max_line",
                Family::default(),
            ),
            dropped: add(
                r,
                "lines_dropped",
                "Lines left out by the host, by reason",
                Family::default(),
            ),
            calls: add(r, "filter_calls", "Calls of a filter", Family::default()),
            filter_lines: add(
                r,
                "filter_lines",
                "Lines given to a filter",
                Family::default(),
            ),
            filter_dropped: add(
                r,
                "filter_dropped",
                "Lines a filter dropped",
                Family::default(),
            ),
            failures: add(
                r,
                "filter_failures",
                "Lines that failed in a filter, by kind",
                Family::default(),
            ),
            handovers: add(
                r,
                "filter_handovers",
                "Streams whose filter with state was swapped, by what became of the state",
                Family::default(),
            ),
            log_dropped: add(
                r,
                "filter_log_dropped",
                "Lines for the log that a filter wrote beyond its rate",
                Family::default(),
            ),
            quarantined: add(
                r,
                "filter_quarantined",
                "Lines that failed in a filter and were handed to its quarantine",
                Family::default(),
            ),
            instances: add(
                r,
                "filter_instances",
                "Instances of a filter alive",
                Family::default(),
            ),
            breakers: add(
                r,
                "filter_breaker_open",
                "Whether a filter is not called since it kept failing: 1 or 0",
                Family::default(),
            ),
            call_seconds: add(
                r,
                "filter_call_seconds",
                "Duration of a filter's calls",
                Family::new_with_constructor(seconds),
            ),
            overrun_seconds: add(
                r,
                "filter_overrun_seconds",
                "Processor time beyond its deadline of a filter's call that was cut",
                Family::new_with_constructor(overruns),
            ),
            outputs: OutputFamilies::new(r),
            generation: add(
                r,
                "generation",
                "Number of the chains in force",
                Gauge::default(),
            ),
            swapped_at: add(
                r,
                "generation_timestamp_seconds",
                "When they were put in place",
                Gauge::default(),
            ),
            old_generations: add(
                r,
                "old_generations",
                "Generations that connections still use although another is in force",
                Gauge::default(),
            ),
            rollbacks: add(
                r,
                "rollbacks",
                "Generations that were rolled back because a filter failed",
                Counter::default(),
            ),
            reloads: add(
                r,
                "reloads",
                "Reloads of the configuration, by result",
                Family::default(),
            ),
            registry,
        }
    }

    /// The counters of listener `name`.
    pub fn listener(&self, name: &str) -> ListenerMetrics {
        let label = ByListener {
            listener: name.to_owned(),
        };
        let dropped = |reason: &str| {
            let label = ByListenerReason {
                listener: name.to_owned(),
                reason: reason.to_owned(),
            };
            self.dropped.get_or_create_owned(&label)
        };
        ListenerMetrics {
            name: name.to_owned(),
            connections: self.connections.get_or_create_owned(&label),
            accepted: self.accepted.get_or_create_owned(&label),
            refused: Refused::ALL.map(|reason| {
                let label = ByListenerReason {
                    listener: name.to_owned(),
                    reason: reason.label().to_owned(),
                };
                self.refused.get_or_create_owned(&label)
            }),
            forward: self.ways[0].of(&label),
            back: self.ways[1].of(&label),
            oversized: self.oversized.get_or_create_owned(&label),
            dropped_partial: dropped("partial"),
            dropped_oversize: dropped("oversize"),
            dropped_closed: dropped("closed"),
            dropped_next_hop: dropped("next_hop"),
            dropped_framing: dropped("framing"),
            dropped_tee: dropped("tee"),
            closed: self.closed.clone(),
        }
    }

    /// The counters of the output `name`, which says where it goes.
    pub fn output(&self, name: &str) -> OutputMetrics {
        self.outputs.of(name)
    }

    /// The counters of filter `name`.
    pub fn filter(&self, name: &str) -> FilterMetrics {
        let label = ByFilter {
            filter: name.to_owned(),
        };
        FilterMetrics {
            name: name.to_owned(),
            calls: self.calls.get_or_create_owned(&label),
            lines: self.filter_lines.get_or_create_owned(&label),
            dropped: self.filter_dropped.get_or_create_owned(&label),
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

impl WayFamilies {
    fn new(registry: &mut Registry, prefix: &str, whence: &str) -> Self {
        let mut counter = |name: &str, help: &str| {
            let (name, help) = (format!("{prefix}{name}"), format!("{help} {whence}"));
            add(registry, &name, &help, Family::default())
        };
        Self {
            lines_in: counter("lines_in", "Lines read"),
            lines_out: counter("lines_out", "Lines written that came"),
            bytes_in: counter("bytes_in", "Bytes read"),
            bytes_out: counter("bytes_out", "Bytes written that came"),
        }
    }

    fn of(&self, label: &ByListener) -> WayMetrics {
        WayMetrics {
            lines_in: self.lines_in.get_or_create_owned(label),
            lines_out: self.lines_out.get_or_create_owned(label),
            bytes_in: self.bytes_in.get_or_create_owned(label),
            bytes_out: self.bytes_out.get_or_create_owned(label),
        }
    }
}

impl Refused {
    const ALL: [Self; 2] = [Self::Full, Self::Address];

    fn label(self) -> &'static str {
        match self {
            Self::Full => "max_connections",
            Self::Address => "max_per_address",
        }
    }
}

impl ListenerMetrics {
    /// What is counted of one direction.
    pub fn way(&self, side: Side) -> &WayMetrics {
        match side {
            Side::Forward => &self.forward,
            Side::Back => &self.back,
        }
    }

    /// The listener's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Counts a connection that was closed at once.
    pub fn refused(&self, why: Refused) {
        self.refused[why as usize].inc();
    }

    /// Counts a connection's end.
    pub fn closed(&self, reason: &str) {
        let label = ByListenerReason {
            listener: self.name.clone(),
            reason: reason.to_owned(),
        };
        self.closed.get_or_create(&label).inc();
    }
}

impl FilterMetrics {
    /// Counts lines that failed.
    pub fn failed(&self, kind: &str, lines: u64) {
        let label = ByFilterKind {
            filter: self.name.clone(),
            kind: kind.to_owned(),
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

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}
