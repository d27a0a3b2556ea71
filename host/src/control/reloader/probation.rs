//! The time after a swap in which the filters that it brought must prove themselves.
//!
//! In: the generations before and after a swap, and `[host] rollback`. Out: the first filter that
//! fails too many lines, if one does within the window; and what is remembered of it.
//! Not here: going back (`swap`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::generation::Generation;
use linemill_config::report::Report;
use linemill_config::settings::{FilterSettings, Rollback};
use linemill_sandbox::filter::Filter;
use linemill_sandbox::plugin::Digest;

/// How often the counts are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Fewer failed lines than this are no reason, whatever their share.
const LEAST: u64 = 10;
/// Filters that are remembered.
const REMEMBERED: usize = 64;

/// Filters on probation.
pub(super) struct Probation {
    rule: Rollback,
    until: Instant,
    filters: Vec<Arc<Filter>>,
}

/// A filter that failed too many lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failing {
    settings: FilterSettings,
    digest: Digest,
    failed: u64,
    lines: u64,
    window: Duration,
}

/// The filters that were rolled back. They are not taken again until their plugin or their settings
/// are others.
#[derive(Debug, Default)]
pub(super) struct Rejected(Vec<Failing>);

impl Probation {
    /// The filters of `next` that are not those of `before`; `None` when there are none.
    pub(super) fn after(before: &Generation, next: &Generation, rule: Rollback) -> Option<Self> {
        let known = |filter: &&Arc<Filter>| {
            let mut all = before.filters.values();
            all.any(|other| Arc::ptr_eq(filter, other))
        };
        let filters: Vec<_> = next
            .filters
            .values()
            .filter(|one| !known(one))
            .cloned()
            .collect();
        (!filters.is_empty()).then(|| Self {
            rule,
            until: Instant::now() + rule.window,
            filters,
        })
    }

    /// Waits for a filter to fail too much; `None` when the window is over and none has.
    pub(super) async fn fails(&self) -> Option<Failing> {
        loop {
            if let Some(failing) = self.filters.iter().find_map(|filter| self.failing(filter)) {
                return Some(failing);
            }
            if Instant::now() >= self.until {
                return None;
            }
            sleep(LOOK).await;
        }
    }

    fn failing(&self, filter: &Filter) -> Option<Failing> {
        let (failed, lines) = (filter.failed_lines(), filter.lines());
        let most = self.rule.share.of(lines);
        (failed >= LEAST && failed > most).then(|| Failing {
            settings: filter.settings().clone(),
            digest: filter.digest(),
            failed,
            lines,
            window: self.rule.window,
        })
    }
}

impl Rejected {
    pub(super) fn add(&mut self, failing: Failing) {
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(failing);
    }

    /// What is wrong with a generation that would bring one of them back.
    pub(super) fn refuse(&self, next: &Generation) -> Option<Report> {
        self.0.iter().find_map(|one| {
            let filter = next.filters.get(&one.settings.name)?;
            if filter.digest() != one.digest || *filter.settings() != one.settings {
                return None;
            }
            let text = format!("{one}, and was rolled back");
            let hint = "change its plugin's file or its settings; until then nothing of this configuration is taken";
            Some(filter.settings().place.report(text, hint))
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
