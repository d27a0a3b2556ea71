//! A list of edits of a text.
//!
//! In: edits in any order, also of texts inside the text. Out: ascending edits without overlaps, and what the line
//! as a whole does. Not here: where they come from.

use std::cmp::Reverse;
use std::ops::Range;

use crate::detector::Detector;
use crate::found::Found;

/// A part of a text, and what replaces it.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    /// Where the replacement is in the bytes of the list.
    pub(crate) text: Range<usize>,
    /// The quote in the text that is put around the replacement; empty if there is none.
    pub(crate) quote: Range<usize>,
    /// The rule that replaced it.
    pub(crate) rule: usize,
    /// How many layers of encoding are around the replacement.
    pub(crate) layers: usize,
}

/// The edits of a line.
#[derive(Default)]
pub(crate) struct Edits {
    list: Vec<Edit>,
    /// Replacements: those that are the same for all secrets of a rule, then others of this line.
    bytes: Vec<u8>,
    /// Where the replacement of each rule is.
    masks: Vec<Range<usize>>,
    /// Scratch memory.
    found: Vec<Found>,
    /// The line is dropped.
    pub(crate) drop: bool,
    /// The line takes the route.
    pub(crate) route: bool,
}

impl Edit {
    /// Moves the edit in its text.
    pub(crate) fn shift(&mut self, by: usize) {
        for range in [&mut self.range, &mut self.quote] {
            *range = range.start + by..range.end + by;
        }
    }
}

impl Edits {
    /// An empty list, with the replacement of each rule.
    pub(crate) fn new<'a>(masks: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut edits = Self::default();
        for mask in masks {
            let start = edits.bytes.len();
            edits.bytes.extend_from_slice(mask);
            edits.masks.push(start..edits.bytes.len());
        }
        edits
    }

    /// Starts a new line.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.bytes
            .truncate(self.masks.last().map_or(0, |mask| mask.end));
        (self.drop, self.route) = (false, false);
    }

    /// How many edits there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Makes room for many edits, without more than is needed.
    pub(crate) fn reserve(&mut self, count: usize) {
        /// For fewer, growing is as good.
        const MANY: usize = 1024;
        if count > MANY {
            self.list.reserve_exact(count);
        }
    }

    /// Replaces a secret as all of its rule.
    pub(crate) fn push(&mut self, found: Found) {
        let text = self.masks[found.rule].clone();
        self.list.push(Edit {
            range: found.range,
            text,
            quote: found.quote,
            rule: found.rule,
            layers: 0,
        });
    }

    /// Replaces a secret with the bytes that `write` appends.
    pub(crate) fn push_with(&mut self, found: Found, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let text = start..self.bytes.len();
        self.list.push(Edit {
            range: found.range,
            text,
            quote: found.quote,
            rule: found.rule,
            layers: 0,
        });
    }

    /// Changes all edits from `first` on, with the bytes of all replacements.
    pub(crate) fn lead_back(
        &mut self,
        first: usize,
        mut change: impl FnMut(&mut Edit, &mut Vec<u8>),
    ) {
        for edit in &mut self.list[first..] {
            change(edit, &mut self.bytes);
        }
    }

    /// Takes the edits from `first` on, and makes one of them: the text of `range` with these edits, in quotes.
    /// `quote` is such a quote in the text, if there is one.
    pub(crate) fn make_string(
        &mut self,
        first: usize,
        text: &[u8],
        range: Range<usize>,
        quote: Range<usize>,
    ) {
        if first == self.list.len() {
            return;
        }
        merge(&mut self.list, first);
        let start = self.bytes.len();
        let Edit { rule, layers, .. } = self.list[first];
        let literal: &[u8] = if quote.is_empty() { b"\"" } else { b"" };
        self.bytes.extend_from_slice(literal);
        let mut written = range.start;
        for edit in self.list.drain(first..) {
            self.bytes
                .extend_from_slice(&text[written..edit.range.start]);
            self.bytes.extend_from_within(edit.text);
            written = edit.range.end;
        }
        self.bytes.extend_from_slice(&text[written..range.end]);
        self.bytes.extend_from_slice(literal);
        self.list.push(Edit {
            range,
            text: start..self.bytes.len(),
            quote,
            rule,
            layers,
        });
    }

    /// Sorts the edits, and makes one of those that overlap.
    pub(crate) fn merge(&mut self) {
        merge(&mut self.list, 0);
    }

    /// The edits of `line`: what each replaces, the quote around the replacement, and the replacement.
    pub(crate) fn of<'a>(
        &'a self,
        line: &'a [u8],
    ) -> impl Iterator<Item = (Range<usize>, &'a [u8], &'a [u8])> {
        self.list.iter().map(|edit| {
            (
                edit.range.clone(),
                &line[edit.quote.clone()],
                &self.bytes[edit.text.clone()],
            )
        })
    }

    /// An empty list to find secrets with; see [`give_back`](Self::give_back).
    pub(crate) fn scratch(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// Gives a list back, to use its memory again.
    pub(crate) fn give_back(&mut self, found: Vec<Found>) {
        self.found = found;
    }
}

/// Sorts the edits from `first` on, and makes one of those that overlap: with the replacement of that which begins
/// first; at the same place with that of a custom pattern, of the longest, or of that which is encoded.
fn merge(list: &mut Vec<Edit>, first: usize) {
    let key = |edit: &Edit| {
        let built_in = edit.rule < Detector::COUNT;
        (
            edit.range.start,
            built_in,
            Reverse(edit.range.end),
            Reverse(edit.layers),
            edit.rule,
        )
    };
    if !list[first..].is_sorted_by_key(key) {
        list[first..].sort_by_key(key);
    }
    let mut kept = first;
    for index in first..list.len() {
        let edit = list[index].clone();
        if kept > first && list[kept - 1].range.end > edit.range.start {
            let last = &mut list[kept - 1];
            last.range.end = last.range.end.max(edit.range.end);
        } else {
            list[kept] = edit;
            kept += 1;
        }
    }
    list.truncate(kept);
}
