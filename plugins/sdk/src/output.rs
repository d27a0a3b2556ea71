//! What a filter says about one line → the block that goes back to the host.
//!
//! It never looks at what a line means, and it trusts no number of the host: a span out of place
//! panics, which is a trap.
//!
//! The one invariant: **the output so far is `bytes` followed by `block[taken..]` up to the line
//! being judged.** A line that passes is therefore no work at all, and runs of passing lines are
//! copied in one piece, terminators included, when something else has to be written.
//!
//! As long as every line became one line of its own length, offsets in the output equal those in
//! the input, and neither spans nor counts are written down. In that time `taken` may also be
//! ahead: `bytes` then holds lines still to be judged, to be changed where they are.

mod map;
mod settle;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::ptr;

use crate::batch::{Failure, Routed};

pub use map::map_bytes;

/// Takes what becomes of a line.
///
/// Nothing called: the line is dropped. [`emit`](Self::emit) and [`map`](Self::map) make one line
/// each. [`push`](Self::push) and `write!` add to a line under construction, which ends at
/// [`end`](Self::end), at the next `emit` or `map` (whose bytes are its last), or at the latest
/// when [`Filter::line`](crate::Filter::line) returns.
///
/// A line must not hold the terminator of the stream's framing, such as LF; the host treats it as
/// failed if it does.
pub struct Output<'a> {
    /// The call's lines with the gaps between them.
    block: &'a [u8],
    /// Start and end of each line in `block`.
    block_spans: &'a [u32],
    /// Lines begun so far; the last of them is the one being judged.
    begun: usize,
    /// Content of the line being judged, and where it starts in `block`.
    line: &'a [u8],
    start: usize,
    /// Where the line after it starts. Between the two is its gap.
    next: usize,

    /// Output that had to be written. While `spans` is `None`, `taken` is its length.
    bytes: Vec<u8>,
    /// `block` before this index is in `bytes`, or was replaced or dropped. Only while `spans` is
    /// `None` may it be beyond the line being judged.
    taken: usize,
    /// Spans of the output lines; `None` while they equal the input's.
    spans: Option<Vec<u32>>,
    /// Output lines of each input line before this one; `None` while that is one each.
    counts: Option<Vec<u32>>,
    failures: Vec<Failure>,
    routed: Vec<Routed>,
    close_after: Option<u32>,
    /// The names of the routes there are.
    routes: &'a [String],

    /// Lines made of the line being judged.
    made: u32,
    /// The first of those is the line itself and is not in `bytes` yet: nothing else was made.
    passed: bool,
    /// A line is under construction, and `bytes[open_at..]` is what there is of it.
    open: bool,
    open_at: usize,
    /// Where in `bytes` the output of the line being judged starts. Only set once there is some.
    mark: usize,
    /// `failed` or `route` is set.
    marked: bool,
    failed: Option<Vec<u8>>,
    route: Option<u32>,
}

impl<'a> Output<'a> {
    /// Emits `line`: as it is when it is the line being judged, which costs nothing.
    ///
    /// If a line is under construction, `line` is its last part.
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

    /// Emits `line` with each byte changed by `change`: the quickest way, as it is vectorised when
    /// `change` is plain arithmetic.
    ///
    /// If a line is under construction, the result is its last part.
    #[inline]
    pub fn map(&mut self, line: &[u8], change: impl Fn(u8) -> u8) {
        let in_place = self.made == 0 && !self.open && self.spans.is_none();
        if in_place && line.len() == self.line.len() {
            let end = self.line_end();
            if self.taken < end {
                self.take_ahead();
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

    /// Adds to the line under construction, or begins one.
    #[inline]
    pub fn push(&mut self, part: impl AsRef<[u8]>) {
        if !self.open {
            self.open();
        }
        self.bytes.extend_from_slice(part.as_ref());
    }

    /// Adds formatted text to the line under construction: `write!(out, "{n} ")`.
    ///
    /// Unlike [`io::Write`], which is there for serializers, it has no error to look at.
    #[inline]
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) {
        if !self.open {
            self.open();
        }
        // Writing to a vector cannot fail; a `Display` that does ends its text early.
        let _ = io::Write::write_fmt(&mut self.bytes, text);
    }

    /// Ends the line under construction; an empty line if there is none.
    #[inline]
    pub fn end(&mut self) {
        if !self.open {
            self.open();
        }
        let span = [offset(self.open_at), offset(self.bytes.len())];
        if let Some(spans) = &mut self.spans {
            spans.extend(span);
        } else if self.made > 0 || self.bytes.len() != self.line_end() {
            self.write_spans(self.begun - 1 + self.made as usize)
                .extend(span);
        }
        self.open = false;
        self.made += 1;
    }

    /// The line could not be handled, and why: the configuration's `on_error` decides what becomes
    /// of it. Whatever else is made of this line, before or after, is discarded.
    ///
    /// The host shows at most 1,024 bytes of the reason, and only the first reason counts.
    #[cold]
    pub fn fail(&mut self, reason: impl Into<Vec<u8>>) {
        if self.failed.is_none() {
            self.marked = true;
            self.failed = Some(reason.into());
        }
    }

    /// Sends all that is made of this line, before or after, by a route: out of the chain, to where
    /// the configuration leads that route. If it leads nowhere, the lines go on as others do.
    ///
    /// A line that fails, or of which nothing is made, takes no route. Of several routes the last
    /// counts. At the end of the stream all that is given back takes the route.
    ///
    /// ```
    /// use linemill_sdk::testing::{self, Verdict, json};
    /// use linemill_sdk::{Error, Filter, NoSettings, Output};
    ///
    /// /// Sends lines that are not UTF-8 another way.
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
                self.marked = true;
                self.route = Some(offset(route));
            }
            None => panic!("route `{name}` is not among those that `Filter::routes` declares"),
        }
    }

    /// Closes the connection once the output of this line has been written. Later lines are not
    /// judged any more. At the end of the stream it has no effect.
    #[cold]
    pub fn close(&mut self) {
        if self.close_after.is_none() {
            self.close_after = Some(offset(self.begun - 1));
        }
    }
}

/// For serializers, such as `serde_json::to_writer`; never fails.
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

/// An offset or a count as it crosses to the host.
#[inline]
fn offset(index: usize) -> u32 {
    // On wasm32 the two are equal; elsewhere a block is as small as the tests make it.
    u32::try_from(index).unwrap_or_else(|_| panic!("{index} does not fit into 32 bits"))
}
