//! Moves [`Output`](super::Output) over runs of lines that are passed or dropped without being judged.
//!
//! In: how many lines. Out: the same records as if a filter had judged each. Not here: which lines these are
//! (`screen`).
//!
//! The caller has checked the spans: they are sorted and within the block.

use super::{Output, offset};

impl Output<'_> {
    /// Passes the next `lines` lines, unless an earlier line closes the connection.
    pub(crate) fn pass_lines(&mut self, lines: usize) {
        if self.close_after.is_some() {
            return;
        }
        let run = &self.block_spans[2 * self.begun..][..2 * lines];
        if let (Some(spans), Some(&end)) = (&mut self.spans, run.last()) {
            // While spans are recorded, `taken` is not beyond the run, and the run will follow what is
            // before it: all its offsets move by the same amount. The sum fits if that of the last one does.
            offset(self.bytes.len() + (end as usize - self.taken));
            let moved = offset(self.bytes.len()).wrapping_sub(offset(self.taken));
            spans.extend(run.iter().map(|at| at.wrapping_add(moved)));
        }
        self.go_beyond(lines, 1);
    }

    /// Drops the next `lines` lines, of which there is at least one, unless an earlier line closes the
    /// connection.
    pub(crate) fn drop_lines(&mut self, lines: usize) {
        // The first one is judged, which makes `bytes` the output of the lines before it, and begins to
        // record spans and counts.
        if self.next_line().is_some() {
            self.end_line();
            self.go_beyond(lines - 1, 0);
            self.taken = self.next;
        }
    }

    /// Moves beyond the next `lines` lines, each of which became `count` lines.
    fn go_beyond(&mut self, lines: usize, count: u32) {
        self.begun += lines;
        let next = self.block_spans.get(2 * self.begun);
        self.next = next.map_or(self.block.len(), |&next| next as usize);
        if let Some(counts) = &mut self.counts {
            counts.resize(counts.len() + lines, count);
        }
    }
}
