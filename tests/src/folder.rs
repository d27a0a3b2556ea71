//! A temporary folder for a host's configuration, plugins and output files.
//!
//! In: names and contents of files. Out: their paths. Not here: what the files mean.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that is removed when dropped.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("linemill-test-").tempdir();
        Self {
            folder: folder.expect("the system's temporary folder is writable"),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file in place; returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).expect("the temporary folder is writable");
        path
    }

    /// The content of a file; empty when the file does not exist.
    pub fn read(&self, name: &str) -> Vec<u8> {
        match fs::read(self.path().join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.expect("the temporary folder is readable"),
        }
    }

    /// Renames a file.
    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path().join(from), self.path().join(to)).expect("the file is there");
    }

    /// Replaces a file as careful editors do, by renaming a new file over it; returns its path.
    pub fn replace(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let new = self.write(&format!(".{name}.new"), content);
        let path = self.path().join(name);
        fs::rename(new, &path).expect("the temporary folder is writable");
        path
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}
