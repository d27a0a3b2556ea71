//! What makes the host reload or stop: signals, and files that change.
//!
//! In: the system's events. Out: [`Trigger`]s on a channel, and the end of [`stop`]. Folders are
//! watched rather than files, so a file replaced by rename is seen too.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::load::file_of;
use super::origin::Origin;
use crate::config::settings::Settings;

/// Why to reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// SIGHUP.
    Hangup,
    /// The configuration or a plugin file changed.
    Changed,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hangup => "SIGHUP",
            Self::Changed => "a file changed",
        })
    }
}

/// Watches the folders of the configuration and of the plugins it names.
pub struct Watcher {
    /// `None` when the system gives no watcher; SIGHUP is left then.
    inner: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
}

impl Watcher {
    /// A watcher that reports to `triggers`.
    pub fn new(triggers: mpsc::Sender<Trigger>) -> Self {
        let seen = move |event: notify::Result<Event>| {
            let changed = event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_)));
            if changed {
                // A full channel holds a trigger already.
                let _full = triggers.try_send(Trigger::Changed);
            }
        };
        let inner = notify::recommended_watcher(seen)
            .inspect_err(|error| tracing::warn!(%error, "cannot watch files; reload by SIGHUP"))
            .ok();
        Self {
            inner,
            folders: BTreeSet::new(),
        }
    }

    /// Watches what these settings are made of, and nothing else.
    pub fn follow(&mut self, origin: &Origin, settings: &Settings) {
        let Some(watcher) = &mut self.inner else {
            return;
        };
        let Some(config) = &origin.config else { return };
        let plugins = settings
            .filters
            .values()
            .filter_map(|filter| file_of(&filter.plugin, &settings.host.plugins));
        let files = plugins.chain([config.clone()]);
        // A link's own folder, and that of the file it leads to.
        let named = files
            .flat_map(|file| [file.canonicalize().ok(), Some(file)])
            .flatten();
        let wanted: BTreeSet<_> = named.filter_map(|file| folder_of(&file)).collect();
        for folder in wanted.difference(&self.folders) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "cannot watch; reload by SIGHUP");
            }
        }
        for folder in self.folders.difference(&wanted) {
            // A folder that is gone needs no unwatching.
            drop(watcher.unwatch(folder));
        }
        self.folders = wanted;
    }
}

fn folder_of(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    folder.canonicalize().ok()
}

/// Sends a trigger at each SIGHUP, for ever. Without such signals (Windows), waits for ever.
///
/// # Errors
/// When the signal cannot be caught.
pub async fn hangups(triggers: mpsc::Sender<Trigger>) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangups = signal(SignalKind::hangup())?;
        while hangups.recv().await.is_some() {
            // A full channel holds a trigger already.
            let _full = triggers.try_send(Trigger::Hangup);
        }
    }
    #[cfg(not(unix))]
    std::future::pending::<()>().await;
    drop(triggers);
    Ok(())
}

/// Ends at SIGINT or SIGTERM (on Windows: Ctrl-C), with the signal's name.
///
/// # Errors
/// When the signals cannot be caught.
pub async fn stop() -> std::io::Result<&'static str> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        })
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c().await?;
        Ok("Ctrl-C")
    }
}
