//! What connections count, per listener: lines and bytes of both directions, and dropped lines.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::tally::Tally;
use crate::generation::Direction;
use crate::sinks::metrics::{Dropped, Written};
use linemill_telemetry::BatchCounter;

linemill_telemetry::metrics! {
    /// What the connections of one listener count.
    pub struct LineMetrics by "listener" ("the listener's `name`") {
        /// Lines read from clients.
        #[metric("lines_in", unit = "lines")]
        lines_in: BatchCounter,
        /// Lines from clients that have been written: to the client itself, or to the connection's own
        /// upstream.
        #[metric("lines_out", unit = "lines")]
        lines_out: BatchCounter,
        /// Bytes read from clients.
        #[metric("bytes_in", unit = "bytes")]
        bytes_in: BatchCounter,
        /// Bytes from clients that have been written, as with `linemill_lines_out_total`.
        #[metric("bytes_out", unit = "bytes")]
        bytes_out: BatchCounter,
        /// Lines from clients that an output which connections share has taken into its queue, routed lines
        /// included, copies for a `tee` not. `linemill_output_lines_total` counts them when they are
        /// delivered.
        #[metric("lines_queued", unit = "lines")]
        lines_queued: BatchCounter,
        /// Bytes from clients that an output which connections share has taken into its queue.
        #[metric("bytes_queued", unit = "bytes")]
        bytes_queued: BatchCounter,
        /// Lines read from upstreams.
        #[metric("reply_lines_in", unit = "lines")]
        reply_lines_in: BatchCounter,
        /// Lines from upstreams that have been written.
        #[metric("reply_lines_out", unit = "lines")]
        reply_lines_out: BatchCounter,
        /// Bytes read from upstreams.
        #[metric("reply_bytes_in", unit = "bytes")]
        reply_bytes_in: BatchCounter,
        /// Bytes from upstreams that have been written.
        #[metric("reply_bytes_out", unit = "bytes")]
        reply_bytes_out: BatchCounter,
        /// Open connections that keep earlier settings of the listener until they end: its address,
        /// `framing`, TLS, or an upstream of their own.
        #[metric("connections_kept", unit = "connections")]
        pub kept: Gauge,
        /// Lines longer than `max_line`, whatever `oversize` says.
        #[metric("lines_oversized", unit = "lines")]
        pub oversized: Counter,
        /// Lines that the host dropped, by reason.
        #[metric("lines_dropped", unit = "lines")]
        pub dropped: Dropped,
    }
}

/// Counts a connection that keeps earlier settings, until it is dropped.
#[derive(Debug)]
pub(super) struct KeptSettings(Gauge);

impl KeptSettings {
    pub(super) fn counted_in(metrics: &LineMetrics) -> Self {
        metrics.kept.inc();
        Self(metrics.kept.clone())
    }
}

impl Drop for KeptSettings {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What one direction counts.
#[derive(Debug, Clone)]
pub(super) struct PumpMetrics {
    /// Lines that have been framed.
    pub(super) lines_in: BatchCounter,
    /// Bytes that have been read.
    pub(super) bytes_in: BatchCounter,
    /// What the connection's own socket has taken.
    pub(super) written: Written,
    /// What shared sinks have taken.
    pub(super) queued: Written,
}

/// Lines and bytes of a listener, as counted at one time. The names are those of the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the metrics of the same names have docs")]
pub struct Totals {
    pub lines_in: u64,
    pub lines_out: u64,
    pub lines_queued: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub bytes_queued: u64,
    pub reply_lines_in: u64,
    pub reply_lines_out: u64,
    pub reply_bytes_in: u64,
    pub reply_bytes_out: u64,
}

impl Totals {
    /// What rates are computed of: lines in and out, bytes in and out. What is queued counts as out.
    pub fn sampled(&self) -> [u64; 4] {
        [
            self.lines_in,
            self.lines_out + self.lines_queued,
            self.bytes_in,
            self.bytes_out + self.bytes_queued,
        ]
    }
}

impl LineMetrics {
    /// Lines and bytes so far.
    pub fn totals(&self) -> Totals {
        Totals {
            lines_in: self.lines_in.get(),
            lines_out: self.lines_out.get(),
            lines_queued: self.lines_queued.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            bytes_queued: self.bytes_queued.get(),
            reply_lines_in: self.reply_lines_in.get(),
            reply_lines_out: self.reply_lines_out.get(),
            reply_bytes_in: self.reply_bytes_in.get(),
            reply_bytes_out: self.reply_bytes_out.get(),
        }
    }

    /// How many lines sockets and shared sinks have taken, and how many were dropped so far.
    pub fn tally(&self) -> Tally {
        let written = self.lines_out.get() + self.reply_lines_out.get();
        let delivered = written + self.lines_queued.get();
        Tally::of(delivered, |reason| self.dropped.of(reason).get())
    }

    /// The counters of one direction.
    pub(super) fn pump(&self, direction: Direction) -> PumpMetrics {
        let (lines_in, bytes_in, lines_out, bytes_out) = match direction {
            Direction::Forward => (
                &self.lines_in,
                &self.bytes_in,
                &self.lines_out,
                &self.bytes_out,
            ),
            Direction::Reply => (
                &self.reply_lines_in,
                &self.reply_bytes_in,
                &self.reply_lines_out,
                &self.reply_bytes_out,
            ),
        };
        PumpMetrics {
            lines_in: lines_in.clone(),
            bytes_in: bytes_in.clone(),
            written: Written {
                lines: lines_out.clone(),
                bytes: bytes_out.clone(),
            },
            queued: Written {
                lines: self.lines_queued.clone(),
                bytes: self.bytes_queued.clone(),
            },
        }
    }
}
