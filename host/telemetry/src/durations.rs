//! A histogram of durations that threads write without sharing cache lines.
//!
//! In: one duration per call. Out: a Prometheus histogram, in seconds. The histogram of
//! `prometheus-client` takes one lock for all threads.

use std::array;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::Shards;

/// Upper bounds of the buckets in nanoseconds, from one microsecond to about one second. Each is four
/// times the previous one.
const BOUNDS: [u64; 11] = {
    let (mut bounds, mut at) = ([1000; 11], 1);
    while at < bounds.len() {
        bounds[at] = 4 * bounds[at - 1];
        at += 1;
    }
    bounds
};

/// A histogram of durations.
#[derive(Debug, Clone, Default)]
pub struct Durations(Arc<Shards<Part>>);

#[derive(Debug, Default)]
struct Part {
    /// Sum of all durations, nanoseconds.
    sum: AtomicU64,
    /// Durations per bucket: above the previous bound, up to this one. The last bucket has no upper
    /// bound.
    counts: [AtomicU64; BOUNDS.len() + 1],
}

impl Durations {
    /// Adds a duration.
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let part = self.0.own();
        part.sum.fetch_add(nanos, Ordering::Relaxed);
        let bucket = BOUNDS.partition_point(|bound| *bound < nanos);
        part.counts[bucket].fetch_add(1, Ordering::Relaxed);
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        let buckets: [(f64, u64); BOUNDS.len() + 1] = array::from_fn(|at| {
            // `prometheus-client` writes the largest number as `+Inf`.
            let bound = BOUNDS.get(at).map_or(f64::MAX, |bound| *bound as f64 / 1e9);
            (bound, self.0.sum(|part| &part.counts[at]))
        });
        let sum = self.0.sum(|part| &part.sum) as f64 / 1e9;
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use std::thread;

    use prometheus_client::encoding::text;
    use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
    use prometheus_client::registry::{Metric, Registry};

    use super::*;

    fn shown(metric: impl Metric) -> String {
        let (mut registry, mut shown) = (Registry::default(), String::new());
        registry.register("took", "How long", metric);
        text::encode(&mut shown, &registry).expect("a string takes all");
        shown
    }

    #[test]
    fn encodes_like_the_histogram_of_the_library() {
        let own = Durations::default();
        let library = Histogram::new(exponential_buckets(1e-6, 4.0, 11));
        assert_eq!(shown(own.clone()), shown(library.clone()));
        for nanos in [0, 1, 999, 1000, 1001, 4000, 4001, 2_000_000, 1_048_576_000] {
            thread::scope(|scope| {
                scope.spawn(|| own.observe(Duration::from_nanos(nanos)));
            });
            library.observe(nanos as f64 / 1e9);
        }
        own.observe(Duration::from_secs(2));
        library.observe(2.0);
        let without_sum = |text: String| {
            let lines = text.lines().filter(|line| !line.starts_with("took_sum"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let (own, library) = (shown(own), shown(library));
        assert!(own.contains("took_sum 3.050587002"), "{own}");
        assert!(own.contains("took_count 10"), "{own}");
        assert_eq!(without_sum(own), without_sum(library));
    }
}
