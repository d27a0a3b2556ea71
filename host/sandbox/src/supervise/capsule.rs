//! Trap capsules: what it takes to run a line again on which a filter trapped.
//!
//! In: a line that failed by a fault, and what was known of its filter. Out: a JSON file in a folder
//! that only the host's user can read, one a second at most, the newest 100 of them and 64 MiB in
//! all. Written by a thread that serves no connection. It holds payload.
//! Not here: running it again (`replay`).

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use humantime::format_rfc3339_micros;
use serde::{Deserialize, Serialize};

use crate::backtrace::Frame;
use crate::imports::Grants;
use linemill_config::Keyword as _;
use linemill_config::settings::{Grant, HostSettings, Limits};
use linemill_telemetry::Gate;

/// Files kept; the oldest go.
const MOST: usize = 100;
/// Bytes of all files.
const BYTES: u64 = 64 << 20;
/// How the names of files end.
const SUFFIX: &str = ".capsule.json";

/// The folder of a host's capsules. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Capsules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    rate: Gate,
    /// One is written at a time.
    turn: Mutex<()>,
    log: Gate,
}

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capsule {
    /// Version of this form: 1.
    pub capsule: u32,
    /// When the line failed.
    pub time: String,
    /// The filter's name.
    pub filter: String,
    /// Its plugin, as the configuration names it.
    pub plugin: String,
    /// SHA-256 of the plugin.
    pub sha256: String,
    /// Its settings.
    pub settings: serde_json::Value,
    /// What it was granted, as the configuration names it.
    #[serde(default)]
    pub grant: Vec<String>,
    /// `memory`, bytes.
    pub memory: usize,
    /// `deadline`, milliseconds.
    pub deadline_ms: u64,
    /// `limits`, sizes in bytes.
    #[serde(default)]
    pub limits: Limits,
    /// `stack` of `[host]`, bytes.
    #[serde(default = "usual_stack")]
    pub stack: usize,
    /// The framing of the stream, as the configuration names it.
    pub framing: String,
    /// The longest line that might go on, bytes.
    pub max_output: usize,
    /// The listener that had the connection.
    pub listener: Option<String>,
    /// The client's address.
    pub connection: Option<String>,
    /// What it counts as in `linemill_filter_failures_total`.
    pub kind: String,
    /// What happened.
    pub reason: String,
    /// Where, innermost first; none where the guest was not running.
    pub backtrace: Vec<Frame>,
    /// The line as text, for people.
    pub line: String,
    /// The line.
    pub base64: String,
    /// What the instance knew before it.
    pub state: State,
}

/// What an instance knew before the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "kebab-case")]
pub enum State {
    /// Nothing: the filter says that it keeps no state.
    Stateless,
    /// Nothing: it had just been started.
    Fresh,
    /// This, which it gave right before the line.
    Saved {
        /// The form of the state.
        tag: String,
        /// It.
        base64: String,
    },
    /// Something that nobody else knows.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// The stack of hosts that did not write it down.
fn usual_stack() -> usize {
    HostSettings::default().stack
}

impl Capsules {
    /// Those in `folder`, which is made for the host's user alone if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or is none.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            rate: Gate::default(),
            turn: Mutex::new(()),
            log: Gate::default(),
        })))
    }

    /// Whether one may be written now. Asked once for each.
    pub(crate) fn wanted(&self) -> bool {
        self.0.rate.pass().is_some()
    }

    /// Writes one, soon.
    pub(crate) fn write(&self, capsule: Capsule) {
        let this = self.clone();
        tokio::task::spawn_blocking(move || match this.put(&capsule) {
            Ok(path) => tracing::warn!(
                filter = capsule.filter,
                kind = capsule.kind,
                path = %path.display(),
                "trap capsule written: `linemill replay` runs it again"
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
        self.make_room(bytes.len() as u64)?;
        let time = capsule.time.replace(':', "");
        let name = format!("{time}-{}{SUFFIX}", capsule.filter);
        let path = self.0.folder.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(&bytes)?;
        Ok(path)
    }

    /// Removes the oldest until another of this size fits.
    fn make_room(&self, size: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0.folder)? {
            let entry = entry?;
            // Names begin with the time, so their order is that of age.
            if entry.file_name().to_string_lossy().ends_with(SUFFIX) {
                files.push((entry.path(), entry.metadata()?.len()));
            }
        }
        files.sort();
        let mut all: u64 = files.iter().map(|(_, size)| size).sum();
        let mut left = files.len();
        for (path, of_this) in files {
            if left < MOST && all + size <= BYTES {
                break;
            }
            fs::remove_file(path)?;
            left -= 1;
            all -= of_this;
        }
        Ok(())
    }
}

impl Capsule {
    /// What the filter was granted; a word that this version does not know grants nothing.
    pub fn grants(&self) -> Grants {
        let known = |word: &String| {
            let mut words = Grant::KEYWORDS.iter();
            words
                .find(|(known, _)| known == word)
                .map(|(_, grant)| *grant)
        };
        Grants::of(&self.grant.iter().filter_map(known).collect::<Vec<_>>())
    }

    /// The time, as it is written.
    pub(crate) fn now() -> String {
        format_rfc3339_micros(SystemTime::now()).to_string()
    }

    /// The line.
    ///
    /// # Errors
    /// When it is no base64.
    pub fn content(&self) -> Result<Vec<u8>, String> {
        BASE64_STANDARD
            .decode(&self.base64)
            .map_err(|_| "key `base64` is no base64".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capsule(nth: usize) -> Capsule {
        Capsule {
            capsule: 1,
            time: format!("2027-03-01T09:00:00.{nth:06}Z"),
            filter: "it".into(),
            plugin: "it".into(),
            sha256: String::new(),
            grant: Vec::new(),
            settings: serde_json::json!({}),
            memory: 1,
            deadline_ms: 1,
            limits: Limits {
                tables: 7,
                ..Limits::default()
            },
            stack: 1,
            framing: "lf".into(),
            max_output: 1,
            listener: None,
            connection: None,
            kind: "trap".into(),
            reason: String::new(),
            backtrace: Vec::new(),
            line: "x".repeat(if nth == MOST + 2 {
                BYTES as usize - 4096
            } else {
                1
            }),
            base64: "eA==".into(),
            state: State::Fresh,
        }
    }

    #[test]
    fn the_newest_are_kept_and_only_the_owner_reads_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("a/b");
        let capsules = Capsules::open(&place).expect("it can be made");
        fs::write(place.join("other"), "stays").expect("written");
        let paths: Vec<_> = (0..MOST + 2)
            .map(|nth| capsules.put(&capsule(nth)).expect("written"))
            .collect();
        let there: Vec<_> = paths.iter().map(|path| path.exists()).collect();
        assert_eq!(there[..3], [false, false, true]);
        assert!(there[2..].iter().all(|there| *there));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode =
                |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode(&place), mode(&paths[2])), (0o700, 0o600));
        }
        let text = fs::read(&paths[MOST]).expect("it is there");
        let read: Capsule = serde_json::from_slice(&text).expect("it is a capsule");
        assert_eq!(read, capsule(MOST));
        assert_eq!(read.content(), Ok(b"x".to_vec()));
        // One that takes most of the room leaves little of the others.
        capsules.put(&capsule(MOST + 2)).expect("written");
        let left = fs::read_dir(&place).expect("there").count();
        assert!(left < 20, "{left} files");
        assert!(place.join("other").exists());
    }
}
