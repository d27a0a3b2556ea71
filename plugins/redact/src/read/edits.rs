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
    /// The rule that replaced it.
    pub(crate) rule: usize,
    /// How many layers of encoding are around the replacement.
    pub(crate) layers: usize,
}

/// The edits of a line.
#[derive(Default)]
pub(crate) struct Edits {
    list: Vec<Edit>,
    bytes: Vec<u8>,
    /// Scratch memory.
    found: Vec<Found>,
    /// The line is dropped.
    pub(crate) drop: bool,
    /// The line takes the route.
    pub(crate) route: bool,
}

impl Edits {
    /// Starts a new line.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.bytes.clear();
        (self.drop, self.route) = (false, false);
    }

    /// How many edits there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Replaces `range` with the bytes that `write` appends.
    pub(crate) fn push(
        &mut self,
        range: Range<usize>,
        rule: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.list.push(Edit {
            range,
            text: start..self.bytes.len(),
            rule,
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

    /// The edits from `first` on, sorted and without overlaps, which are taken from the list and replaced by one:
    /// the text of `range` with these edits, in quotes.
    pub(crate) fn quote(&mut self, first: usize, text: &[u8], range: Range<usize>) {
        if first == self.list.len() {
            return;
        }
        merge(&mut self.list, first);
        let start = self.bytes.len();
        let rule = self.list[first].rule;
        self.bytes.push(b'"');
        let mut written = range.start;
        for edit in self.list.drain(first..) {
            self.bytes
                .extend_from_slice(&text[written..edit.range.start]);
            self.bytes.extend_from_within(edit.text);
            written = edit.range.end;
        }
        self.bytes.extend_from_slice(&text[written..range.end]);
        self.bytes.push(b'"');
        self.list.push(Edit {
            range,
            text: start..self.bytes.len(),
            rule,
            layers: 0,
        });
    }

    /// Sorts the edits, and makes one of those that overlap.
    pub(crate) fn merge(&mut self) {
        merge(&mut self.list, 0);
    }

    /// The edits, each with its replacement.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Range<usize>, &[u8])> {
        self.list
            .iter()
            .map(|edit| (edit.range.clone(), &self.bytes[edit.text.clone()]))
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
