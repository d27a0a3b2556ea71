//! The framer's slow path: a block with an oversized line.
//!
//! In: the rest of a block after its lines that fit, with the state of the partial line. Out: lines, cut
//! as `oversize` says, and what the next block needs of an unterminated line.
//! Not here: lines that fit (`framer`), frames (`framer::octet`).

use super::{Closed, Framer, State};
use crate::{Framing, LineSettings, Lines, Oversize};

impl Framer {
    /// The slow path for oversized lines: copies the bytes that `oversize` keeps. Takes time linear in
    /// `rest`.
    pub(super) fn frame_oversized(&mut self, mut rest: &[u8], lines: &mut Lines) {
        while let Some(next) = self.frame_line(rest, lines) {
            rest = &rest[next..];
        }
    }

    /// Frames the line that `rest` begins with, oversized or not. Returns where the next line begins.
    /// `None` if the line has not ended, and is the partial line now, or if the stream closes.
    pub(super) fn frame_line(&mut self, rest: &[u8], lines: &mut Lines) -> Option<usize> {
        let LineSettings {
            framing,
            max_line,
            oversize,
            ..
        } = self.settings;
        // Set within an oversized line whose remaining bytes are discarded.
        let mut kept = match self.state {
            State::Discarding { kept } => Some(kept),
            _ => None,
        };
        let mut counted = self.state == State::Splitting;
        let mut start = 0;
        let searched = if counted { self.searched } else { 0 };
        // The search starts after the kept bytes: a CR among them was not followed by the bytes that
        // follow now.
        let end = framing.next_end(rest, kept.unwrap_or(0), searched);
        let content = end.as_ref().map_or(self.certain(rest), |end| end.content);
        if kept.is_none() && content > max_line {
            self.counts.oversized += u64::from(!counted);
            counted = true;
            match oversize {
                Oversize::Split => {
                    while content - start > max_line {
                        lines.push(&rest[start..start + max_line], framing.terminator());
                        start += max_line;
                    }
                }
                Oversize::Truncate => kept = Some(max_line),
                Oversize::Drop => {
                    self.counts.oversized_dropped += 1;
                    kept = Some(0);
                }
                Oversize::Close => {
                    self.counts.oversized_dropped += 1;
                    self.state = State::Closed(Closed::Oversize);
                    self.partial = Vec::new();
                    return None;
                }
            }
        }
        let Some(end) = end else {
            self.keep_rest(&rest[start..], kept, counted);
            return None;
        };
        let content = match kept {
            None => &rest[start..end.content],
            Some(kept) => &rest[..kept],
        };
        let is_line = kept != Some(0) && !(framing == Framing::Auto && content.is_empty());
        if is_line {
            lines.push(content, &rest[end.content..end.line]);
        }
        self.state = State::Keeping;
        self.searched = 0;
        Some(end.line)
    }

    /// Keeps those bytes of an unterminated rest that the next block needs.
    fn keep_rest(&mut self, rest: &[u8], kept: Option<usize>, splitting: bool) {
        self.partial.clear();
        match kept {
            Some(kept) => {
                self.partial.extend_from_slice(&rest[..kept]);
                if rest.len() > kept
                    && rest.ends_with(b"\r")
                    && self.settings.framing.waits_after_cr()
                {
                    self.partial.push(b'\r');
                }
                self.searched = kept;
                self.state = State::Discarding { kept };
            }
            None => {
                self.partial.extend_from_slice(rest);
                self.searched = rest.len();
                self.state = if splitting {
                    State::Splitting
                } else {
                    State::Keeping
                };
            }
        }
    }
}
