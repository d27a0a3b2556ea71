//! What the log counts.

use prometheus_client::metrics::counter::Counter;

use linemill_telemetry::EachValue;

linemill_telemetry::metrics! {
    /// The log.
    pub struct LogMetrics {
        /// Messages written to standard error.
        #[metric("log_messages", unit = "messages")]
        pub written: Counter,
        /// Messages for standard error that were dropped, by reason. The log itself says how many, once it
        /// can be written again.
        #[metric("log_dropped", unit = "messages")]
        pub dropped: EachValue<DropReason, Counter>,
    }
}

linemill_telemetry::label_values! {
    /// Why a message of the log was dropped.
    pub enum DropReason as "reason" {
        /// Too many others were waiting to be written, because standard error takes none, or only slowly.
        Full = "full",
        /// Writing failed, for example because the disk is full or the reader has left.
        Error = "error",
    }
}

impl Default for LogMetrics {
    /// Counters that nobody reads yet.
    fn default() -> Self {
        Self::register(&mut linemill_telemetry::Registry::default())
    }
}
