//! Collects what a filter does with each line of a call.
//!
//! In: calls of the filter on [`Output`], line by line. Out: the block of output lines for the
//! host, with the verdicts. Not here: what a line means. The host's spans are not trusted: an
//! invalid one panics, which is a trap.
//!
//! The main invariant: **the output so far is `bytes`, followed by `block[taken..]` up to the line
//! being judged.** So a line that passes requires no work, and a run of passing lines is copied in
//! one piece, including terminators, once something else has to be written.
//!
//! As long as each line became one line of the same length, offsets in the output equal those in
//! the input, so neither spans nor counts are recorded. During that time `taken` may also be ahead
//! of the line being judged: `bytes` then already contains later lines, so that they can be changed
//! in place.

mod block;
mod map;
mod run;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::io;
use std::ptr;

use crate::batch::{Failure, Routed};

pub use map::map_bytes;

/// Receives the output of a filter for the line being judged.
///
/// If the filter calls nothing, the line is dropped. [`emit`](Self::emit) and [`map`](Self::map)
/// output one line each. [`push`](Self::push) and `write!` append to an unfinished line. That line
/// ends when the filter calls [`end`](Self::end), or calls `emit` or `map` with the last part of
/// it, or returns from [`Filter::line`](crate::Filter::line).
///
/// An output line must not contain the terminator of the stream's framing, such as LF. If it does,
/// the host treats the input line as failed.
pub struct Output<'a> {
    /// The lines of the call, with the gaps between them.
    block: &'a [u8],
    /// Start and end of each line in `block`.
    block_spans: &'a [u32],
    /// How many lines have been begun; the last of them is the line being judged.
    begun: usize,
    /// The content of the line being judged, and where it starts in `block`.
    line: &'a [u8],
    start: usize,
    /// Where the next line starts. The gap of the line being judged ends there.
    next: usize,

    /// Output that had to be written. While `spans` is `None`, its length is `taken`.
    bytes: Vec<u8>,
    /// `block` before this index is in `bytes`, or was replaced or dropped. It may be beyond the
    /// line being judged only while `spans` is `None`.
    taken: usize,
    /// Spans of the output lines; `None` while they equal the input's.
    spans: Option<Vec<u32>>,
    /// The number of output lines of each line judged so far; `None` while all are 1.
    counts: Option<Vec<u32>>,
    failures: Vec<Failure>,
    routed: Vec<Routed>,
    close_after: Option<u32>,
    /// The names of the declared routes.
    routes: &'a [String],

    /// How many lines have been output for the line being judged.
    made: u32,
    /// The line being judged was emitted unchanged, is the only output so far, and is not in
    /// `bytes` yet.
    passed: bool,
    /// A line is unfinished; `bytes[open_at..]` is its content so far.
    open: bool,
    open_at: usize,
    /// Where in `bytes` the output for the line being judged starts. Set only if there is any.
    output_start: usize,
    /// `failed` or `route` is set.
    failed_or_routed: bool,
    failed: Option<Vec<u8>>,
    route: Option<u32>,
}

impl<'a> Output<'a> {
    /// Outputs `line`. If it is the very slice that the filter received, nothing is copied.
    ///
    /// If a line is unfinished, `line` is appended to it and ends it.
    #[inline]
    pub fn emit(&mut self, line: impl AsRef<[u8]>) {
        let line = line.as_ref();
        if self.made == 0 && !self.open && ptr::eq(line, self.line) {
            self.made = 1;
            self.passed = true;
        } else {
            self.push(line);
            self.end();
        }
    }

    /// Outputs `line` with each byte changed by `change`. This is the fastest way to change a line:
    /// if `change` is plain arithmetic, the compiler vectorises it.
    ///
    /// If a line is unfinished, the result is appended to it and ends it.
    #[inline]
    pub fn map(&mut self, line: &[u8], change: impl Fn(u8) -> u8) {
        let in_place = self.made == 0 && !self.open && self.spans.is_none();
        if in_place && line.len() == self.line.len() {
            let end = self.line_end();
            if self.taken < end {
                self.copy_ahead();
            }
            map::map_into(&mut self.bytes[self.start..end], line, change);
            self.made = 1;
        } else {
            if !self.open {
                self.open();
            }
            self.bytes.extend(line.iter().map(|&byte| change(byte)));
            self.end();
        }
    }

    /// Appends to the unfinished line, or begins a line.
    #[inline]
    pub fn push(&mut self, part: impl AsRef<[u8]>) {
        if !self.open {
            self.open();
        }
        self.bytes.extend_from_slice(part.as_ref());
    }

    /// Appends formatted text to the unfinished line, or begins a line: `write!(out, "{n} ")`.
    ///
    /// Unlike the method of [`io::Write`], which `Output` implements for serializers, it returns no
    /// error to handle.
    #[inline]
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) {
        if !self.open {
            self.open();
        }
        // Writing to a vector cannot fail. If a `Display` implementation fails, its text ends
        // early.
        let _ = io::Write::write_fmt(&mut self.bytes, text);
    }

    /// Ends the unfinished line. If there is none, outputs an empty line.
    #[inline]
    pub fn end(&mut self) {
        if !self.open {
            self.open();
        }
        let span = [offset(self.open_at), offset(self.bytes.len())];
        if let Some(spans) = &mut self.spans {
            spans.extend(span);
        } else if self.made > 0 || self.bytes.len() != self.line_end() {
            self.start_spans(self.begun - 1 + self.made as usize)
                .extend(span);
        }
        self.open = false;
        self.made += 1;
    }

    /// Reports that the line could not be handled, and why. The configuration's `on_error` decides
    /// what happens to it. All other output for this line, earlier or later, is discarded.
    ///
    /// The host shows at most 1,024 bytes of the reason. Only the first call for a line counts.
    #[cold]
    pub fn fail(&mut self, reason: impl Into<Vec<u8>>) {
        if self.failed.is_none() {
            self.failed_or_routed = true;
            self.failed = Some(reason.into());
        }
    }

    /// Sends all output for this line, earlier or later, by a route: out of the chain, to the
    /// destination that the configuration gives the route. If it gives none, the lines continue as
    /// others do.
    ///
    /// A line that fails, or has no output, takes no route. If this is called several times, the
    /// last call counts. In [`Filter::finish`](crate::Filter::finish), the route applies to all
    /// lines that are output there.
    ///
    /// ```
    /// use linemill_sdk::testing::{self, Verdict, json};
    /// use linemill_sdk::{Error, Filter, NoSettings, Output};
    ///
    /// /// Sends lines that are not UTF-8 by a route.
    /// struct Text;
    ///
    /// impl Filter for Text {
    ///     type Settings = NoSettings;
    ///
    ///     fn new(_: NoSettings) -> Result<Self, Error> {
    ///         Ok(Self)
    ///     }
    ///
    ///     fn routes(&self) -> Vec<String> {
    ///         vec!["binary".to_owned()]
    ///     }
    ///
    ///     fn line(&mut self, line: &[u8], out: &mut Output) {
    ///         if std::str::from_utf8(line).is_err() {
    ///             out.route("binary");
    ///         }
    ///         out.emit(line);
    ///     }
    /// }
    ///
    /// let input: [&[u8]; 2] = [b"text", b"\xff"];
    /// assert_eq!(
    ///     testing::verdicts::<Text>(json!({}), input),
    ///     [Verdict::Pass, Verdict::Pass.by("binary")],
    /// );
    /// ```
    ///
    /// # Panics
    /// If [`Filter::routes`](crate::Filter::routes) did not declare `name`.
    #[inline]
    pub fn route(&mut self, name: &str) {
        match self.routes.iter().position(|route| route == name) {
            Some(route) => {
                self.failed_or_routed = true;
                self.route = Some(offset(route));
            }
            None => panic!("route `{name}` is not declared; return it from `Filter::routes`"),
        }
    }

    /// Closes the connection once the output for this line has been written. Later lines are not
    /// judged. It has no effect in [`Filter::finish`](crate::Filter::finish).
    #[cold]
    pub fn close(&mut self) {
        if self.close_after.is_none() {
            self.close_after = Some(offset(self.begun - 1));
        }
    }
}

/// Appends to the unfinished line, for serializers such as `serde_json::to_writer`. Never fails.
impl io::Write for Output<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.push(part);
        Ok(part.len())
    }

    fn write_all(&mut self, part: &[u8]) -> io::Result<()> {
        self.push(part);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Converts an offset or a count to the type that the host expects.
#[inline]
fn offset(index: usize) -> u32 {
    // On wasm32 both types have 32 bits. In native builds, only tests create blocks, and small
    // ones.
    u32::try_from(index).unwrap_or_else(|_| panic!("{index} does not fit into 32 bits"))
}
