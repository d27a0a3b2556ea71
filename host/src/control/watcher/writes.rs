//! Which files are being written to, so that none is read half-written.
//!
//! In: events about files. Out: the files that have been written to and not closed yet. A file counts as
//! finished, open or not, once nothing has been written to it for [`SETTLED`]: some programs keep a file
//! open, and truncate(2) reports no close.
//! Not here: who writes (`writers`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

/// Once nothing has been written to a file for this time, it is read although it is still open.
pub(super) const SETTLED: Duration = Duration::from_secs(2);
/// A file that is written to for longer than this is reported.
pub(super) const TOO_LONG: Duration = Duration::from_secs(10);

/// The files that have been written to and not closed yet.
#[derive(Debug, Default)]
pub(super) struct Writes(BTreeMap<PathBuf, Write>);

#[derive(Debug)]
struct Write {
    first: Instant,
    last: Instant,
    /// It has been created and nothing was written yet: it may be complete, as a hard link is.
    created: bool,
    /// It has been reported that it is written to for too long.
    reported: bool,
}

impl Writes {
    /// Something was written to a file, or, if `created`, it was created.
    pub(super) fn write(&mut self, path: &Path, created: bool) {
        let now = Instant::now();
        let write = self.0.entry(path.to_owned()).or_insert(Write {
            first: now,
            last: now,
            created,
            reported: false,
        });
        write.last = now;
        write.created &= created;
    }

    /// A file was closed, replaced or removed.
    pub(super) fn end(&mut self, path: &Path) {
        self.0.remove(path);
    }

    /// A file was found to be complete, if it has only been created.
    pub(super) fn found(&mut self, path: &Path) {
        if self.0.get(path).is_some_and(|write| write.created) {
            self.0.remove(path);
        }
    }

    /// Whether a file has only been created: nothing was written to it yet.
    pub(super) fn is_created(&self, path: &Path) -> bool {
        self.0.get(path).is_some_and(|write| write.created)
    }

    /// Forgets all files but these.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Path) -> bool) {
        self.0.retain(|path, _| wanted(path));
    }

    /// Forgets all files: events have been lost.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// When a file that is being written to counts as finished; `None` if it is not being written to.
    pub(super) fn until(&self, path: &Path) -> Option<Instant> {
        let until = self.0.get(path)?.last + SETTLED;
        (until > Instant::now()).then_some(until)
    }

    /// Whether a file has been written to for too long, which is said once.
    pub(super) fn is_overdue(&mut self, path: &Path) -> bool {
        let overdue = |write: &&mut Write| !write.reported && write.first.elapsed() > TOO_LONG;
        match self.0.get_mut(path).filter(overdue) {
            Some(write) => {
                write.reported = true;
                true
            }
            None => false,
        }
    }

    /// Whether it has been said of a file that it is being written to for too long.
    pub(super) fn is_reported(&self, path: &Path) -> bool {
        self.0.get(path).is_some_and(|write| write.reported)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_file_settles_when_it_is_closed_or_left_alone() {
        let mut writes = Writes::default();
        let path = Path::new("a");
        writes.write(path, false);
        assert!(writes.until(path).is_some());
        writes.end(path);
        assert_eq!(writes.until(path), None);
        writes.write(path, false);
        advance(SETTLED / 2).await;
        writes.write(path, false);
        advance(SETTLED / 2).await;
        assert!(writes.until(path).is_some());
        advance(SETTLED / 2).await;
        assert_eq!(writes.until(path), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_written_to_for_too_long_is_reported_once() {
        let mut writes = Writes::default();
        let path = Path::new("a");
        writes.write(path, false);
        while !writes.is_overdue(path) {
            advance(SETTLED / 2).await;
            writes.write(path, false);
        }
        assert!(!writes.is_overdue(path));
        assert!(writes.is_reported(path));
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_appears_complete_does_not_wait() {
        let mut writes = Writes::default();
        let path = Path::new("a");
        writes.write(path, true);
        assert!(writes.is_created(path));
        writes.found(path);
        assert_eq!(writes.until(path), None);
        writes.write(path, true);
        writes.write(path, false);
        writes.found(path);
        assert!(writes.until(path).is_some());
    }
}
