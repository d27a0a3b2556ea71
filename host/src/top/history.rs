//! What has been counted lately: how much the counts of failures have grown in the last seconds.
//!
//! In: each answer of the host. Out: the growth of a count, by reason. Rates of lines come from the host.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Subject;
use crate::control::admin::status::{Status, text};
use crate::sinks::throughput::WINDOW;

/// What is counted of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counter {
    /// Connections refused.
    Refused,
    /// Lines that the host dropped.
    Dropped,
    /// Lines that failed.
    Failed,
    /// Calls that the host could not make.
    HostFaults,
    /// Lines that an output lost.
    Lost,
    /// Requests for memory that were refused or delayed.
    Memory,
    /// Requests for mappings that were refused.
    Mappings,
}

/// Counts by reason.
pub(super) type Reasons = BTreeMap<String, u64>;
type Counts = BTreeMap<(Subject, Counter), Reasons>;

/// Counts of the last answers.
#[derive(Debug, Default)]
pub(super) struct History {
    /// With the uptime of the host, the oldest first. The first is older than the window, or the only one,
    /// or the oldest that there is.
    samples: VecDeque<(Duration, Counts)>,
}

impl History {
    /// Notes an answer.
    pub(super) fn note(&mut self, status: &Status) {
        let at = text::up(status);
        self.samples.push_back((at, counts(status)));
        let old = |sample: Option<&(Duration, Counts)>| {
            sample.is_some_and(|(then, _)| *then + WINDOW <= at)
        };
        // The newest of those before the window remains, so that the window is covered.
        while self.samples.len() > 2 && old(self.samples.get(1)) {
            self.samples.pop_front();
        }
    }

    /// Forgets all answers: they were those of another process.
    pub(super) fn forget(&mut self) {
        self.samples.clear();
    }

    /// The time between the oldest answer and the newest.
    pub(super) fn covered(&self) -> Duration {
        match (self.samples.front(), self.samples.back()) {
            (Some((first, _)), Some((last, _))) => last.saturating_sub(*first),
            _ => Duration::ZERO,
        }
    }

    /// How much a count has grown since the oldest answer; without the reasons that have not.
    pub(super) fn growth(&self, subject: &Subject, counter: Counter) -> Reasons {
        let key = (subject.clone(), counter);
        let (Some((_, first)), Some((_, last))) = (self.samples.front(), self.samples.back())
        else {
            return Reasons::new();
        };
        let Some(last) = last.get(&key) else {
            return Reasons::new();
        };
        let before = |reason: &str| {
            let reasons = first.get(&key);
            reasons.and_then(|reasons| reasons.get(reason)).copied()
        };
        let growth = last.iter().map(|(reason, count)| {
            let before = before(reason).unwrap_or(0);
            // A count that is lower began again: the filter was replaced.
            let growth = count.checked_sub(before).unwrap_or(*count);
            (reason.clone(), growth)
        });
        growth.filter(|(_, growth)| *growth > 0).collect()
    }
}

fn counts(status: &Status) -> Counts {
    let mut counts = Counts::new();
    let one = |count: u64| Reasons::from([(String::new(), count)]);
    for (name, listener) in &status.listeners {
        let of = |counter| (Subject::Listener(name.clone()), counter);
        counts.insert(of(Counter::Refused), listener.refused.clone());
        counts.insert(of(Counter::Dropped), listener.lines.dropped.clone());
    }
    for (name, filter) in &status.filters {
        let of = |counter| (Subject::Filter(name.clone()), counter);
        counts.insert(of(Counter::Failed), filter.failures.clone());
        counts.insert(of(Counter::HostFaults), one(filter.host_faults));
    }
    for (name, output) in &status.outputs {
        let of = |counter| (Subject::Output(name.clone()), counter);
        counts.insert(of(Counter::Lost), output.lost_by_reason.clone());
    }
    let memory = &status.memory;
    let holders = memory.holders.iter();
    let refused = holders.map(|(holder, memory)| (holder.clone(), memory.refused));
    counts.insert((Subject::Host, Counter::Memory), refused.collect());
    let mappings = one(memory.mappings_refused);
    counts.insert((Subject::Host, Counter::Mappings), mappings);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::admin::status::FilterStatus;

    fn at(uptime_seconds: f64, failed: u64) -> Status {
        let filter = FilterStatus {
            failures: Reasons::from([("trap".to_owned(), failed), ("deadline".to_owned(), 3)]),
            ..FilterStatus::default()
        };
        Status {
            uptime_seconds,
            filters: BTreeMap::from([("a".to_owned(), filter)]),
            ..Status::default()
        }
    }

    #[test]
    fn growth_is_that_of_the_last_seconds() {
        let mut history = History::default();
        let subject = Subject::Filter("a".to_owned());
        let growth = |history: &History| {
            let mut growth = history.growth(&subject, Counter::Failed);
            (growth.remove("trap"), growth.len())
        };
        assert_eq!(growth(&history), (None, 0));
        history.note(&at(100.0, 7));
        assert_eq!(growth(&history), (None, 0), "nothing to compare it with");
        history.note(&at(101.0, 9));
        assert_eq!(growth(&history), (Some(2), 0));
        for second in 102..=111 {
            history.note(&at(f64::from(second), 9));
        }
        assert_eq!(growth(&history), (None, 0), "too long ago");
        assert_eq!(history.covered(), WINDOW);
        // Asked rarely, or after a pause.
        history.note(&at(500.0, 10));
        assert_eq!(growth(&history), (Some(1), 0));
        // A new version of the filter counts from 0.
        history.note(&at(501.0, 4));
        assert_eq!(growth(&history), (Some(4), 0));
        history.forget();
        history.note(&at(1.0, 50));
        assert_eq!(growth(&history), (None, 0), "another process");
    }
}
