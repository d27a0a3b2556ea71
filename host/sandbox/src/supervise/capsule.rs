//! Trap capsules: files that hold everything needed to reproduce a trap.
//!
//! In: a line that failed by a fault, and the filter's configuration and state. Out: a JSON file in a
//! folder that only the host's user and root can change (`private_folder`), and that only the user can
//! read. At most one capsule is written per second; the newest
//! 100 are kept, and at most 64 MiB in total. A capsule contains payload. A thread that serves no
//! connection writes it.
//! Not here: collecting the contents (`filter::capture`), reproducing the trap (`replay`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use humantime::format_rfc3339_micros;
use serde::{Deserialize, Serialize};

use crate::backtrace::Frame;
use crate::imports::Grants;
use crate::private_folder::{self, Folder};
use linemill_config::Keyword as _;
use linemill_config::settings::{Grant, HostSettings, Limits};
use linemill_telemetry::Gate;

#[cfg(test)]
mod tests;

/// How many files are kept; the oldest are removed.
const MAX_FILES: usize = 100;
/// Bytes that all files together may have.
const MAX_BYTES: u64 = 64 << 20;
/// The end of each file name.
const SUFFIX: &str = ".capsule.json";

/// The folder of a host's capsules. Clones share the folder, its rate limit and its lock.
#[derive(Debug, Clone)]
pub struct Capsules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// Limits how often a capsule is written.
    rate: Gate,
    /// Held while a capsule is written: only one is written at a time.
    turn: Mutex<()>,
    /// Limits how often a failed write is logged.
    log: Gate,
}

/// The folder for capsules that is in force, if any. Clones refer to the same setting.
#[derive(Debug, Clone, Default)]
pub struct CapsulesInForce(Arc<RwLock<Option<Capsules>>>);

impl CapsulesInForce {
    /// The folder in force.
    pub fn get(&self) -> Option<Capsules> {
        let capsules = self.0.read().unwrap_or_else(PoisonError::into_inner);
        capsules.clone()
    }

    /// Puts another folder in force, or none.
    pub fn set(&self, capsules: Option<Capsules>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = capsules;
    }
}

/// The contents of a capsule file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capsule {
    /// Version of the file format: 1.
    pub capsule: u32,
    /// When the line failed, as RFC 3339.
    pub time: String,
    /// The filter's name.
    pub filter: String,
    /// The filter's plugin, as the configuration names it.
    pub plugin: String,
    /// SHA-256 of the plugin, hexadecimal.
    pub sha256: String,
    /// The filter's settings.
    pub settings: serde_json::Value,
    /// The filter's grants, as the configuration names them.
    #[serde(default)]
    pub grant: Vec<String>,
    /// `memory` of the filter, in bytes.
    pub memory: usize,
    /// `deadline` of the filter, in milliseconds.
    pub deadline_ms: u64,
    /// `limits` of the filter; sizes in bytes.
    #[serde(default)]
    pub limits: Limits,
    /// `stack` of `[host]`, in bytes.
    #[serde(default = "default_stack")]
    pub stack: usize,
    /// The framing of the stream, as the configuration names it.
    pub framing: String,
    /// The longest line that the filter might produce, in bytes.
    pub max_output: usize,
    /// The listener that accepted the connection; `None` if the line came from no listener.
    pub listener: Option<String>,
    /// The client's address; `None` if it has none.
    pub connection: Option<String>,
    /// Label of the fault in `linemill_filter_failures_total`.
    pub kind: String,
    /// The fault, in words.
    pub reason: String,
    /// The guest's calls at the fault, innermost first; empty if the guest was not running.
    pub backtrace: Vec<Frame>,
    /// The line's content as text, for people; bytes that are not UTF-8 are replaced.
    pub line: String,
    /// The line's content, exactly, as base64.
    pub base64: String,
    /// The instance's state before the line.
    pub state: State,
}

/// The state of an instance before the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "kebab-case")]
pub enum State {
    /// The filter declared that it keeps no state.
    Stateless,
    /// The instance had just started, so it had no state yet.
    Fresh,
    /// The state that the instance saved right before the line.
    Saved {
        /// The filter's name for the format of the state.
        tag: String,
        /// The saved bytes, as base64.
        base64: String,
    },
    /// The instance had state, but it could not be saved.
    Unknown {
        /// Why it could not be saved.
        why: String,
    },
}

/// The stack size for capsules of hosts that did not record it.
fn default_stack() -> usize {
    HostSettings::default().stack
}

impl Capsules {
    /// Opens `folder`. Creates it if it does not exist, accessible to the host's user alone. Warns if
    /// an existing folder lets others see which capsules there are.
    ///
    /// # Errors
    /// When the folder cannot be created, the path is not a folder, or others may write to it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        private_folder::make(folder)?;
        if Folder::open(folder)?.is_open_to_others() {
            let folder = folder.display();
            tracing::warn!(
                "others may list the trap capsules in {folder}, but not read them; close it with `chmod 700 {folder}`"
            );
        }
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            rate: Gate::default(),
            turn: Mutex::new(()),
            log: Gate::default(),
        })))
    }

    /// Whether the rate limit allows a capsule now. Each `true` uses up the allowance for one.
    pub(crate) fn may_write(&self) -> bool {
        self.0.rate.pass().is_some()
    }

    /// Writes a capsule in the background. Logs the path, or why it could not be written.
    pub(crate) fn write(&self, capsule: Capsule) {
        let this = self.clone();
        tokio::task::spawn_blocking(move || match this.put(&capsule) {
            Ok(path) => tracing::warn!(
                filter = capsule.filter,
                kind = capsule.kind,
                path = %path.display(),
                "trap capsule written; reproduce the trap with `linemill replay`"
            ),
            Err(error) => {
                if let Some(held) = this.0.log.pass() {
                    let folder = this.0.folder.display();
                    tracing::error!(%folder, %error, not_logged = held, "cannot write a trap capsule");
                }
            }
        });
    }

    fn put(&self, capsule: &Capsule) -> io::Result<PathBuf> {
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = serde_json::to_vec_pretty(capsule)?;
        bytes.push(b'\n');
        let folder = Folder::open(&self.0.folder)?;
        make_room(&folder, bytes.len() as u64)?;
        let time = capsule.time.replace(':', "");
        let name = format!("{time}-{}{SUFFIX}", capsule.filter);
        folder.create(&name, &[&bytes])?;
        Ok(self.0.folder.join(name))
    }
}

/// Removes the oldest capsules until another of `size` bytes fits.
fn make_room(folder: &Folder, size: u64) -> io::Result<()> {
    let mut files = folder.files()?;
    files.retain(|file| file.name.ends_with(SUFFIX));
    // Names begin with the time, so sorting by name sorts by age.
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let mut all: u64 = files.iter().map(|file| file.size).sum();
    let mut left = files.len();
    for file in files {
        if left < MAX_FILES && all + size <= MAX_BYTES {
            break;
        }
        folder.remove(&file.name)?;
        left -= 1;
        all -= file.size;
    }
    Ok(())
}

impl Capsule {
    /// The filter's grants. A keyword that this version does not know grants nothing.
    pub fn grants(&self) -> Grants {
        let known = |word: &String| {
            let mut words = Grant::KEYWORDS.iter();
            words
                .find(|(known, _)| known == word)
                .map(|(_, grant)| *grant)
        };
        Grants::of(&self.grant.iter().filter_map(known).collect::<Vec<_>>())
    }

    /// The current time in the format of [`Self::time`].
    pub(crate) fn now() -> String {
        format_rfc3339_micros(SystemTime::now()).to_string()
    }

    /// The line's content.
    ///
    /// # Errors
    /// When `base64` is not valid base64.
    pub fn content(&self) -> Result<Vec<u8>, String> {
        BASE64_STANDARD
            .decode(&self.base64)
            .map_err(|_| "key `base64` is not valid base64".to_owned())
    }
}
