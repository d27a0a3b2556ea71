//! What is held, for the status and the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::gauge::Gauge;

use crate::budget::{Budget, Part, signed};
use crate::holder::Holder;

/// What is held at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The limit in bytes; `None` without a limit.
    pub limit: Option<u64>,
    /// Bytes held by all holders.
    pub used: u64,
    /// The most that was held at one time.
    pub peak: u64,
    /// Resident memory of the process, in bytes; 0 where the system does not say.
    pub resident: u64,
    /// By holder: bytes held, and requests refused.
    pub holders: Vec<(Holder, u64, u64)>,
    /// Mappings of instances.
    pub mappings: u64,
    /// The most of these that there may be; `None` if there is no limit.
    pub mappings_limit: Option<u64>,
    /// Requests for mappings that were refused.
    pub mappings_refused: u64,
}

impl Budget {
    /// What is held now.
    pub fn usage(&self) -> Usage {
        let limit = |limit: u64| Some(limit).filter(|limit| *limit < u64::MAX);
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let holders: Vec<_> = Holder::ALL
            .iter()
            .map(|holder| {
                let part = self.part(*holder);
                (*holder, part.in_use(), load(&part.refused))
            })
            .collect();
        let used = holders.iter().map(|(_, used, _)| used).sum();
        Usage {
            limit: limit(self.limit()),
            used,
            peak: load(&self.peak).max(used),
            resident: load(&self.resident),
            holders,
            mappings: load(&self.mappings.used),
            mappings_limit: limit(load(&self.mappings.limit)),
            mappings_refused: load(&self.mappings.refused),
        }
    }

    /// Shows in the metrics what is held now.
    pub fn show(&self) {
        let (usage, metrics) = (self.usage(), &self.metrics);
        let set = |gauge: &Gauge, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set(&metrics.limit, usage.limit.unwrap_or_default());
        set(&metrics.peak, usage.peak);
        set(&metrics.resident, usage.resident);
        set(
            &metrics.mappings_limit,
            usage.mappings_limit.unwrap_or_default(),
        );
        set(&metrics.mappings_used, usage.mappings);
        for (holder, used, _) in usage.holders {
            set(metrics.used.of(holder), used);
        }
    }
}

impl Part {
    /// Bytes held, without what threads keep.
    fn in_use(&self) -> u64 {
        let kept = self.kept.all().map(|kept| kept.load(Ordering::Relaxed));
        let used = signed(self.used.load(Ordering::Relaxed));
        (used - kept.sum::<i64>()).max(0).unsigned_abs()
    }
}
