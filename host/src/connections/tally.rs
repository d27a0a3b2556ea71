//! How many lines one listener or several delivered and dropped, for the log.
//!
//! In: counters. Out: differences and sums of them, as text.

use std::fmt;

use crate::sinks::metrics::DropReason;

/// Lines that were delivered and lines that were dropped, in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Lines that a socket or a shared sink has taken.
    pub delivered: u64,
    /// Lines dropped, for each of [`DropReason::ALL`].
    dropped: Vec<u64>,
}

/// The reasons of dropped lines with their numbers.
#[derive(Debug)]
pub struct Reasons<'a>(&'a Tally);

impl Default for Tally {
    fn default() -> Self {
        Self::of(0, |_| 0)
    }
}

impl Tally {
    pub(super) fn of(delivered: u64, dropped: impl Fn(DropReason) -> u64) -> Self {
        Self {
            delivered,
            dropped: DropReason::ALL.iter().copied().map(dropped).collect(),
        }
    }

    /// What came since `earlier`.
    pub fn since(mut self, earlier: &Self) -> Self {
        self.delivered = self.delivered.saturating_sub(earlier.delivered);
        for (count, before) in self.dropped.iter_mut().zip(&earlier.dropped) {
            *count = count.saturating_sub(*before);
        }
        self
    }

    /// Adds the numbers of `other`.
    pub fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        for (count, more) in self.dropped.iter_mut().zip(&other.dropped) {
            *count += more;
        }
    }

    /// Lines dropped, whatever the reason.
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// The reasons of dropped lines, such as `closed 3, partial 1`.
    pub fn reasons(&self) -> Reasons<'_> {
        Reasons(self)
    }
}

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = DropReason::ALL.iter().zip(&self.0.dropped);
        for (at, (reason, count)) in all.filter(|(_, count)| **count > 0).enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{} {count}", reason.label())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_the_reasons_that_grew() {
        let before = Tally::of(10, |_| 1);
        let after = Tally::of(13, |reason| match reason {
            DropReason::Closed => 4,
            DropReason::Partial => 2,
            _ => 1,
        });
        let mut tally = after.since(&before);
        assert_eq!(tally.delivered, 3);
        assert_eq!(tally.dropped(), 4);
        assert_eq!(tally.reasons().to_string(), "partial 1, closed 3");
        tally.add(&Tally::of(1, |_| 0));
        assert_eq!((tally.delivered, tally.dropped()), (4, 4));
        assert_eq!(Tally::default().reasons().to_string(), "");
    }
}
