//! The members of an object, or the elements of an array, as they are kept and removed from left to right.
//!
//! In: where each part is, and whether it is kept. Out: changes of commas, and of white space between parts.
//! Not here: which parts are kept, and what changes inside them (`rewrite`).

use crate::edits::{Edits, With};

/// How far an object or array has been dealt with.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    /// Where its last part ends: its opening bracket, or a member or element.
    pub(crate) end: usize,
    /// How many parts are kept.
    pub(crate) kept: usize,
    /// There was a part.
    any: bool,
    /// There is white space between the parts.
    blanks: bool,
    /// Parts have been removed, renamed or added.
    pub(crate) changed: bool,
    depth: u8,
}

// === impl Parts ===

impl Parts {
    #[inline]
    pub(crate) fn new(end: usize, depth: u8) -> Self {
        Self {
            end,
            kept: 0,
            any: false,
            blanks: false,
            changed: false,
            depth,
        }
    }

    /// Keeps the part that begins at `start`.
    #[inline]
    pub(crate) fn keep(&mut self, line: &[u8], edits: &mut Edits, start: usize) {
        if self.kept > 0 {
            if start != self.end + 1 {
                self.blanks_at_comma(line, edits, start);
            }
        } else if self.any {
            // All parts before it were removed, and their commas go with them.
            edits.push(self.end, start, With::Nothing);
        } else {
            self.blank(edits, self.end, start);
        }
        self.kept += 1;
        self.any = true;
    }

    /// Removes the part that ends at `end`.
    #[inline]
    pub(crate) fn remove(&mut self, edits: &mut Edits, end: usize) {
        edits.push(self.end, end, With::Nothing);
        self.end = end;
        self.any = true;
        self.changed = true;
    }

    /// Ends at the closing bracket.
    #[inline]
    pub(crate) fn close(&mut self, edits: &mut Edits, close: usize) {
        self.blank(edits, self.end, close);
    }

    /// Decides about the white space.
    #[inline]
    pub(crate) fn settle(&self, edits: &mut Edits, first: usize) {
        if self.blanks {
            edits.settle(first, self.depth, self.changed);
        }
    }

    #[cold]
    fn blanks_at_comma(&mut self, line: &[u8], edits: &mut Edits, start: usize) {
        let gap = &line[self.end..start];
        let comma = self.end + gap.iter().take_while(|byte| **byte != b',').count();
        self.blank(edits, self.end, comma);
        self.blank(edits, comma + 1, start);
    }

    #[inline]
    pub(crate) fn blanks_at_colon(
        &mut self,
        edits: &mut Edits,
        name_end: usize,
        colon: usize,
        value: usize,
    ) {
        self.blank(edits, name_end, colon);
        self.blank(edits, colon + 1, value);
    }

    #[inline]
    fn blank(&mut self, edits: &mut Edits, from: usize, to: usize) {
        if from < to {
            edits.push(from, to, With::NothingIfChanged(self.depth));
            self.blanks = true;
        }
    }
}
