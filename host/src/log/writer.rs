//! The thread that writes the log.
//!
//! In: batches from the queue. Out: bytes on standard error. Nothing that happens to standard error ends
//! the thread, and nobody waits for it: an entry that cannot be written is dropped and counted, and the next
//! one is tried again.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::queue::{Batch, LogQueue};

/// Most bytes of several entries that are written together. Linux writes as many to a pipe in one piece
/// (`PIPE_BUF`), so that what other processes write to it comes before or after.
const PIECE: usize = 4096;
/// Pause while standard error is non-blocking and full.
const PAUSE: Duration = Duration::from_millis(20);

/// Standard error as it is: what `std` has on top of it takes a closed one for an open one.
pub(super) struct Stderr;

/// Writes the entries of one queue.
pub(super) struct LogWriter<W> {
    queue: Arc<LogQueue>,
    out: W,
    /// Whether the last bytes written are the first ones of an entry.
    torn: bool,
    /// Entries that were dropped and that the log does not mention yet.
    untold: u64,
    /// How the log mentions them.
    notice: Box<dyn Fn(u64) -> String + Send>,
}

impl<W: Write + Send + 'static> LogWriter<W> {
    /// Writes to `out`. `notice` makes the entry that says how many were dropped.
    pub(super) fn new(
        queue: Arc<LogQueue>,
        out: W,
        notice: impl Fn(u64) -> String + Send + 'static,
    ) -> Self {
        Self {
            queue,
            out,
            torn: false,
            untold: 0,
            notice: Box::new(notice),
        }
    }

    /// Writes in a thread of its own, until the process ends.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(super) fn spawn(mut self) -> io::Result<()> {
        let thread = thread::Builder::new().name("log".into());
        let running = thread.spawn(move || {
            let mut batch = Batch::default();
            loop {
                self.queue.take(&mut batch);
                self.write_batch(&batch);
            }
        });
        running.map(drop)
    }

    fn write_batch(&mut self, batch: &Batch) {
        let mut takes_more = true;
        for piece in batch.pieces(PIECE) {
            self.end_torn();
            let (written, torn) = piece.whole(self.write_all(piece.bytes));
            let lost = piece.entries() - written;
            self.torn |= torn;
            self.untold += lost;
            self.queue.note(written, lost);
            takes_more = lost == 0;
        }
        self.untold += batch.dropped;
        if self.untold > 0 && takes_more {
            self.tell();
        }
    }

    /// Writes how many entries were dropped.
    fn tell(&mut self) {
        let notice = (self.notice)(self.untold);
        let written = self.write_all(notice.as_bytes());
        if written == notice.len() {
            self.untold = 0;
        }
        self.torn |= (1..notice.len()).contains(&written);
    }

    /// Ends the line in which the last write stopped.
    fn end_torn(&mut self) {
        if self.torn && self.write_all(b"\n") == 1 {
            self.torn = false;
        }
    }

    /// Writes `bytes`, and returns how many were written before an error.
    fn write_all(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.out.write(&bytes[written..]) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Whoever shares it with the host has made it so.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(_) => break,
            }
        }
        written
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(unix)]
        return rustix::io::write(io::stderr(), bytes).map_err(io::Error::from);
        #[cfg(not(unix))]
        return io::stderr().write(bytes);
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::log::metrics::{DropReason, LogMetrics};

    /// Takes what each answer says; then everything.
    #[derive(Default)]
    struct Disk {
        answers: VecDeque<Result<usize, ErrorKind>>,
        taken: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = match self.answers.pop_front() {
                Some(answer) => answer?.min(bytes.len()),
                None => bytes.len(),
            };
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of `batches`, each of whose lines is an entry, if the disk answers so; and the counts.
    fn written(
        batches: &[&str],
        answers: impl IntoIterator<Item = Result<usize, ErrorKind>>,
    ) -> (String, u64, u64) {
        let counts = LogMetrics::default();
        let queue = Arc::new(LogQueue::new(counts.clone()));
        let disk = Disk {
            answers: answers.into_iter().collect(),
            taken: Vec::new(),
        };
        let notice = |dropped| format!("dropped {dropped}\n");
        let mut writer = LogWriter::new(Arc::clone(&queue), disk, notice);
        let mut batch = Batch::default();
        for lines in batches {
            for line in lines.split_inclusive('\n') {
                queue.push(line.as_bytes());
            }
            queue.take(&mut batch);
            writer.write_batch(&batch);
        }
        let text = String::from_utf8(writer.out.taken).expect("text");
        let dropped = counts.dropped.of(DropReason::Error).get();
        (text, counts.written.get(), dropped)
    }

    #[test]
    fn an_error_loses_what_was_not_written_and_no_more() {
        use ErrorKind::{BrokenPipe, Interrupted, StorageFull, WouldBlock};
        for error in [BrokenPipe, StorageFull] {
            let found = written(&["a\nb\n", "c\n"], [Err(error)]);
            assert_eq!(found, ("c\ndropped 2\n".into(), 1, 2));
            // The first line and half of the second one.
            let found = written(&["a\nbb\n", "c\n"], [Ok(3), Err(error)]);
            assert_eq!(found, ("a\nb\nc\ndropped 1\n".into(), 2, 1));
            // Nor can it be said that there was an error.
            let found = written(&["a\n", "b\n", "c\n"], [Err(error), Ok(9), Err(error)]);
            assert_eq!(found, ("b\nc\ndropped 1\n".into(), 2, 1));
        }
        let found = written(&["a\nb\n"], [Err(Interrupted), Ok(1), Err(WouldBlock)]);
        assert_eq!(found, ("a\nb\n".into(), 2, 0));
    }

    #[test]
    fn a_device_that_takes_nothing_is_tried_once_per_piece() {
        let line = format!("{}\n", "a".repeat(PIECE));
        let answers = vec![Ok(0); 4];
        let found = written(&[&line.repeat(3), "b\n", "c\n"], answers);
        assert_eq!(found, ("c\ndropped 4\n".into(), 1, 4));
    }

    #[test]
    fn what_the_queue_had_no_room_for_is_said_behind_what_it_had() {
        let lines = format!("{}\n", "a".repeat(1023)).repeat(300);
        let (text, written, _) = written(&[&lines, "b\n"], []);
        assert_eq!(written, 257);
        assert!(
            text.ends_with("a\ndropped 44\nb\n"),
            "{}",
            &text[text.len() - 40..]
        );
    }
}
