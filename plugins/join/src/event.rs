//! The event under way: its lines so far, within bounds.
//!
//! In: lines, and the time. Out: events as one line each. Not here: which lines belong together (`rules`).
//!
//! An event that has reached a bound is emitted, and its next line begins another one. So no line is lost,
//! and what is held back never exceeds the bounds. A line that reaches the bound on its own is not held back.

use std::time::Duration;

use linemill_sdk::{Error, Output};

/// The bounds of an event, and what is between its lines.
pub(crate) struct Form {
    pub(crate) separator: Vec<u8>,
    pub(crate) max_lines: u32,
    pub(crate) max_bytes: usize,
    /// How long an event is held back after its latest line. Zero: until another line ends it.
    pub(crate) flush: Duration,
}

/// The event under way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// An event is under way. All of its lines so far may have been emitted.
    under_way: bool,
    /// The lines that are held back, with separators between them. Empty if `lines` is 0.
    bytes: Vec<u8>,
    /// How many lines are held back.
    lines: u32,
    /// When the latest of them came; `None` until the tick after it.
    since: Option<Duration>,
}

impl Event {
    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// Ends the event under way, if there is one.
    pub(crate) fn end(&mut self, out: &mut Output<'_>) {
        self.emit(out);
        self.under_way = false;
    }

    /// Adds a line to the event under way. If there is none, it begins one.
    pub(crate) fn add(&mut self, line: &[u8], form: &Form, out: &mut Output<'_>) {
        self.under_way = true;
        let longer = self.bytes.len() + form.separator.len() + line.len();
        // The settings may have changed, so either bound may have been reached already.
        if self.lines >= form.max_lines || (self.lines > 0 && longer > form.max_bytes) {
            self.emit(out);
        }
        if self.lines == 0 && (line.len() >= form.max_bytes || form.max_lines == 1) {
            out.emit(line);
            return;
        }
        if self.lines > 0 {
            self.bytes.extend_from_slice(&form.separator);
        }
        self.bytes.extend_from_slice(line);
        self.lines += 1;
        self.since = None;
        if self.lines == form.max_lines || self.bytes.len() == form.max_bytes {
            self.emit(out);
        }
    }

    /// Emits what has been held back for long enough. Returns when to look again.
    pub(crate) fn tick(
        &mut self,
        now: Duration,
        form: &Form,
        out: &mut Output<'_>,
    ) -> Option<Duration> {
        if self.lines == 0 || form.flush.is_zero() {
            return None;
        }
        let due = self.since.get_or_insert(now).saturating_add(form.flush);
        if now < due {
            return Some(due);
        }
        self.emit(out);
        None
    }

    fn emit(&mut self, out: &mut Output<'_>) {
        if self.lines > 0 {
            out.emit(&self.bytes);
            self.bytes.clear();
            (self.lines, self.since) = (0, None);
        }
    }

    // === State: a byte of flags, 4 bytes of `lines`, and 8 of `since` in nanoseconds, little-endian, then
    // the lines.

    pub(crate) fn save(&self) -> Vec<u8> {
        let since = self.since.map(|since| since.as_nanos() as u64);
        let flags = u8::from(self.under_way) * UNDER_WAY + u8::from(since.is_some()) * TIMED;
        let mut state = Vec::with_capacity(HEADER + self.bytes.len());
        state.push(flags);
        state.extend(self.lines.to_le_bytes());
        state.extend(since.unwrap_or(0).to_le_bytes());
        state.extend(&self.bytes);
        state
    }

    pub(crate) fn restore(state: &[u8]) -> Result<Self, Error> {
        let Some((header, bytes)) = state.split_first_chunk::<HEADER>() else {
            return Err(Error::new(format!(
                "the state has {} bytes, fewer than {HEADER}",
                state.len()
            )));
        };
        let [flags, l0, l1, l2, l3, since @ ..] = *header;
        let event = Self {
            under_way: flags & UNDER_WAY != 0,
            bytes: bytes.to_vec(),
            lines: u32::from_le_bytes([l0, l1, l2, l3]),
            since: (flags & TIMED != 0).then(|| Duration::from_nanos(u64::from_le_bytes(since))),
        };
        let consistent = flags & !(UNDER_WAY | TIMED) == 0
            && (event.lines == 0 || event.under_way)
            && (event.lines > 0 || (event.bytes.is_empty() && event.since.is_none()));
        if consistent {
            Ok(event)
        } else {
            Err(Error::new("the state contradicts itself"))
        }
    }
}

/// The bytes of a state before its lines.
const HEADER: usize = 13;
/// The bits of the flags.
const UNDER_WAY: u8 = 1;
const TIMED: u8 = 2;
