//! Framing: bytes of a stream become lines.
//!
//! In: blocks of bytes as they were read, each beginning with the partial line left by the one
//! before. Out: [`Lines`], and counts of what policy left out. While no line is oversized, no byte
//! is searched twice and no complete line is copied; memory is bounded by `max_line` and one block.
//! Not here: sockets, time, filters; the `octet` framing has its own file, `octet`.
//!
//! An oversized line is known as such at its first byte too many, not at its terminator.

use crate::Lines;
use crate::{Framing, LineSettings, Oversize, Partial};

use crate::framing::octet::Frame;

mod octet;

#[cfg(test)]
mod tests;

/// Partial lines up to this many bytes are copied out of the block they were read into, so that
/// a waiting connection does not hold a whole block for them.
const SMALL: usize = 4096;

/// Turns one stream's bytes into lines.
#[derive(Debug)]
pub struct Framer {
    settings: LineSettings,
    /// Bytes read that no terminator has ended yet; given back with the next block.
    partial: Vec<u8>,
    /// Bytes of `partial` before this index hold no terminator; the next search starts here.
    searched: usize,
    state: State,
    /// Where the stream stands in a frame; changed by the `octet` framing only.
    frame: Frame,
    counts: Counts,
}

/// Where the partial line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its bytes are kept.
    Keeping,
    /// Pieces of it have gone on as lines already (`split`); the rest is in `partial`.
    Splitting,
    /// It is oversized: `partial` holds the first `kept` bytes, which stay, and perhaps a CR,
    /// which may turn out to begin the terminator. All else is thrown away.
    Discarding { kept: usize },
    /// Nothing of this stream is taken any more.
    Closed(Closed),
}

/// Why nothing more of a stream is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// A line longer than `max_line`, and `oversize = "close"`.
    Oversize,
    /// The `octet` framing found no length where one must be.
    BadLength,
}

/// What framing did by policy since the last [`Framer::take_counts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines longer than `max_line`.
    pub oversized: u64,
    /// Of these, the ones left out whole (`drop`, `close`).
    pub oversized_dropped: u64,
    /// Unterminated rests and incomplete frames dropped at the end of a stream.
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
            counts: Counts::default(),
        }
    }

    /// Goes on under other settings. The partial line is framed by the new ones; under another
    /// framing, what is kept of it is taken for the beginning of a line.
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

    /// Whether a line has begun that has not ended. A frame begins with its length.
    #[inline]
    pub fn has_partial(&self) -> bool {
        !self.partial.is_empty()
            || matches!(self.state, State::Discarding { .. })
            || self.frame != Frame::default()
    }

    /// Why nothing more of the stream is taken; `None` while it goes on.
    #[inline]
    pub fn closed(&self) -> Option<Closed> {
        match self.state {
            State::Closed(closed) => Some(closed),
            _ => None,
        }
    }

    /// Whether nothing more of the stream is taken.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.closed().is_some()
    }

    /// What the next block must begin with.
    #[inline]
    pub fn partial(&self) -> &[u8] {
        &self.partial
    }

    /// Gives the partial line's own buffer away, to read more bytes into it, when it is too long
    /// to be copied at every read. It must come back, by [`Self::frame`] or by
    /// [`Self::restore_partial`].
    pub fn take_long_partial(&mut self) -> Option<Vec<u8>> {
        (self.partial.len() > SMALL).then(|| std::mem::take(&mut self.partial))
    }

    /// Puts back what [`Self::take_long_partial`] gave, when nothing was read.
    pub fn restore_partial(&mut self, partial: Vec<u8>) {
        self.partial = partial;
    }

    /// Counts since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Frames a block that begins with [`Self::partial`] and goes on with bytes just read.
    pub fn frame(&mut self, mut block: Vec<u8>) -> Lines {
        if self.is_closed() {
            return Lines::default();
        }
        if self.settings.framing == Framing::Octet {
            return self.frame_octet(block);
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
            // No line at all, and much of it: the block stays the partial line, uncopied.
            self.searched = rest.len();
            self.partial = block;
            return Lines::default();
        }
        if rest_fits {
            self.searched = rest.len();
            // An empty one holds no memory.
            self.partial = rest.to_vec();
            block.truncate(start);
            return Lines::from_parts(block, spans);
        }
        let rest = rest.to_vec();
        block.truncate(start);
        let mut lines = Lines::from_parts(block, spans);
        self.frame_oversized(&rest, &mut lines);
        lines
    }

    /// Ends the stream: what is left becomes a line without a terminator, or is dropped.
    pub fn finish(&mut self) -> Lines {
        if self.settings.framing == Framing::Octet {
            return self.finish_octet();
        }
        let mut lines = Lines::default();
        let rest = std::mem::take(&mut self.partial);
        let state = std::mem::replace(&mut self.state, State::Keeping);
        self.searched = 0;
        let max = self.settings.max_line;
        let mut rest = match state {
            State::Closed(_) => {
                self.state = state;
                return lines;
            }
            State::Discarding { kept } => &rest[..kept],
            State::Keeping | State::Splitting => &rest[..],
        };
        if rest.is_empty() {
            return lines;
        }
        if self.settings.partial == Partial::Drop {
            self.counts.partial_dropped += 1;
            return lines;
        }
        // Only a CR that waited for its LF can make the rest too long by now.
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

    /// The way of oversized lines: copies what policy keeps. Takes time linear in `rest`.
    fn frame_oversized(&mut self, rest: &[u8], lines: &mut Lines) {
        let LineSettings {
            framing,
            max_line,
            oversize,
            ..
        } = self.settings;
        // Set while in an oversized line of which nothing more is wanted.
        let mut kept = match self.state {
            State::Discarding { kept } => Some(kept),
            _ => None,
        };
        let mut counted = self.state == State::Splitting;
        let mut start = 0;
        let mut searched = if self.state == State::Splitting {
            self.searched
        } else {
            0
        };
        loop {
            // A CR among the kept bytes was not followed by what follows them now.
            let end = framing.next_end(rest, start + kept.unwrap_or(0), searched);
            let content = end
                .as_ref()
                .map_or(start + self.certain(&rest[start..]), |end| end.content);
            if kept.is_none() && content - start > max_line {
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
                        return;
                    }
                }
            }
            let Some(end) = end else { break };
            match kept.take() {
                None => lines.push(&rest[start..end.content], &rest[end.content..end.line]),
                Some(0) => {}
                Some(kept) => lines.push(&rest[start..start + kept], &rest[end.content..end.line]),
            }
            counted = false;
            start = end.line;
            searched = start;
        }
        self.keep_rest(&rest[start..], kept, counted);
    }

    /// Keeps of an unterminated rest what the next block needs.
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

    /// How many bytes of an unterminated rest are content for certain: a CR at its end may yet
    /// belong to the terminator.
    fn certain(&self, rest: &[u8]) -> usize {
        rest.len() - usize::from(rest.ends_with(b"\r") && self.settings.framing.waits_after_cr())
    }
}
