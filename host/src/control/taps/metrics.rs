//! What taps count.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

linemill_telemetry::metrics! {
    /// Taps.
    pub struct TapMetrics {
        /// Taps that are open now.
        #[metric("taps", unit = "taps")]
        pub open: Gauge,
        /// Lines that taps have shown; a line counts once for each stage at which it is shown.
        #[metric("tap_lines", unit = "lines")]
        pub shown: Counter,
        /// Lines that taps did not look at, because their clients read too slowly. The lines themselves
        /// were not affected.
        #[metric("tap_missed_lines", unit = "lines")]
        pub missed: Counter,
    }
}
