//! How long a load waits for file systems.
//!
//! In: work that may block, such as reading a file over a network, and the path it concerns. Out: its
//! result, or [`NoAnswer`] once the time of the load is used up. A thread of its own does the work.
//! It cannot be interrupted, so it is abandoned then. As long as it is blocked, further work on its
//! path is refused at once: loads that are repeated do not pile up threads. What a load looks for is
//! recorded as its [`Inputs`], found or not.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::inputs::{Content, Input, Inputs, Question, Stamp, is_absence, read_stamped};
use super::{ReadError, read_regular};

/// How long a load waits for all its files together.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits for a file at least, after others have used up the time.
const LEAST: Duration = Duration::from_millis(250);

/// Access to the files of one load. Clones share its time.
#[derive(Debug, Clone)]
pub struct Files {
    left: Arc<Mutex<Duration>>,
    /// Records what is looked for; `None` if nobody will look again.
    inputs: Option<Inputs>,
}

/// A file system took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its file system does not answer")]
pub struct NoAnswer;

/// Why a file is not read that another process still writes to.
const BEING_WRITTEN: &str = "it is still being written to";

/// What to do about [`NoAnswer`].
pub const NO_ANSWER: &str = "check the file system that it is on, then load again";

/// The paths that abandoned threads are blocked on.
static SILENT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

impl Files {
    /// Access to the files of a load whose inputs are recorded.
    pub fn recording(inputs: &Inputs) -> Self {
        Self {
            inputs: Some(inputs.clone()),
            ..Self::default()
        }
    }

    /// Access to files that must answer within `patience` together.
    pub fn within(patience: Duration) -> Self {
        Self {
            left: Arc::new(Mutex::new(patience)),
            inputs: None,
        }
    }

    /// Reads the regular file at `path` whole, if it has at most `limit` bytes. Symbolic links are
    /// followed. Blocks, but not for longer than the time of the load.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let own = path.to_owned();
        let Some(inputs) = &self.inputs else {
            return self.ask(path, move || read_regular(&own, limit))?;
        };
        if inputs.holds_back(path) {
            self.note(path, Question::File(limit), Content::Unsettled, None);
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, BEING_WRITTEN).into());
        }
        let (stamp, read) = match self.ask(path, move || read_stamped(&own, limit)) {
            Ok(read) => read,
            Err(no_answer) => (None, Err(no_answer.into())),
        };
        let content = Content::of(&read).unwrap_or(Content::Unknown);
        self.note(path, Question::File(limit), content, stamp);
        read
    }

    /// Whether there is anything at `path`. If it cannot be accessed, there is: reading it says why not.
    /// Blocks, but not for longer than the time of the load.
    ///
    /// # Errors
    /// When the file system takes too long.
    pub fn exists(&self, path: &Path) -> Result<bool, NoAnswer> {
        let own = path.to_owned();
        let missing = self.ask(path, move || {
            let found = own.metadata();
            found.is_err_and(|error| is_absence(&error))
        })?;
        if missing {
            self.note(path, Question::File(0), Content::Missing, None);
        }
        Ok(!missing)
    }

    /// The names that `list` finds below `start`. Blocks, but not for longer than the time of the load.
    ///
    /// # Errors
    /// When the file system takes too long; within that, the error of `list`.
    pub fn list(
        &self,
        start: &Path,
        list: impl Fn() -> io::Result<Vec<PathBuf>> + Send + Sync + 'static,
    ) -> Result<io::Result<Vec<PathBuf>>, NoAnswer> {
        let list = Arc::new(list);
        let own = Arc::clone(&list);
        let found = self.ask(start, move || own());
        let content = match &found {
            Ok(Ok(names)) => Some(Content::of_names(names)),
            Ok(Err(error)) => Content::of_failure(error),
            Err(NoAnswer) => None,
        };
        self.note(
            start,
            Question::List(list),
            content.unwrap_or(Content::Unknown),
            None,
        );
        found
    }

    fn note(&self, path: &Path, question: Question, content: Content, stamp: Option<Stamp>) {
        if let Some(inputs) = &self.inputs {
            let input = Input {
                question,
                content,
                stamp,
            };
            inputs.note(path, input);
        }
    }

    /// Does `work`, which accesses `path`. Blocks, but not for longer than the time of the load.
    ///
    /// # Errors
    /// If it takes longer, or earlier work on `path` still has not ended.
    pub fn ask<T: Send + 'static>(
        &self,
        path: &Path,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        if silent().contains(path) {
            return Err(NoAnswer);
        }
        let (answer, answered) = channel();
        let own = path.to_owned();
        let working = thread::Builder::new()
            .name("linemill-files".into())
            .spawn(move || {
                let done = work();
                let mut silent = silent();
                if answer.send(done).is_err() {
                    silent.remove(&own);
                }
            });
        // Without threads, nobody can wait for the work but this one.
        working.map_err(|_| NoAnswer)?;
        let started = Instant::now();
        let patience = (*self.left()).max(LEAST);
        let result = match answered.recv_timeout(patience) {
            Ok(done) => Ok(done),
            Err(RecvTimeoutError::Disconnected) => Err(NoAnswer),
            Err(RecvTimeoutError::Timeout) => {
                // Under the lock, either the work has ended or its thread will find that nobody waits.
                let mut silent = silent();
                let done = answered.try_recv();
                if done.is_err() {
                    silent.insert(path.to_owned());
                    drop(answered);
                }
                done.map_err(|_| NoAnswer)
            }
        };
        let mut left = self.left();
        *left = left.saturating_sub(started.elapsed());
        result
    }

    fn left(&self) -> MutexGuard<'_, Duration> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Files {
    fn default() -> Self {
        Self::within(PATIENCE)
    }
}

fn silent() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    SILENT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_work_is_abandoned_once_and_its_path_named_until_it_ends() {
        let files = Files::within(Duration::from_millis(20));
        let path = Path::new("/blocked");
        let (release, released) = channel::<()>();
        let blocked = move || released.recv().is_err();
        assert_eq!(files.ask(path, blocked), Err(NoAnswer));
        // The next load does not wait for it, and does not start another thread.
        let (next, started) = (Files::default(), Instant::now());
        let never = || -> u32 { panic!("it must not run") };
        assert_eq!(next.ask(path, never), Err(NoAnswer));
        assert!(started.elapsed() < PATIENCE);
        // Others are read, even if the time is used up.
        assert_eq!(files.ask(Path::new("/other"), || 7), Ok(7));
        drop(release);
        let started = Instant::now();
        while next.ask(path, || 8) != Ok(8) {
            assert!(started.elapsed() < PATIENCE, "it has ended");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn work_that_panics_is_no_answer() {
        let files = Files::default();
        let panics = || -> u32 { std::panic::resume_unwind(Box::new("on purpose")) };
        assert_eq!(files.ask(Path::new("/panics"), panics), Err(NoAnswer));
    }
}
