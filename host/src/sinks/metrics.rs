//! What sinks count: lines that shared sinks take, and lines that do not reach their destination.
//!
//! In metrics, a shared sink is an *output*.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use linemill_telemetry::{BatchCounter, EachValue};

linemill_telemetry::metrics! {
    /// What one shared sink counts: standard output, a file, or an upstream that connections share.
    pub struct OutputMetrics by "output" ("the destination, as written in the configuration; with `#2` and so on when certificates or framings differ") {
        /// Lines that have been delivered: an upstream's system has acknowledged them, or a file has them.
        #[metric("output_lines", unit = "lines")]
        pub lines: Counter,
        /// Bytes that have been written to the output. A line that is resent counts again.
        #[metric("output_bytes", unit = "bytes")]
        pub bytes: Counter,
        /// Lines that were not written to the output, by reason.
        #[metric("output_lost", unit = "lines")]
        pub lost: EachValue<LossReason, Counter>,
        /// Lines sent again because they may not have arrived, with `resend = true`. Some may have arrived twice.
        #[metric("output_resent", unit = "lines")]
        pub resent: Counter,
        /// Failed attempts to connect, to open or to write.
        #[metric("output_failures", unit = "attempts")]
        pub failures: Counter,
        /// Bytes queued for the output, including those that an upstream has not acknowledged yet.
        #[metric("output_queued_bytes", unit = "bytes")]
        pub queued: Gauge,
        /// 1 while the output is known to be up, else 0. A fresh connection to an upstream must last for a second first.
        #[metric("output_up", unit = "0 or 1")]
        pub up: Gauge,
    }
}

linemill_telemetry::metrics! {
    /// What is known about one upstream of a shared sink.
    pub struct UpstreamMetrics by "output" ("the destination, as written in the configuration"), "upstream" ("one of its upstreams") {
        /// 1 while the upstream is known to be up, else 0. Upstreams after the one in use are not watched, so theirs is 0.
        #[metric("upstream_up", unit = "0 or 1")]
        pub up: Gauge,
        /// 1 while the output's lines go to this upstream, else 0.
        #[metric("upstream_in_use", unit = "0 or 1")]
        pub in_use: Gauge,
        /// Failed attempts to connect to the upstream, failed probes of it, and connections that broke.
        #[metric("upstream_failures", unit = "attempts")]
        pub failures: Counter,
    }
}

linemill_telemetry::metrics! {
    /// The connections that each client of a listener has of its own to one upstream.
    pub struct OwnUpstreamMetrics by "listener" ("the listener's `name`"), "upstream" ("one of the upstreams in its `to`") {
        /// Connections to the upstream that single clients have, by what they do.
        #[metric("own_upstream_connections", unit = "connections")]
        pub connections: EachValue<OwnState, Gauge>,
        /// Failed attempts to connect to the upstream, and connections that ended before the upstream had sent a byte or a second had passed, and before the client ended.
        #[metric("own_upstream_failures", unit = "attempts")]
        pub failures: Counter,
        /// 1 while the upstream is known to be up, going by the last connection that a client needed, else 0. A fresh connection must last for a second or bring a byte first.
        #[metric("own_upstream_up", unit = "0 or 1")]
        pub up: Gauge,
    }
}

linemill_telemetry::label_values! {
    /// What a connection of a client's own does.
    pub enum OwnState as "state" {
        /// It is being made.
        Connecting = "connecting",
        /// It is open.
        Open = "open",
    }
}

linemill_telemetry::label_values! {
    /// Why a shared sink lost lines.
    pub enum LossReason as "reason" {
        /// The queue was full, and the lines were copies for a `tee` or a quarantine, which do not wait.
        Full = "full",
        /// The reader of standard output is gone, or the output is closed.
        Closed = "closed",
        /// The lines were still queued one second after the grace period.
        Drain = "drain",
        /// The connection ended before they were acknowledged. They may have arrived. Never with `resend = true`.
        Unacknowledged = "unacknowledged",
    }
}

linemill_telemetry::label_values! {
    /// Why the host dropped a line of a listener.
    pub enum DropReason as "reason" {
        /// The line was unterminated at the end of the stream, and `partial = "drop"` or the connection broke.
        Partial = "partial",
        /// The line was longer than `max_line`, and `oversize` is `"drop"` or `"close"`.
        Oversize = "oversize",
        /// The connection ended before the line was written.
        Closed = "closed",
        /// The connection's upstream, or the shared output, did not accept the line.
        NextHop = "next_hop",
        /// The framing in `to_framing` cannot contain the line.
        Framing = "framing",
        /// A `tee` had no room for its copy of the line.
        Tee = "tee",
        /// The host could not run a filter, such as for lack of memory. The line was not filtered, so it
        /// must not pass.
        Host = "host",
    }
}

/// Dropped lines of a listener, by reason.
pub type Dropped = EachValue<DropReason, Counter>;

/// Lines and bytes of one direction of a listener's connections that a socket or shared sinks have taken.
#[derive(Debug, Clone)]
pub struct Written {
    /// Whole lines.
    pub lines: BatchCounter,
    /// Bytes.
    pub bytes: BatchCounter,
}
