//! What makes the host reload or stop: signals, and files that change.
//!
//! In: the system's events. Out: [`Trigger`]s on a channel, and the signals of [`Stop`]. Folders are
//! watched rather than files, so a file replaced by rename is seen too, and so is a symbolic link
//! on the way to it that is given another target.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::certificates;
use super::load::file_of;
use super::origin::Origin;
use crate::config::settings::Settings;

/// Why to reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// SIGHUP.
    Hangup,
    /// The configuration, a plugin or a certificate changed.
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

/// Watches the configuration, the plugins and certificates it names, and the links that lead to them.
pub struct Watcher {
    /// `None` when the system gives no watcher; SIGHUP is left then.
    inner: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    /// Whose changes matter, in folders that are watched.
    files: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Watcher {
    /// A watcher that reports to `triggers`.
    pub fn new(triggers: mpsc::Sender<Trigger>) -> Self {
        let files = Arc::new(Mutex::new(BTreeSet::new()));
        let known = Arc::clone(&files);
        let seen = move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            // Events may have been lost: then anything may have changed.
            let ours = event.need_rescan() || event.paths.iter().any(|path| known.contains(path));
            if ours && !matches!(event.kind, EventKind::Access(_)) {
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
            files,
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
        let certificates = settings.listeners.iter().flat_map(certificates::files);
        let files: BTreeSet<_> = plugins
            .chain([config.clone()])
            .chain(certificates.map(Path::to_owned))
            .flat_map(|file| ways_to(&file))
            .collect();
        let folders: BTreeSet<_> = files
            .iter()
            .filter_map(|file| file.parent().map(Path::to_owned))
            .collect();
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
        for folder in folders.difference(&self.folders) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "cannot watch; reload by SIGHUP");
            }
        }
        for folder in self.folders.difference(&folders) {
            // A folder that is gone needs no unwatching.
            drop(watcher.unwatch(folder));
        }
        self.folders = folders;
    }
}

/// Most links followed from one path, as Linux does.
const LINKS: usize = 40;

/// A file and every symbolic link on the way to it, as entries of real folders: whichever of them
/// is replaced, the path leads to another file from then on.
fn ways_to(file: &Path) -> Vec<PathBuf> {
    let mut ways = Vec::new();
    let Ok(mut path) = std::path::absolute(file) else {
        return ways;
    };
    for _ in 0..LINKS {
        let link = path
            .ancestors()
            .filter_map(|at| Some((at, at.read_link().ok()?)))
            .last();
        let entry = link.as_ref().map_or(path.as_path(), |(at, _)| at);
        let (Some(folder), Some(name)) = (entry.parent(), entry.file_name()) else {
            break;
        };
        ways.extend(folder.canonicalize().map(|folder| folder.join(name)));
        let Some((at, target)) = link else { break };
        // What follows the link in the path follows its target.
        let rest = path
            .strip_prefix(at)
            .map(Path::to_owned)
            .unwrap_or_default();
        let led = folder.join(target);
        path = if rest.as_os_str().is_empty() {
            led
        } else {
            led.join(rest)
        };
    }
    ways
}

/// Catches SIGHUP from this call on; the future calls `also` and sends a trigger at each, for
/// ever. Without such signals (Windows), waits for ever.
///
/// # Errors
/// When the signal cannot be caught.
pub fn hangups(
    triggers: mpsc::Sender<Trigger>,
    also: impl Fn() + Send + 'static,
) -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut hangups = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup())?
    };
    Ok(async move {
        #[cfg(unix)]
        while hangups.recv().await.is_some() {
            also();
            // A full channel holds a trigger already.
            let _full = triggers.try_send(Trigger::Hangup);
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
        drop((triggers, also));
    })
}

/// The signals that end the host: SIGINT and SIGTERM (on Windows: Ctrl-C).
pub struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    /// Catches them from this call on: before that, they kill the process.
    ///
    /// # Errors
    /// When they cannot be caught.
    pub fn catch() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next; gives its name.
    ///
    /// # Errors
    /// When it cannot be caught.
    pub async fn next(&mut self) -> std::io::Result<&'static str> {
        #[cfg(unix)]
        return Ok(tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        });
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way_to_a_file_is_named() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().canonicalize()?;
        // As Kubernetes mounts a configuration: file → ..data/file, ..data → ..version/.
        fs::create_dir(at.join("..version"))?;
        fs::write(at.join("..version/linemill.toml"), "")?;
        symlink("..version", at.join("..data"))?;
        symlink("..data/linemill.toml", at.join("linemill.toml"))?;
        let ways = ways_to(&at.join("linemill.toml"));
        assert_eq!(
            ways,
            ["linemill.toml", "..data", "..version/linemill.toml"].map(|way| at.join(way))
        );
        Ok(())
    }

    #[test]
    fn a_loop_of_links_ends() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        symlink("b", folder.path().join("a"))?;
        symlink("a", folder.path().join("b"))?;
        assert_eq!(ways_to(&folder.path().join("a")).len(), LINKS);
        Ok(())
    }
}
