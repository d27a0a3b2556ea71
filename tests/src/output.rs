//! Collects what a running child process writes to a pipe.
//!
//! In: the reading end of the pipe. Out: the bytes so far; waits for a text, a line, or the end.
//! A thread reads continuously, so that the child never blocks on a full pipe.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{PATIENCE, show};

/// Longest run of a verb: `build` compiles a filter with all its dependencies.
const LONGEST_RUN: Duration = Duration::from_secs(300);

/// A pipe that is being read.
#[derive(Debug, Clone)]
pub(crate) struct Output(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    read: Mutex<ReadSoFar>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct ReadSoFar {
    bytes: Vec<u8>,
    ended: bool,
}

impl Output {
    pub(crate) fn collect(mut pipe: impl Read + Send + 'static) -> Self {
        let output = Self(Arc::default());
        let shared = Arc::clone(&output.0);
        thread::spawn(move || {
            let mut chunk = vec![0; 64 * 1024];
            loop {
                let count = pipe.read(&mut chunk).unwrap_or(0);
                let mut read = shared.read.lock().unwrap_or_else(PoisonError::into_inner);
                read.bytes.extend_from_slice(&chunk[..count]);
                read.ended = count == 0;
                shared.changed.notify_all();
                if read.ended {
                    return;
                }
            }
        });
        output
    }

    /// The output so far, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    /// All output, once the child has closed the pipe.
    pub(crate) fn whole(&self) -> Vec<u8> {
        self.wait(LONGEST_RUN, "the end of the output", |read| {
            read.ended.then(|| read.bytes.clone())
        })
    }

    pub(crate) fn whole_text(&self) -> String {
        String::from_utf8_lossy(&self.whole()).into_owned()
    }

    /// The output so far, once there are at least `count` bytes of it.
    pub(crate) fn at_least(&self, count: usize) -> Vec<u8> {
        self.wait(PATIENCE, &format!("{count} bytes of output"), |read| {
            (read.bytes.len() >= count).then(|| read.bytes.clone())
        })
    }

    /// Waits for the `nth` complete line, from 0, of those that start with `start`; returns the rest of
    /// that line.
    pub(crate) fn line(&self, start: &str, nth: usize) -> String {
        self.wait(
            PATIENCE,
            &format!("line {nth} that starts with {start:?}"),
            |read| {
                let end = read.bytes.iter().rposition(|&byte| byte == b'\n')?;
                let text = String::from_utf8_lossy(&read.bytes[..end]);
                text.lines()
                    .filter_map(|line| line.strip_prefix(start))
                    .nth(nth)
                    .map(str::to_owned)
            },
        )
    }

    /// Waits until the output so far contains `part`.
    pub(crate) fn wait_for(&self, part: &str) {
        self.wait(PATIENCE, &format!("{part:?}"), |read| {
            String::from_utf8_lossy(&read.bytes)
                .contains(part)
                .then_some(())
        });
    }

    fn wait<T>(
        &self,
        patience: Duration,
        what: &str,
        ready: impl Fn(&ReadSoFar) -> Option<T>,
    ) -> T {
        let start = Instant::now();
        let mut read = self.lock();
        loop {
            if let Some(value) = ready(&read) {
                return value;
            }
            let left = patience.saturating_sub(start.elapsed());
            assert!(
                !read.ended && !left.is_zero(),
                "output lacks {what}: {}",
                show(&read.bytes)
            );
            read = self
                .0
                .changed
                .wait_timeout(read, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, ReadSoFar> {
        self.0.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
