//! What a filter has counted at one time, and since then.
//!
//! In: [`FilterMetrics`]. Out: [`Counts`] to show, and the difference of two. The metrics of a filter go on
//! when another version of it replaces the one in force; what one version did is the difference.

use super::FilterMetrics;
use crate::FaultKind;
use linemill_telemetry::Distribution;

/// What a filter has counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Calls.
    pub calls: u64,
    /// Lines that reached the filter, including those that its open breaker kept from it.
    pub lines: u64,
    /// Lines dropped by verdict.
    pub dropped: u64,
    /// Lines that failed, for each of [`FaultKind::ALL`].
    failed: Vec<u64>,
    /// Calls that failed because of the host.
    pub host_faults: u64,
    /// Lines sent to quarantine.
    pub quarantined: u64,
    /// How long calls took.
    pub durations: Distribution,
}

impl Counts {
    /// What `metrics` have counted so far.
    pub(crate) fn of(metrics: &FilterMetrics) -> Self {
        let kinds = FaultKind::ALL.iter();
        let failed = kinds.map(|kind| metrics.failures.of(*kind).get()).collect();
        Self {
            calls: metrics.calls.get(),
            lines: metrics.lines.get() + metrics.failures.of(FaultKind::Breaker).get(),
            dropped: metrics.dropped.get(),
            failed,
            host_faults: metrics.host_faults.get(),
            quarantined: metrics.quarantined.get(),
            durations: metrics.call_seconds.distribution(),
        }
    }

    /// What came since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let failed = self.failed.iter().zip(&earlier.failed);
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            lines: self.lines.saturating_sub(earlier.lines),
            dropped: self.dropped.saturating_sub(earlier.dropped),
            failed: failed
                .map(|(now, before)| now.saturating_sub(*before))
                .collect(),
            host_faults: self.host_faults.saturating_sub(earlier.host_faults),
            quarantined: self.quarantined.saturating_sub(earlier.quarantined),
            durations: self.durations.since(&earlier.durations),
        }
    }

    /// Lines that failed, whatever the kind.
    pub fn failed(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// The kinds of failures with their numbers, zeros included.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let kinds = FaultKind::ALL.iter().map(|kind| kind.label());
        kinds.zip(self.failed.iter().copied())
    }
}
