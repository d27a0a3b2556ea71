//! What waits to be written to the log.
//!
//! In: entries, from any thread, and what the thread that writes could not write. Out: batches of entries
//! for that thread. Nobody waits here but that thread and the one that ends the process: an entry for which
//! there is no room is dropped and counted.
//! Not here: writing (`writer`).

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::metrics::{DropReason, LogMetrics};

/// Most bytes that wait. As many may be in the hands of the thread that writes.
const ROOM: usize = 256 * 1024;
/// How long the thread that writes may make no progress before nobody waits for it any more.
const STUCK: Duration = Duration::from_millis(250);
/// Interval at which its progress is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Entries in the order in which they were logged. An entry may have several lines.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Where each entry ends.
    ends: Vec<usize>,
    /// How many entries were dropped after these.
    pub(super) dropped: u64,
}

/// Entries that are written together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    /// Where it begins in its batch.
    from: usize,
    /// Where each of its entries ends in the batch.
    ends: &'a [usize],
}

/// The entries that wait.
#[derive(Debug)]
pub(super) struct LogQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Batch,
    /// Whether the thread that writes waits for entries.
    idle: bool,
    /// Grows whenever that thread has written something, or has given something up.
    progress: u64,
    counts: LogMetrics,
}

// === impl Batch ===

impl Batch {
    /// The entries, in pieces of at most `most` bytes, or of one entry that is longer.
    pub(super) fn pieces(&self, most: usize) -> impl Iterator<Item = Piece<'_>> {
        let (mut from, mut left) = (0, &self.ends[..]);
        std::iter::from_fn(move || {
            let fitting = left.iter().take_while(|end| **end - from <= most);
            let (ends, rest) = left.split_at_checked(fitting.count().max(1))?;
            let piece = Piece {
                bytes: &self.bytes[from..*ends.last()?],
                from,
                ends,
            };
            (from, left) = (from + piece.bytes.len(), rest);
            Some(piece)
        })
    }

    fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.dropped == 0
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.dropped = 0;
    }
}

// === impl Piece ===

impl Piece<'_> {
    /// How many entries it has.
    pub(super) fn entries(&self) -> u64 {
        self.ends.len() as u64
    }

    /// How many entries are whole in its first `written` bytes, and whether these end inside another.
    pub(super) fn whole(&self, written: usize) -> (u64, bool) {
        let at = self.from + written;
        let whole = self.ends.iter().take_while(|end| **end <= at).count();
        let last = whole
            .checked_sub(1)
            .map_or(self.from, |last| self.ends[last]);
        (whole as u64, last < at)
    }
}

// === impl LogQueue ===

impl LogQueue {
    /// An empty queue, whose losses count in `counts`.
    pub(super) fn new(counts: LogMetrics) -> Self {
        Self {
            state: Mutex::new(State {
                counts,
                ..State::default()
            }),
            changed: Condvar::new(),
        }
    }

    /// Adds an entry, or drops it if there is no room.
    pub(super) fn push(&self, entry: &[u8]) {
        let mut state = self.state();
        let waiting = &mut state.waiting;
        // A single entry always has room: it is in memory already.
        if !waiting.ends.is_empty() && waiting.bytes.len() + entry.len() > ROOM {
            waiting.dropped += 1;
            state.counts.dropped.of(DropReason::Full).inc();
            return;
        }
        waiting.bytes.extend_from_slice(entry);
        waiting.ends.push(waiting.bytes.len());
        if state.idle {
            self.changed.notify_all();
        }
    }

    /// Waits for entries, and exchanges them for `batch`, which has been written.
    pub(super) fn take(&self, batch: &mut Batch) {
        batch.clear();
        let mut state = self.state();
        while state.waiting.is_empty() {
            state.idle = true;
            self.changed.notify_all();
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.idle = false;
        std::mem::swap(&mut state.waiting, batch);
    }

    /// Notes that a piece was written except for `lost` of its entries.
    pub(super) fn note(&self, written: u64, lost: u64) {
        let mut state = self.state();
        state.progress += 1;
        state.counts.written.inc_by(written);
        state.counts.dropped.of(DropReason::Error).inc_by(lost);
    }

    /// Waits until everything is written, for `most` at the longest, and less if the thread that writes is
    /// stuck.
    pub(super) fn flush(&self, most: Duration) {
        let end = Instant::now() + most;
        let mut state = self.state();
        let (mut seen, mut since) = (state.progress, Instant::now());
        while !(state.idle && state.waiting.is_empty()) {
            let now = Instant::now();
            if state.progress != seen {
                (seen, since) = (state.progress, now);
            }
            if now >= end || now >= since + STUCK {
                return;
            }
            let waited = self.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> LogMetrics {
        LogMetrics::default()
    }

    #[test]
    fn what_has_no_room_is_dropped_and_counted() {
        let counts = counts();
        let queue = LogQueue::new(counts.clone());
        let entry = vec![b'a'; ROOM / 4];
        (0..7).for_each(|_| queue.push(&entry));
        assert_eq!(counts.dropped.of(DropReason::Full).get(), 3);
        let mut batch = Batch::default();
        queue.take(&mut batch);
        assert_eq!((batch.ends.len(), batch.dropped), (4, 3));
        queue.push(b"b\n");
        queue.take(&mut batch);
        assert_eq!((&batch.bytes[..], batch.dropped), (&b"b\n"[..], 0));
    }

    #[test]
    fn an_entry_longer_than_the_room_is_taken_alone() {
        let queue = LogQueue::new(counts());
        queue.push(&vec![b'a'; 2 * ROOM]);
        queue.push(b"b\n");
        let mut batch = Batch::default();
        queue.take(&mut batch);
        assert_eq!((batch.bytes.len(), batch.dropped), (2 * ROOM, 1));
    }

    #[test]
    fn a_batch_is_written_in_whole_entries() {
        let queue = LogQueue::new(counts());
        for entry in ["aa\n", "b\n", "cccccccc\n", "d\n", "e\n"] {
            queue.push(entry.as_bytes());
        }
        let mut batch = Batch::default();
        queue.take(&mut batch);
        let pieces: Vec<_> = batch.pieces(5).collect();
        let bytes: Vec<_> = pieces.iter().map(|piece| piece.bytes).collect();
        assert_eq!(bytes, [&b"aa\nb\n"[..], b"cccccccc\n", b"d\ne\n"]);
        let whole: Vec<_> = (0..=4).map(|at| pieces[2].whole(at)).collect();
        let expected = [(0, false), (0, true), (1, false), (1, true), (2, false)];
        assert_eq!(whole, expected);
    }

    #[test]
    fn nobody_waits_for_a_thread_that_is_stuck() {
        let queue = LogQueue::new(counts());
        queue.push(b"a\n");
        let start = Instant::now();
        queue.flush(Duration::from_secs(60));
        let took = start.elapsed();
        assert!(took >= STUCK && took < Duration::from_secs(10), "{took:?}");
    }
}
