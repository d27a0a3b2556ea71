//! A histogram of durations that threads write without sharing cache lines.
//!
//! In: one duration per call. Out: a Prometheus histogram, in seconds, and quantiles from finer buckets.
//! The histogram of `prometheus-client` takes one lock for all threads.

use std::array;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

use crate::Shards;

/// Parts of each doubling.
const PARTS: usize = 4;
/// Doublings, from 62.5 nanoseconds to about 17 seconds.
const DOUBLINGS: usize = 28;
/// Upper bounds of the parts in nanoseconds. Neighbours differ by a quarter at most.
const BOUNDS: [u64; PARTS * DOUBLINGS + 1] = {
    let (mut bounds, mut at) = ([0; PARTS * DOUBLINGS + 1], 0);
    while at < bounds.len() {
        let (doubling, part) = (at / PARTS, at % PARTS);
        // 62.5 is 1000 / 16.
        bounds[at] = (((PARTS + part) as u64 * 1000) << doubling) / (16 * PARTS as u64);
        at += 1;
    }
    bounds
};

/// The buckets that `/metrics` shows: from one microsecond to about one second, each four times the
/// previous one. These are their upper bounds among [`BOUNDS`].
const SHOWN: [usize; 11] = {
    let (mut shown, mut at) = ([0; 11], 0);
    while at < shown.len() {
        shown[at] = PARTS * (4 + 2 * at);
        at += 1;
    }
    shown
};

/// A histogram of durations.
#[derive(Debug, Clone, Default)]
pub struct Durations(Arc<Shards<Part>>);

/// How durations are distributed, at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// Nanoseconds.
    sum: u64,
    counts: [u64; BOUNDS.len() + 1],
}

/// The number of durations, their sum, and quantiles of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Durations.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
    /// Half of them were not longer; `None` without any.
    pub p50: Option<Duration>,
    /// 99 % of them were not longer.
    pub p99: Option<Duration>,
}

#[derive(Debug)]
struct Part {
    /// Sum of all durations, nanoseconds.
    sum: AtomicU64,
    /// Durations per part: above the previous bound, up to this one. The last has no upper bound.
    counts: [AtomicU64; BOUNDS.len() + 1],
}

impl Default for Part {
    fn default() -> Self {
        Self {
            sum: AtomicU64::default(),
            counts: array::from_fn(|_| AtomicU64::default()),
        }
    }
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

    /// How the durations so far are distributed.
    pub fn distribution(&self) -> Distribution {
        Distribution {
            sum: self.0.sum(|part| &part.sum),
            counts: self.counts(),
        }
    }

    fn counts(&self) -> [u64; BOUNDS.len() + 1] {
        array::from_fn(|at| self.0.sum(|part| &part.counts[at]))
    }
}

impl Distribution {
    /// What came since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            sum: self.sum.saturating_sub(earlier.sum),
            counts: array::from_fn(|at| self.counts[at].saturating_sub(earlier.counts[at])),
        }
    }

    /// What the durations have in common. Quantiles are at most a quarter too high, and never too low; below
    /// 63 nanoseconds they are 62, and beyond 17 seconds they are 17 seconds.
    pub fn summary(&self) -> Summary {
        let count = self.counts.iter().sum();
        let quantile = |part: f64| {
            // The duration with this number, counted from the shortest.
            let number = ((count as f64 * part).ceil() as u64).max(1);
            let mut below = 0;
            let reached = |of: &u64| {
                below += of;
                below >= number
            };
            let at = self.counts.iter().position(reached)?;
            Some(Duration::from_nanos(BOUNDS[at.min(BOUNDS.len() - 1)]))
        };
        Summary {
            count,
            sum: Duration::from_nanos(self.sum),
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        let counts = self.counts();
        let mut from = 0;
        let buckets: [(f64, u64); SHOWN.len() + 1] = array::from_fn(|at| {
            let (bound, end) = match SHOWN.get(at) {
                Some(last) => (BOUNDS[*last] as f64 / 1e9, last + 1),
                // `prometheus-client` writes the largest number as `+Inf`.
                None => (f64::MAX, counts.len()),
            };
            let count = counts[from..end].iter().sum();
            from = end;
            (bound, count)
        });
        let sum = self.0.sum(|part| &part.sum) as f64 / 1e9;
        let count = counts.iter().sum();
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

    #[test]
    fn quantiles_are_at_most_a_quarter_too_high() {
        let durations = Durations::default();
        assert_eq!(durations.distribution().summary().p50, None);
        for nanos in [
            1,
            62,
            63,
            100,
            999,
            1000,
            1001,
            123_456,
            7_000_000_001,
            16_777_216_000,
        ] {
            let one = Durations::default();
            one.observe(Duration::from_nanos(nanos));
            let summary = one.distribution().summary();
            assert_eq!(
                (summary.count, summary.sum.as_nanos()),
                (1, u128::from(nanos))
            );
            let found = summary.p50.expect("there is one").as_nanos() as u64;
            // Short ones are all in the first part.
            let most = (nanos + nanos / 4).max(62);
            assert!((nanos..=most).contains(&found), "{nanos}: {found}");
        }
        for micros in 1..=1000 {
            durations.observe(Duration::from_micros(micros));
        }
        let summary = durations.distribution().summary();
        let micros = |of: Option<Duration>| of.expect("there are some").as_micros();
        assert!((500..=625).contains(&micros(summary.p50)), "{summary:?}");
        assert!((990..=1240).contains(&micros(summary.p99)), "{summary:?}");
        let before = durations.distribution();
        durations.observe(Duration::from_secs(1000));
        assert_eq!(durations.distribution().since(&before).summary().count, 1);
        assert_eq!(durations.distribution().summary().count, 1001);
    }
}
