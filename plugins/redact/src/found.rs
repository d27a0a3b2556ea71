//! What a detector found, and lists of it.
//!
//! In: ranges of a text, in any order, that may overlap. Out: ascending ranges that do not.
//! Not here: what replaces them.

use std::ops::Range;

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The bytes to replace.
    pub(crate) range: Range<usize>,
    /// The rule that says what to do: the number of a detector, or that of a custom pattern behind them.
    pub(crate) rule: usize,
    /// The quote to put around the replacement, if the secret is a bare value that must become a string: where
    /// the text has such a quote, with its backslashes.
    pub(crate) quote: Range<usize>,
}

impl Found {
    /// A secret that is replaced without quotes.
    pub(crate) fn new(range: Range<usize>, rule: usize) -> Self {
        Self {
            range,
            rule,
            quote: 0..0,
        }
    }
}

/// Adds a secret to an ascending list, in which it replaces those inside it. What it shares with the last one
/// before it belongs to that one.
pub(crate) fn add(list: &mut Vec<Found>, mut found: Found) {
    if found.range.is_empty() {
        return;
    }
    if list
        .last()
        .is_none_or(|last| last.range.end <= found.range.start)
    {
        list.push(found);
        return;
    }
    while let Some(last) = list.last() {
        if last.range.start < found.range.start {
            break;
        }
        found.range.end = found.range.end.max(last.range.end);
        list.pop();
    }
    let taken = list.last().map_or(0, |last| last.range.end);
    found.range.start = found.range.start.max(taken);
    if found.range.start < found.range.end {
        list.push(found);
    }
}
