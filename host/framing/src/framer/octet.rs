//! The framer for `octet`, where a length precedes each line (RFC 6587, 3.4.1).
//!
//! In: blocks, as for the other framings. Out: [`Lines`] whose contents and terminators are moved
//! together in the block they were read into. The framer reads each byte of a length once, and of a
//! content its last two bytes. Memory is bounded by `max_line` plus one block, whatever a length says.
//! Not here: parsing lengths and the terminators in frames (`framing::octet`).
//!
//! A line counts as oversized as soon as its length is read. Only if a terminator at the end of its
//! frame would make it fit, it counts when the frame has arrived. A piece of a split line is emitted
//! as soon as it is complete, a truncated line once its whole frame has arrived.

use super::{Closed, Framer, SMALL, State};
use crate::framing::octet::{Content, Frame, counted_end, read_length};
use crate::{Lines, Oversize, Partial};

/// What happens to the next bytes of a frame's content.
pub(super) enum Step {
    /// The first `content` bytes are a line that ends with `end`. `read` bytes have been dealt with.
    Line {
        content: usize,
        end: &'static [u8],
        read: usize,
    },
    /// `read` bytes are left out.
    Skip { read: usize },
    /// The first `keep` bytes are the partial line.
    Wait { keep: usize },
    /// The stream ends here.
    Close,
}

/// The length of a frame's content if `bytes` begins with all of it and it is not oversized.
#[inline]
fn whole(frame: Frame, max_line: usize, bytes: &[u8]) -> Option<usize> {
    match frame {
        Frame::Content(content) if content.keep <= max_line.min(bytes.len()) as u64 => {
            Some(content.keep as usize)
        }
        _ => None,
    }
}

impl Framer {
    /// Frames a block that begins with the partial line.
    pub(super) fn frame_octet(&mut self, mut block: Vec<u8>) -> Lines {
        let mut spans = Vec::new();
        // Emitted lines are before `end`; the unread part of the stream begins at `at`.
        let (mut end, mut at) = (0, 0);
        let kept = loop {
            let content = match self.frame {
                Frame::Length(_) if at == block.len() => break 0,
                Frame::Length(length) => {
                    let Ok((frame, read)) = read_length(length, &block[at..]) else {
                        self.close(Closed::BadLength);
                        break 0;
                    };
                    at += read;
                    // A whole frame without an oversized content is moved at once.
                    if let Some(line) = whole(frame, self.settings.max_line, &block[at..]) {
                        if spans.is_empty() {
                            spans.reserve(2 * ((block.len() - at) / 64 + 1));
                        }
                        let content = line - counted_end(&block[at..at + line], false).len();
                        block.copy_within(at..at + line, end);
                        spans.extend([end as u32, (end + content) as u32]);
                        end += line;
                        at += line;
                        self.frame = Frame::default();
                        continue;
                    }
                    self.frame = frame;
                    continue;
                }
                Frame::Content(content) => content,
            };
            match self.step(content, &block[at..]) {
                Step::Line {
                    content,
                    end: terminator,
                    read,
                } => {
                    if spans.is_empty() {
                        spans.reserve(2 * ((block.len() - at) / 64 + 1));
                    }
                    if end < at {
                        block.copy_within(at..at + content, end);
                    }
                    spans.extend([end as u32, (end + content) as u32]);
                    end += content;
                    at += read;
                    if !terminator.is_empty() {
                        if end + terminator.len() > at {
                            // A CR at the end of the block before, which was not kept.
                            block.insert(at, 0);
                            at += 1;
                        }
                        block[end..end + terminator.len()].copy_from_slice(terminator);
                        end += terminator.len();
                    }
                }
                Step::Skip { read } => at += read,
                Step::Wait { keep } => break keep,
                Step::Close => break 0,
            }
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
    pub(super) fn finish_frame(&mut self) -> Lines {
        if self.is_closed() {
            return Lines::default();
        }
        // The settings may have changed since the last block.
        let partial = std::mem::take(&mut self.partial);
        let mut lines = self.frame_counted(partial);
        if let Some(rest) = self.finish_content() {
            lines.append(self.frame_counted(rest));
        }
        lines
    }

    /// Ends the stream within a frame. Returns the part of its content that becomes a line, which must
    /// be framed as the next block; counts it if it is dropped.
    fn finish_content(&mut self) -> Option<Vec<u8>> {
        let rest = std::mem::take(&mut self.partial);
        let lost = match std::mem::take(&mut self.frame) {
            Frame::Length(length) => length > 0,
            // It has been counted.
            Frame::Content(content) if content.is_dropped() => false,
            Frame::Content(_) if self.settings.partial == Partial::Drop => true,
            // An oversized content has been counted, and pieces of it may have been emitted.
            Frame::Content(content) if rest.is_empty() => !content.oversized,
            Frame::Content(content) => {
                let rest_of_it = Content::rest(rest.len() as u64, content.oversized);
                self.frame = Frame::Content(rest_of_it);
                return Some(rest);
            }
        };
        self.counts.partial_dropped += u64::from(lost);
        None
    }

    /// Deals with the next bytes of a content, which `bytes` begins with. The stream's position in the
    /// frame moves on by the bytes that are read.
    #[inline]
    pub(super) fn step(&mut self, mut content: Content, bytes: &[u8]) -> Step {
        let available = bytes.len() as u64;
        if !content.exact && available >= content.keep {
            content.ends_with(&bytes[..content.keep as usize]);
        }
        if !self.limit(&mut content) {
            self.close(Closed::Oversize);
            return Step::Close;
        }
        let max = self.settings.max_line as u64;
        if content.certain() > max && available >= max {
            content.keep -= max;
            self.frame = Frame::Content(content);
            return Step::Line {
                content: max as usize,
                end: b"",
                read: max as usize,
            };
        }
        if available < content.keep + content.skip {
            let keep = available.min(content.keep) as usize;
            content.skipped(&bytes[keep..]);
            self.frame = Frame::Content(content);
            return Step::Wait { keep };
        }
        self.frame = Frame::default();
        let (kept, read) = (
            content.keep as usize,
            (content.keep + content.skip) as usize,
        );
        if content.is_dropped() {
            return Step::Skip { read };
        }
        Step::Line {
            content: kept,
            end: content.terminator(&bytes[kept..read]),
            read,
        }
    }

    /// Applies `oversize` to a content longer than `max_line`. Returns `false` if the stream must
    /// close.
    fn limit(&mut self, content: &mut Content) -> bool {
        let max = self.settings.max_line as u64;
        if content.certain() <= max {
            return true;
        }
        self.counts.oversized += u64::from(!content.oversized);
        content.oversized = true;
        match self.settings.oversize {
            Oversize::Split => {}
            Oversize::Truncate => content.cut(max),
            Oversize::Drop | Oversize::Close => {
                self.counts.oversized_dropped += 1;
                content.cut(0);
            }
        }
        self.settings.oversize != Oversize::Close
    }

    /// Ignores the rest of the stream.
    fn close(&mut self, closed: Closed) {
        self.state = State::Closed(closed);
        self.frame = Frame::default();
    }
}
