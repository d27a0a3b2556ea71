//! What the reloader counts.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::control::request::ReloadStatus;
use linemill_telemetry::OnDemand;

linemill_telemetry::metrics! {
    /// Reloads, and the generation in force.
    pub struct ReloadMetrics {
        /// Number of the generation in force.
        #[metric("generation", unit = "generations")]
        generation: Gauge,
        /// When the generation in force was published, as Unix time.
        #[metric("generation_timestamp_seconds", unit = "seconds")]
        published_at: Gauge,
        /// Replaced generations that connections still use.
        #[metric("old_generations", unit = "generations")]
        pub old_generations: Gauge,
        /// Rollbacks that the host made by itself because a filter failed after a swap.
        #[metric("rollbacks", unit = "rollbacks")]
        pub rollbacks: Counter,
        /// Reloads, rollbacks and ends of trials, by result.
        #[metric("reloads", unit = "reloads")]
        pub reloads: OnDemand<ReloadStatus, Counter>,
    }
}

impl ReloadMetrics {
    /// Records that the generation of this number is in force from now on.
    pub fn in_force(&self, generation: u64) {
        self.generation.set(generation.cast_signed());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.published_at
            .set(now.map_or(0, |since| since.as_secs().cast_signed()));
    }
}
