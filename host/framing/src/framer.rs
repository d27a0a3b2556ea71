//! The framer turns the bytes of a stream into lines.
//!
//! In: blocks of bytes as they were read, each beginning with the partial line left over from the
//! block before. Out: [`Lines`], and counts of what the settings made it leave out. While no line is
//! oversized, no byte is searched twice and no complete line is copied. Memory is bounded by
//! `max_line` plus one block.
//! Not here: sockets, time, filters. The framings `octet` and `auto` have files of their own.
//!
//! A line counts as oversized at the first byte beyond `max_line`, not at its terminator.

use crate::Lines;
use crate::blocks::BLOCK;
use crate::{Framing, LineSettings, Oversize, Partial};

use crate::framing::octet::Frame;

mod auto;
pub(crate) mod bom;
mod octet;
mod oversized;

#[cfg(test)]
mod tests;

/// Partial lines of up to this many bytes are copied out of the block they were read into, so that a
/// waiting connection does not hold a whole block.
pub const SMALL: usize = 4096;

/// Turns one stream's bytes into lines.
#[derive(Debug)]
pub struct Framer {
    settings: LineSettings,
    /// The bytes of the partial line. The next block must begin with them.
    partial: Vec<u8>,
    /// `partial` has no terminator before this index, so the next search starts here.
    searched: usize,
    state: State,
    /// The stream's position within a frame. Only `octet` and `auto` change it.
    frame: Frame,
    /// Whether the stream may still begin with a byte order mark that is left out. The partial line is
    /// then a part of the mark, or empty.
    at_start: bool,
    counts: Counts,
}

/// The state of the partial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All bytes of the partial line are in `partial`.
    Keeping,
    /// Pieces of the line have been emitted as lines already (`split`); the rest is in `partial`.
    Splitting,
    /// The line is oversized. `partial` holds its first `kept` bytes, which will be emitted, and
    /// perhaps a CR that may begin the terminator. All other bytes are discarded.
    Discarding { kept: usize },
    /// The framer ignores all further bytes.
    Closed(Closed),
}

/// Why a framer ignores the rest of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// A line was longer than `max_line`, and `oversize` is [`Oversize::Close`].
    Oversize,
    /// In the framing `octet`, a frame does not begin with a valid length.
    BadLength,
}

/// Counts of what the framer did to lines since the last [`Framer::take_counts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines longer than `max_line`.
    pub oversized: u64,
    /// Those of the oversized lines that were left out whole (`drop`, `close`).
    pub oversized_dropped: u64,
    /// Unterminated lines and incomplete frames dropped at the end of a stream.
    pub partial_dropped: u64,
}

impl Framer {
    /// A framer at the start of a stream.
    pub fn new(settings: LineSettings) -> Self {
        Self {
            settings,
            partial: Vec::new(),
            searched: 0,
            state: State::Keeping,
            frame: Frame::default(),
            at_start: true,
            counts: Counts::default(),
        }
    }

    /// Changes the settings. They apply to the partial line too. If the framing changes, the bytes
    /// kept of the partial line become the beginning of a line.
    pub fn set_settings(&mut self, settings: LineSettings) {
        if settings.framing != self.settings.framing {
            self.searched = 0;
            self.frame = Frame::default();
            if !self.is_closed() {
                self.state = State::Keeping;
            }
        }
        self.settings = settings;
    }

    /// Whether a line has begun but not ended. A frame begins with its length.
    #[inline]
    pub fn has_partial(&self) -> bool {
        !self.partial.is_empty()
            || matches!(self.state, State::Discarding { .. })
            || self.frame != Frame::default()
    }

    /// Whether the partial line is oversized and has been counted as left out.
    pub fn has_dropped_partial(&self) -> bool {
        let counted = match self.frame {
            Frame::Content(content) => content.is_dropped(),
            Frame::Length(_) => false,
        };
        counted || self.state == State::Discarding { kept: 0 }
    }

    /// Why the framer ignores the rest of the stream; `None` if it does not.
    #[inline]
    pub fn closed(&self) -> Option<Closed> {
        match self.state {
            State::Closed(closed) => Some(closed),
            _ => None,
        }
    }

    /// Whether the framer ignores the rest of the stream.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.closed().is_some()
    }

    /// The partial line, which the next block must begin with.
    #[inline]
    pub fn partial(&self) -> &[u8] {
        &self.partial
    }

    /// If the partial line is too long to be copied at each read, returns its own buffer to read more
    /// bytes into, with room for some. The caller must return the buffer by [`Self::frame`] or
    /// [`Self::restore_partial`].
    pub fn take_long_partial(&mut self) -> Option<Vec<u8>> {
        let next = self.next_capacity()?;
        let mut partial = std::mem::take(&mut self.partial);
        partial.reserve_exact(next - partial.len());
        Some(partial)
    }

    /// Bytes of memory that a long partial line has; 0 if the partial line is short.
    #[inline]
    pub fn held(&self) -> usize {
        if self.partial.len() > SMALL {
            self.partial.capacity()
        } else {
            0
        }
    }

    /// Bytes of memory that a long partial line will have when more is read into its buffer; `None` if
    /// the partial line is short.
    pub fn next_capacity(&self) -> Option<usize> {
        let (length, has) = (self.partial.len(), self.partial.capacity());
        if length <= SMALL {
            return None;
        }
        if has - length >= BLOCK {
            return Some(has);
        }
        // Twice as much, so that a line is not copied often; but no more than a whole line needs.
        let whole = self.settings.max_line.saturating_add(BLOCK);
        Some((2 * length).min(whole).max(length + BLOCK))
    }

    /// Returns the buffer from [`Self::take_long_partial`] when nothing was read.
    pub fn restore_partial(&mut self, partial: Vec<u8>) {
        self.partial = partial;
    }

    /// The counts since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Frames a block that consists of [`Self::partial`] and the bytes just read.
    pub fn frame(&mut self, mut block: Vec<u8>) -> Lines {
        if self.is_closed() {
            return Lines::default();
        }
        if self.at_start && self.is_in_bom(&mut block) {
            self.partial = block[..].to_vec();
            return Lines::default();
        }
        if self.settings.framing.has_frames() {
            return self.frame_counted(block);
        }
        let mut spans = Vec::with_capacity(2 * (block.len() / 64 + 1));
        let mut start = 0;
        if self.state == State::Keeping {
            start = self.settings.framing.fitting_lines(
                self.settings.max_line,
                &block,
                self.searched,
                &mut spans,
            );
        }
        let rest_fits =
            self.state == State::Keeping && self.certain(&block[start..]) <= self.settings.max_line;
        let rest = &block[start..];
        if rest_fits && start == 0 && rest.len() > SMALL {
            // The block has no complete line and is long, so it becomes the partial line uncopied.
            self.searched = rest.len();
            self.partial = block;
            return Lines::default();
        }
        if rest_fits {
            self.searched = rest.len();
            // An empty partial line holds no memory.
            self.partial = rest.to_vec();
            block.truncate(start);
            return Lines::from_parts(block, spans);
        }
        let copied = rest.to_vec();
        block.truncate(start);
        let mut lines = Lines::from_parts(block, spans);
        self.frame_oversized(&copied, &mut lines);
        lines
    }

    /// Frames a block of a framing that has frames. Not inlined, to keep the path of the other framings
    /// small.
    #[inline(never)]
    fn frame_counted(&mut self, block: Vec<u8>) -> Lines {
        if self.settings.framing == Framing::Auto {
            self.frame_auto(block)
        } else {
            self.frame_octet(block)
        }
    }

    /// Ends the stream: the partial line becomes a line without a terminator, or is dropped.
    pub fn finish(&mut self) -> Lines {
        if self.at_start && !self.partial.is_empty() {
            return self.finish_in_bom();
        }
        let within = self.frame != Frame::default();
        if self.settings.framing == Framing::Octet || within {
            return self.finish_frame();
        }
        let mut lines = Lines::default();
        let partial = std::mem::take(&mut self.partial);
        let state = std::mem::replace(&mut self.state, State::Keeping);
        self.searched = 0;
        let max = self.settings.max_line;
        let mut rest = match state {
            State::Closed(_) => {
                self.state = state;
                return lines;
            }
            State::Discarding { kept } => &partial[..kept],
            State::Keeping | State::Splitting => &partial[..],
        };
        if rest.is_empty() {
            return lines;
        }
        if self.settings.partial == Partial::Drop {
            self.counts.partial_dropped += 1;
            return lines;
        }
        // The rest can be too long here only because of a CR that was waiting for its LF.
        if rest.len() > max && !matches!(state, State::Discarding { .. }) {
            self.counts.oversized += u64::from(state == State::Keeping);
            match self.settings.oversize {
                Oversize::Split => {
                    while rest.len() > max {
                        lines.push(&rest[..max], self.settings.framing.terminator());
                        rest = &rest[max..];
                    }
                }
                Oversize::Truncate => rest = &rest[..max],
                Oversize::Drop => {
                    self.counts.oversized_dropped += 1;
                    return lines;
                }
                Oversize::Close => {
                    self.counts.oversized_dropped += 1;
                    self.state = State::Closed(Closed::Oversize);
                    return lines;
                }
            }
        }
        lines.push(rest, b"");
        lines
    }

    /// How many bytes of an unterminated rest are certainly content. A CR at its end may still turn
    /// out to belong to the terminator.
    fn certain(&self, rest: &[u8]) -> usize {
        rest.len() - usize::from(rest.ends_with(b"\r") && self.settings.framing.waits_after_cr())
    }
}
