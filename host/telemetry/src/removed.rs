//! Names whose last hold was dropped, until their last counts have been read.
//!
//! In: names, and each answer that has shown their series. Out: the names whose series are to be forgotten.
//! Not here: series (`families`).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::instrument::Labels;

/// Names that are kept; after that, the oldest are given up, whether or not anybody has read their counts.
const MOST: usize = 64;
/// For how long a name is kept if nobody reads.
const LONGEST: Duration = Duration::from_secs(600);
/// Answers that have to show the last counts. The first may have been under way when the last hold was dropped,
/// with the series written already.
const ANSWERS: u8 = 2;

/// Removed names, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Removed(VecDeque<Name>);

#[derive(Debug)]
struct Name {
    labels: Labels,
    since: Instant,
    /// How many answers may have shown its last counts.
    shown: u8,
}

impl Removed {
    /// Adds a name. Returns those that are not kept any longer.
    pub(crate) fn add(&mut self, labels: Labels, now: Instant) -> Vec<Labels> {
        self.0.push_back(Name {
            labels,
            since: now,
            shown: 0,
        });
        let more = self.0.len().saturating_sub(MOST);
        let mut index = 0;
        self.take_where(|name| {
            index += 1;
            index <= more || name.is_old(now)
        })
    }

    /// Takes a name that is held again.
    pub(crate) fn take(&mut self, labels: &Labels) {
        self.0.retain(|name| name.labels != *labels);
    }

    /// Notes an answer. Returns the names that are not kept any longer.
    pub(crate) fn shown(&mut self, now: Instant) -> Vec<Labels> {
        self.take_where(|name| {
            name.shown += 1;
            name.shown >= ANSWERS || name.is_old(now)
        })
    }

    fn take_where(&mut self, mut is_over: impl FnMut(&mut Name) -> bool) -> Vec<Labels> {
        let mut over = Vec::new();
        self.0.retain_mut(|name| {
            let is_over = is_over(name);
            if is_over {
                over.push(std::mem::take(&mut name.labels));
            }
            !is_over
        });
        over
    }
}

impl Name {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(number: usize) -> Labels {
        vec![("listener", number.to_string().as_str().into())]
    }

    #[test]
    fn a_name_is_kept_for_two_answers() {
        let (mut removed, now) = (Removed::default(), Instant::now());
        assert!(removed.add(labels(1), now).is_empty());
        assert!(removed.shown(now).is_empty());
        assert!(removed.add(labels(2), now).is_empty());
        assert_eq!(removed.shown(now), [labels(1)]);
        assert_eq!(removed.shown(now), [labels(2)]);
        assert!(removed.shown(now).is_empty());
    }

    #[test]
    fn a_name_that_nobody_asks_for_is_kept_for_ten_minutes() {
        let (mut removed, now) = (Removed::default(), Instant::now());
        assert!(removed.add(labels(1), now).is_empty());
        let later = now + LONGEST;
        assert!(
            removed
                .add(labels(2), later - Duration::from_millis(1))
                .is_empty()
        );
        assert_eq!(removed.add(labels(3), later), [labels(1)]);
        // The first to ask sees them all the same.
        assert_eq!(removed.shown(later + LONGEST), [labels(2), labels(3)]);
    }

    #[test]
    fn the_oldest_of_many_names_are_given_up() {
        let (mut removed, now) = (Removed::default(), Instant::now());
        for number in 0..MOST {
            assert!(removed.add(labels(number), now).is_empty());
        }
        assert_eq!(removed.add(labels(MOST), now), [labels(0)]);
        removed.take(&labels(1));
        assert!(removed.add(labels(MOST + 1), now).is_empty());
        assert_eq!(removed.add(labels(MOST + 2), now), [labels(2)]);
    }
}
