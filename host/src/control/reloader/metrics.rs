//! What the reloader counts.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::control::request::ReloadStatus;
use linemill_telemetry::EachValue;

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
        /// Rollbacks that the host made by itself because a filter failed or dropped too many lines after a
        /// swap.
        #[metric("rollbacks", unit = "rollbacks")]
        pub rollbacks: Counter,
        /// 1 if the last reload succeeded, 0 if it was refused.
        #[metric("config_last_reload_successful", unit = "0 or 1")]
        pub last_successful: Gauge,
        /// When the last successful reload ended, as Unix time.
        #[metric("config_last_reload_success_timestamp_seconds", unit = "seconds")]
        pub last_success: Gauge,
        /// 1 while the files on disk differ from what is in force: the configuration, or a plugin,
        /// certificate or other file that it names. 0 otherwise.
        #[metric("config_differs_from_disk", unit = "0 or 1")]
        pub differs: Gauge,
        /// Since when the files on disk differ from what is in force, as Unix time; 0 while they do not.
        #[metric("config_differs_from_disk_timestamp_seconds", unit = "seconds")]
        pub differs_since: Gauge,
        /// Reloads, rollbacks and ends of trials, by result. Requests for what cannot be, such as the end of a
        /// trial that does not exist, are not among them; `linemill_admin_refused_total` counts these.
        #[metric("reloads", unit = "reloads")]
        pub reloads: EachValue<ReloadStatus, Counter>,
    }
}

impl ReloadMetrics {
    /// Records that the generation of this number is in force from now on.
    pub fn in_force(&self, generation: u64) {
        self.generation.set(generation.cast_signed());
        self.published_at.set(seconds(SystemTime::now()));
    }
}

/// A time as Unix time, in whole seconds.
pub fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}
