//! Collects what a child process writes to one of its pipes, while it runs.
//!
//! In: the reading end of a pipe. Out: the bytes so far, or a wait for a line or for the end.
//! A thread reads all the time, so that the child never blocks on a full pipe.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{PATIENCE, show};

/// Longest run of a verb that ends by itself: `build` compiles a filter and all it depends on.
const A_RUN: Duration = Duration::from_secs(300);

/// A pipe being read.
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

    /// What has come so far, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    /// Everything, once the child has closed the pipe.
    pub(crate) fn whole(&self) -> Vec<u8> {
        self.wait(A_RUN, "the end of the output", |read| {
            read.ended.then(|| read.bytes.clone())
        })
    }

    pub(crate) fn whole_text(&self) -> String {
        String::from_utf8_lossy(&self.whole()).into_owned()
    }

    /// The bytes, once there are at least `count` of them.
    pub(crate) fn at_least(&self, count: usize) -> Vec<u8> {
        self.wait(PATIENCE, &format!("{count} bytes of output"), |read| {
            (read.bytes.len() >= count).then(|| read.bytes.clone())
        })
    }

    /// The rest of the complete line number `nth` among those that start with `start`.
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

    /// Waits until the text so far contains `part`.
    pub(crate) fn contains(&self, part: &str) {
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
