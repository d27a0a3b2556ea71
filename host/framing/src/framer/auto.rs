//! The framer for `auto`, where each line is framed in its own way.
//!
//! In: blocks, as for the other framings. Out: [`Lines`] in a block of their own, with terminators that
//! say how each line came. Memory is bounded by `max_line` plus two blocks.
//! Not here: how a line begins and ends (`framing::auto`), the content of a frame (`framer::octet`),
//! oversized lines without a length (`framer::oversized`).
//!
//! Digits at the start of a line wait in the partial line until the byte after them tells whether they
//! are a length.

use super::octet::Step;
use super::{Framer, SMALL, State};
use crate::framing::auto::{self, Start};
use crate::framing::octet::{Content, Frame};
use crate::{Lines, blocks};

impl Framer {
    /// Frames a block that begins with the partial line.
    pub(super) fn frame_auto(&mut self, mut block: Vec<u8>) -> Lines {
        let mut lines = Lines::default();
        // The unread part of the stream begins here.
        let mut at = 0;
        let kept = loop {
            let rest = &block[at..];
            if let Frame::Content(content) = self.frame {
                match self.step(content, rest) {
                    Step::Line { content, end, read } => {
                        push(&mut lines, &rest[..content], auto::framed(end), rest);
                        at += read;
                    }
                    Step::Skip { read } => at += read,
                    Step::Wait { keep } => break keep,
                    Step::Close => break 0,
                }
                continue;
            }
            if self.state == State::Keeping {
                match auto::start(rest) {
                    Start::Frame { length, header } => {
                        self.frame = Frame::Content(Content::new(length));
                        self.searched = 0;
                        at += header;
                        continue;
                    }
                    Start::Undecided => {
                        self.searched = 0;
                        break rest.len();
                    }
                    Start::Line => {}
                }
                let (max, framing) = (self.settings.max_line, self.settings.framing);
                match framing.next_end(rest, 0, self.searched) {
                    Some(end) if end.content <= max => {
                        if end.content > 0 {
                            let (content, line) = (&rest[..end.content], &rest[..end.line]);
                            push(&mut lines, content, &line[end.content..], rest);
                        }
                        self.searched = 0;
                        at += end.line;
                        continue;
                    }
                    None if self.certain(rest) <= max => {
                        self.searched = rest.len();
                        break rest.len();
                    }
                    _ => {}
                }
            }
            match self.frame_line(rest, &mut lines) {
                Some(next) => at += next,
                // The partial line has been kept.
                None => {
                    blocks::give_back(block);
                    return lines;
                }
            }
        };
        if lines.is_empty() && kept > SMALL {
            // The block has no complete line and a long partial one, so it becomes the partial line.
            block.copy_within(at..at + kept, 0);
            block.truncate(kept);
            self.partial = block;
            return lines;
        }
        self.partial = block[at..at + kept].to_vec();
        blocks::give_back(block);
        lines
    }
}

/// Adds a line. The first one makes room for the lines of `block`.
fn push(lines: &mut Lines, content: &[u8], terminator: &[u8], block: &[u8]) {
    if lines.is_empty() {
        let spans = Vec::with_capacity(2 * (block.len() / 64 + 1));
        *lines = Lines::from_parts(blocks::take(0), spans);
    }
    lines.push(content, terminator);
}
