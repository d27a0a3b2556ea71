//! The inputs of a load: which files it looked for, and what it found.
//!
//! In: what [`Files`](super::patience::Files) looks for. Out: [`Inputs`], from which a watcher learns what
//! to watch, and which can be looked at again. A load and its watcher cannot disagree: whatever is read
//! by `Files` is an input.
//! Not here: when to look again, what follows from a change.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::{ReadError, is_shortage, open_regular, read_open};

/// What a load looked for, by path. Clones share one record.
#[derive(Clone, Default)]
pub struct Inputs(Arc<Record>);

#[derive(Default)]
struct Record {
    inputs: Mutex<BTreeMap<PathBuf, Input>>,
    /// Whether a file is being written to, so that it must not be read; `None`: all files are read.
    held_back: Option<HeldBack>,
}

/// Whether the file at a path must not be read now.
pub type HeldBack = Box<dyn Fn(&Path) -> bool + Send + Sync>;

/// Something that a load looked for, and what it found.
#[derive(Debug, Clone)]
pub struct Input {
    /// How to look for it again.
    pub question: Question,
    /// What was found.
    pub content: Content,
    /// The file's identity and times when it was read; `None` if it was not read, or changed meanwhile.
    pub stamp: Option<Stamp>,
}

/// What a load asks of a path.
#[derive(Clone)]
pub enum Question {
    /// The content of a file that has at most this number of bytes.
    File(u64),
    /// Names below the path, as this function lists them.
    List(Arc<dyn Fn() -> io::Result<Vec<PathBuf>> + Send + Sync>),
}

/// What is found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// No file.
    Missing,
    /// A file, or names, with this SHA-256.
    Digest([u8; 32]),
    /// Something that cannot be read, for this reason.
    Unreadable(String),
    /// It changed during the load, or was not read because it was being written to. Never the same as what
    /// is found later.
    Unsettled,
    /// It was not read, because the system lacked resources or did not answer. Never the same as what is
    /// found later.
    Unknown,
}

/// Identity, size and times of a file. As long as they stay the same, so does the content; but a file
/// system may have coarse times, so they do not change if it is written to twice within moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    identity: (u64, u64),
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The metadata found at a path, without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// Something is there.
    Found(Stamp),
    /// There is nothing to read, for the reason that [`Content`] gives.
    Not(Content),
}

// === impl Inputs ===

impl Inputs {
    /// A record for a load that must not read files while this function says so of them.
    pub fn holding_back(held_back: HeldBack) -> Self {
        Self(Arc::new(Record {
            inputs: Mutex::default(),
            held_back: Some(held_back),
        }))
    }

    /// What has been recorded so far.
    pub fn all(&self) -> BTreeMap<PathBuf, Input> {
        self.lock().clone()
    }

    /// The inputs that were being written to, or that changed during the load.
    pub fn unsettled(&self) -> Vec<PathBuf> {
        let inputs = self.lock();
        let unsettled = inputs
            .iter()
            .filter(|(_, input)| input.content == Content::Unsettled);
        unsettled.map(|(path, _)| path.clone()).collect()
    }

    /// Whether the file at `path` must not be read now.
    pub(super) fn holds_back(&self, path: &Path) -> bool {
        self.0.held_back.as_ref().is_some_and(|held| held(path))
    }

    /// Records what was found at `path`.
    pub(super) fn note(&self, path: &Path, mut input: Input) {
        let mut inputs = self.lock();
        // Two filters may have read the same file, with a change in between.
        if let Some(before) = inputs.get(path)
            && before.content != input.content
        {
            input.content = Content::Unsettled;
        }
        inputs.insert(path.to_owned(), input);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Input>> {
        self.0.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inputs").field(&*self.lock()).finish()
    }
}

// === impl Input ===

impl Input {
    /// What is found at `path` now. Blocks on the file system. `None` if that is not known, because the
    /// system lacks descriptors or memory.
    pub fn look(&self, path: &Path) -> Option<Content> {
        match &self.question {
            Question::File(limit) => Content::of(&read_stamped(path, *limit).1),
            Question::List(list) => match list() {
                Ok(names) => Some(Content::of_names(&names)),
                Err(error) => Content::of_failure(&error),
            },
        }
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(limit) => f.debug_tuple("File").field(limit).finish(),
            Self::List(_) => f.write_str("List"),
        }
    }
}

// === impl Sighting ===

impl Sighting {
    /// What is at `path` now. Blocks on the file system. `None` if that is not known, because the system
    /// lacks resources.
    pub fn of(path: &Path) -> Option<Self> {
        match path.metadata() {
            Ok(found) => Some(Self::Found(Stamp::of(&found))),
            Err(error) => Content::of_failure(&error).map(Self::Not),
        }
    }
}

// === impl Content ===

impl Content {
    /// What the result of reading a file means; `None` if nothing, because the system lacks resources.
    pub(super) fn of(read: &Result<Vec<u8>, ReadError>) -> Option<Self> {
        match read {
            Ok(bytes) => Some(Self::Digest(Sha256::digest(bytes).into())),
            Err(error) => Self::of_error(error),
        }
    }

    /// What a list of names means.
    pub(super) fn of_names(names: &[PathBuf]) -> Self {
        let mut digest = Sha256::new();
        for name in names {
            digest.update(name.as_os_str().as_encoded_bytes());
            digest.update([0]);
        }
        Self::Digest(digest.finalize().into())
    }

    /// What an error of the system means; `None` if nothing, because the system lacks resources.
    pub(super) fn of_failure(error: &io::Error) -> Option<Self> {
        if is_absence(error) {
            Some(Self::Missing)
        } else if is_shortage(error) {
            None
        } else {
            Some(Self::Unreadable(error.to_string()))
        }
    }

    /// What the error of a read means; `None` if nothing, because the system lacks resources.
    pub(super) fn of_error(error: &ReadError) -> Option<Self> {
        match error {
            ReadError::System(error) => Self::of_failure(error),
            ReadError::NoAnswer(_) => None,
            error => Some(Self::Unreadable(error.to_string())),
        }
    }
}

/// Whether an error means that there is no file.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

// === impl Stamp ===

impl Stamp {
    /// That of a file with this metadata.
    #[cfg(unix)]
    pub fn of(file: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            identity: (file.dev(), file.ino()),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// That of a file with this metadata.
    #[cfg(not(unix))]
    pub fn of(file: &Metadata) -> Self {
        let since = |time: io::Result<std::time::SystemTime>| {
            let since = time
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .unwrap_or_default();
            (
                since.as_secs().cast_signed(),
                i64::from(since.subsec_nanos()),
            )
        };
        Self {
            identity: (0, 0),
            size: file.len(),
            modified: since(file.modified()),
            changed: since(file.created()),
        }
    }

    /// Device and inode, which a file keeps when it is written to.
    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// How many bytes the file has.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// Reads a file, with its stamp if that stayed the same meanwhile.
pub(super) fn read_stamped(path: &Path, limit: u64) -> (Option<Stamp>, Result<Vec<u8>, ReadError>) {
    let read = || {
        let file = open_regular(path)?;
        let before = Stamp::of(&file.metadata()?);
        let handle = file.try_clone()?;
        let bytes = read_open(file, limit)?;
        let after = Stamp::of(&handle.metadata()?);
        Ok(((before == after).then_some(before), bytes))
    };
    match read() {
        Ok((stamp, bytes)) => (stamp, Ok(bytes)),
        Err(error) => (None, Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::patience::Files;
    use super::*;

    #[test]
    fn what_is_looked_for_is_recorded_found_or_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("there"), "abc").expect("written");
        let inputs = Inputs::default();
        let files = Files::recording(&inputs);
        assert!(files.read(&at("there"), 4).is_ok());
        assert!(files.read(&at("there"), 4).is_ok());
        assert!(files.read(&at("absent"), 4).is_err());
        assert!(files.read(folder.path(), 4).is_err());
        assert_eq!(files.exists(&at("candidate")), Ok(false));
        assert_eq!(files.exists(&at("there")), Ok(true));
        let all = inputs.all();
        assert_eq!(all.len(), 4);
        assert_eq!(all[&at("absent")].content, Content::Missing);
        assert_eq!(all[&at("candidate")].content, Content::Missing);
        assert!(matches!(all[folder.path()].content, Content::Unreadable(_)));
        for (path, input) in &all {
            assert_eq!(input.look(path).as_ref(), Some(&input.content), "{path:?}");
        }
        let sighting = Sighting::of(&at("there"));
        assert_eq!(sighting, all[&at("there")].stamp.map(Sighting::Found));
        fs::write(at("there"), "abd").expect("written");
        fs::write(at("candidate"), "").expect("written");
        for name in ["there", "candidate"] {
            let input = &all[&at(name)];
            assert_ne!(input.look(&at(name)).as_ref(), Some(&input.content));
        }
    }

    #[test]
    fn a_file_that_changes_during_a_load_is_unsettled() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let inputs = Inputs::default();
        let files = Files::recording(&inputs);
        for text in ["one", "two"] {
            fs::write(&path, text).expect("written");
            files.read(&path, 4).expect("read");
        }
        assert_eq!(inputs.unsettled(), [path]);
    }

    #[test]
    fn a_file_that_is_held_back_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        fs::write(&path, "abc").expect("written");
        let held = path.clone();
        let inputs = Inputs::holding_back(Box::new(move |path| path == held));
        let files = Files::recording(&inputs);
        let error = files.read(&path, 4).expect_err("held back");
        assert!(error.to_string().contains("being written"), "{error}");
        assert_eq!(inputs.unsettled(), [path]);
    }

    #[test]
    fn names_are_an_input() {
        let folder = tempfile::tempdir().expect("a folder");
        let start = folder.path().to_owned();
        let list = move || {
            let entries = fs::read_dir(&start)?;
            entries.map(|entry| Ok(entry?.path())).collect()
        };
        let inputs = Inputs::default();
        let found = Files::recording(&inputs).list(folder.path(), list);
        assert!(found.expect("an answer").expect("listed").is_empty());
        let input = inputs.all().remove(folder.path()).expect("recorded");
        assert_eq!(input.look(folder.path()).as_ref(), Some(&input.content));
        fs::write(folder.path().join("a"), "").expect("written");
        assert_ne!(input.look(folder.path()).as_ref(), Some(&input.content));
    }
}
