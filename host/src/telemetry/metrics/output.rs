//! What outputs count: standard output, files, and next hops that connections share.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use linemill_telemetry::add;

#[derive(Debug)]
pub(super) struct OutputFamilies {
    lines: Family<ByOutput, Counter>,
    bytes: Family<ByOutput, Counter>,
    lost: Family<ByOutputReason, Counter>,
    failures: Family<ByOutput, Counter>,
    queued: Family<ByOutput, Gauge>,
    up: Family<ByOutput, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutput {
    output: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutputReason {
    output: String,
    reason: String,
}

/// What one output counts.
#[derive(Debug, Clone)]
pub struct OutputMetrics {
    /// Lines handed over whole: to a socket, a file, or standard output.
    pub lines: Counter,
    /// Bytes handed over; those of a line that is sent again count again.
    pub bytes: Counter,
    /// Lines lost because a queue that must not wait was full: copies for a tee.
    pub lost_full: Counter,
    /// Lines lost because nobody reads standard output any more.
    pub lost_closed: Counter,
    /// Lines that the end of the grace period left waiting.
    pub lost_drain: Counter,
    /// Attempts to connect, to open or to write that failed.
    pub failures: Counter,
    /// Bytes that wait.
    pub queued: Gauge,
    /// 1 while there is a connection, or while the file can be written to; else 0.
    pub up: Gauge,
}

impl OutputFamilies {
    pub(super) fn new(r: &mut Registry) -> Self {
        Self {
            lines: add(
                r,
                "output_lines",
                "Lines handed to an output that connections share",
            ),
            bytes: add(
                r,
                "output_bytes",
                "Bytes handed to an output that connections share",
            ),
            lost: add(
                r,
                "output_lost",
                "Lines that an output did not take, by reason",
            ),
            failures: add(
                r,
                "output_failures",
                "Attempts to connect, to open or to write that failed",
            ),
            queued: add(r, "output_queued_bytes", "Bytes that wait for an output"),
            up: add(r, "output_up", "Whether an output takes lines: 1 or 0"),
        }
    }

    pub(super) fn of(&self, name: &str) -> OutputMetrics {
        let label = ByOutput {
            output: name.to_owned(),
        };
        let lost = |reason: &str| {
            let label = ByOutputReason {
                output: name.to_owned(),
                reason: reason.to_owned(),
            };
            self.lost.get_or_create_owned(&label)
        };
        OutputMetrics {
            lines: self.lines.get_or_create_owned(&label),
            bytes: self.bytes.get_or_create_owned(&label),
            lost_full: lost("full"),
            lost_closed: lost("closed"),
            lost_drain: lost("drain"),
            failures: self.failures.get_or_create_owned(&label),
            queued: self.queued.get_or_create_owned(&label),
            up: self.up.get_or_create_owned(&label),
        }
    }
}
