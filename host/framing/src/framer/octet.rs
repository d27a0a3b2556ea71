//! The framer for `octet`, where a length precedes each line (RFC 6587, 3.4.1).
//!
//! In: blocks, as for the other framings. Out: [`Lines`] without terminators, whose contents are moved
//! together in the block they were read into. The framer reads each byte of a length once and no byte
//! of a content. Memory is bounded by `max_line` plus one block, whatever a length says.
//! Not here: parsing lengths (`framing::octet`).
//!
//! A line counts as oversized as soon as its length is read. A piece of a split line is emitted as
//! soon as it is complete, a truncated line once its whole frame has arrived.

use super::{Closed, Framer, SMALL, State};
use crate::framing::octet::{Content, Frame, read_length};
use crate::{Lines, Oversize, Partial};

impl Framer {
    /// Frames a block that begins with the partial line. Not inlined, to keep the path of the other
    /// framings small.
    #[inline(never)]
    pub(super) fn frame_octet(&mut self, mut block: Vec<u8>) -> Lines {
        let mut spans = Vec::new();
        // Contents of emitted lines are before `end`; the unread part of the stream begins at `at`.
        let (mut end, mut at) = (0, 0);
        let kept = loop {
            let mut content = match self.frame {
                Frame::Length(_) if at == block.len() => break 0,
                Frame::Length(length) => {
                    let Ok((frame, read)) = read_length(length, &block[at..]) else {
                        self.close(Closed::BadLength);
                        break 0;
                    };
                    self.frame = frame;
                    at += read;
                    continue;
                }
                Frame::Content(content) => content,
            };
            if !self.limit(&mut content) {
                self.close(Closed::Oversize);
                break 0;
            }
            let available = (block.len() - at) as u64;
            let max = self.settings.max_line as u64;
            let (line, skip) = if content.keep > max && available >= max {
                content.keep -= max;
                self.frame = Frame::Content(content);
                (max as usize, 0)
            } else if available >= content.keep + content.skip {
                self.frame = Frame::default();
                (content.keep as usize, content.skip as usize)
            } else {
                let kept = available.min(content.keep);
                content.skip -= available - kept;
                self.frame = Frame::Content(content);
                break kept as usize;
            };
            if line > 0 {
                if spans.is_empty() {
                    spans.reserve(2 * ((block.len() - at) / 64 + 1));
                }
                if end < at {
                    block.copy_within(at..at + line, end);
                }
                spans.extend([end as u32, (end + line) as u32]);
                end += line;
            }
            at += line + skip;
        };
        if spans.is_empty() && kept > SMALL {
            // The block has no complete line and a long partial one, so it becomes the partial line.
            if at > 0 {
                block.copy_within(at..at + kept, 0);
            }
            block.truncate(kept);
            self.partial = block;
            return Lines::default();
        }
        self.partial.clear();
        self.partial.extend_from_slice(&block[at..at + kept]);
        block.truncate(end);
        Lines::from_parts(block, spans)
    }

    /// Ends the stream: the part of a frame's content that has arrived becomes a line, or is dropped.
    pub(super) fn finish_octet(&mut self) -> Lines {
        if self.is_closed() {
            return Lines::default();
        }
        // The settings may have changed since the last block.
        let partial = std::mem::take(&mut self.partial);
        let mut lines = self.frame_octet(partial);
        let rest = std::mem::take(&mut self.partial);
        let lost = match std::mem::take(&mut self.frame) {
            Frame::Length(length) => length > 0,
            // The content is being skipped, and has been counted already.
            Frame::Content(Content { keep: 0, .. }) => false,
            Frame::Content(_) if self.settings.partial == Partial::Drop => true,
            // An oversized content has been counted, and pieces of it may have been emitted.
            Frame::Content(content) => rest.is_empty() && !content.oversized,
        };
        if lost {
            self.counts.partial_dropped += 1;
        } else if !rest.is_empty() {
            lines.push(&rest, b"");
        }
        lines
    }

    /// Applies `oversize` to a content longer than `max_line`. Returns `false` if the stream must
    /// close.
    fn limit(&mut self, content: &mut Content) -> bool {
        let max = self.settings.max_line as u64;
        if content.keep <= max {
            return true;
        }
        self.counts.oversized += u64::from(!content.oversized);
        content.oversized = true;
        let kept = match self.settings.oversize {
            Oversize::Split => return true,
            Oversize::Truncate => max,
            Oversize::Drop | Oversize::Close => {
                self.counts.oversized_dropped += 1;
                0
            }
        };
        content.skip += content.keep - kept;
        content.keep = kept;
        self.settings.oversize != Oversize::Close
    }

    /// Ignores the rest of the stream.
    fn close(&mut self, closed: Closed) {
        self.state = State::Closed(closed);
        self.frame = Frame::default();
    }
}
