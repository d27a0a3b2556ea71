//! What the system tells of files, and what follows.
//!
//! In: its events. Out: reloads asked for, and which files somebody is writing to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::control::request::{Request, Trigger};

/// What events say.
pub(super) struct Seen {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) files: Mutex<Files>,
}

#[derive(Default)]
pub(super) struct Files {
    /// Whose changes matter, in folders that are watched.
    pub(super) ours: BTreeSet<PathBuf>,
    /// Those of them that somebody has written to and not closed yet, and when it was seen first.
    pub(super) writing: BTreeMap<PathBuf, Instant>,
    /// Whether whoever tells that a file is written to also tells that it is closed.
    pub(super) closing_is_told: bool,
}

impl Seen {
    pub(super) fn hear(&self, event: notify::Result<Event>) {
        let changed = match event {
            Ok(event) => self.files().note(&event),
            // Events may have been lost: then anything may have changed.
            Err(error) => {
                tracing::debug!(%error, "watching files");
                error.paths.into_iter().next().or(Some(PathBuf::new()))
            }
        };
        if let Some(path) = changed {
            // A full channel holds a reload already.
            let _full = self
                .requests
                .try_send(Request::reload(Trigger::Changed(path)));
        }
    }

    pub(super) fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// The file of ours that is another one now, if any.
    fn note(&mut self, event: &Event) -> Option<PathBuf> {
        if event.need_rescan() {
            self.writing.clear();
            return Some(PathBuf::from("files"));
        }
        let ours = event.paths.iter().find(|path| self.ours.contains(*path))?;
        match event.kind {
            EventKind::Modify(ModifyKind::Data(_)) if self.closing_is_told => {
                let now = Instant::now();
                self.writing.entry(ours.clone()).or_insert(now);
                Some(ours.clone())
            }
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                self.writing.remove(ours).map(|_| ours.clone())
            }
            EventKind::Access(_) => None,
            // Another file stands there now, or none.
            _ => {
                self.writing.remove(ours);
                Some(ours.clone())
            }
        }
    }
}
