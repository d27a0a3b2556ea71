//! Probation: the window after a swap during which new filters are watched for failures.
//!
//! In: the generations before and after a swap, and `[host] rollback`. Out: the first filter that
//! fails more than its share of lines within the window; and the list of filters rejected that way.
//! Not here: the rollback itself (`actions`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::generation::Generation;
use linemill_config::Problem;
use linemill_config::settings::{FilterSettings, Rollback};
use linemill_sandbox::Digest;
use linemill_sandbox::filter::Filter;

/// Interval between two looks at the counts.
const INTERVAL: Duration = Duration::from_millis(50);
/// A rollback requires at least this many failed lines, whatever their share.
const MIN_FAILED: u64 = 10;
/// Most rejected filters that are kept; the oldest is dropped first.
const MAX_REJECTED: usize = 64;

/// Filters on probation.
pub(super) struct Probation {
    rule: Rollback,
    /// When the window ends.
    until: Instant,
    /// The filters that the swap brought; never empty.
    filters: Vec<Arc<Filter>>,
}

/// A filter that failed more lines than `[host] rollback` allows, with its counts at that moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failing {
    settings: FilterSettings,
    digest: Digest,
    failed: u64,
    lines: u64,
    window: Duration,
}

/// The filters that failed their probation. A configuration that brings one of them back is refused
/// until its plugin or its settings change.
#[derive(Debug, Default)]
pub(super) struct Rejected(Vec<Failing>);

impl Probation {
    /// Starts a probation of the filters of `next` that `before` does not have; `None` when there are
    /// no such filters.
    pub(super) fn after(before: &Generation, next: &Generation, rule: Rollback) -> Option<Self> {
        let known = |filter: &&Arc<Filter>| {
            let mut all = before.filters.values();
            all.any(|other| Arc::ptr_eq(filter, other))
        };
        let filters: Vec<_> = next
            .filters
            .values()
            .filter(|filter| !known(filter))
            .cloned()
            .collect();
        (!filters.is_empty()).then(|| Self {
            rule,
            until: Instant::now() + rule.window,
            filters,
        })
    }

    /// Waits for a filter to fail too many lines; `None` when the window ends without one.
    pub(super) async fn fails(&self) -> Option<Failing> {
        loop {
            if let Some(failing) = self.filters.iter().find_map(|filter| self.failing(filter)) {
                return Some(failing);
            }
            if Instant::now() >= self.until {
                return None;
            }
            sleep(INTERVAL).await;
        }
    }

    fn failing(&self, filter: &Filter) -> Option<Failing> {
        let (failed, lines) = (filter.failed_lines(), filter.lines());
        let allowed = self.rule.share.of(lines);
        (failed >= MIN_FAILED && failed > allowed).then(|| Failing {
            settings: filter.settings().clone(),
            digest: filter.digest(),
            failed,
            lines,
            window: self.rule.window,
        })
    }
}

impl Rejected {
    /// Adds a filter.
    pub(super) fn add(&mut self, failing: Failing) {
        if self.0.len() == MAX_REJECTED {
            self.0.remove(0);
        }
        self.0.push(failing);
    }

    /// The report about a generation that contains a rejected filter.
    pub(super) fn refuse(&self, next: &Generation) -> Option<Problem> {
        self.0.iter().find_map(|rejected| {
            let filter = next.filters.get(&rejected.settings.name)?;
            if filter.digest() != rejected.digest || *filter.settings() != rejected.settings {
                return None;
            }
            let text = format!("{rejected}, and was rolled back");
            let hint = "change its plugin's file or its settings; until then this configuration is refused";
            Some(filter.settings().place.problem(text, hint))
        })
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "filter `{}`, plugin {}: failed {} of {} lines within {:?} of its swap",
            self.settings.name,
            self.digest.short(),
            self.failed,
            self.lines,
            self.window
        )
    }
}
