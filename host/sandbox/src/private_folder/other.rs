//! Private folders where there are no modes: outside Unix they are in the user's profile, which other
//! users cannot write to.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Entry;
use linemill_config::{open_regular, read_open};

/// A folder of the user.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if !path.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    pub(crate) fn open_by_trusted_way(path: &Path) -> io::Result<Self> {
        Self::open(path)
    }

    pub(crate) fn is_open_to_others(&self) -> bool {
        false
    }

    pub(crate) fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let file = open_regular(&self.path.join(name)).map_err(io::Error::other)?;
        drop(file.set_modified(SystemTime::now()));
        read_open(file, limit).map_err(io::Error::other)
    }

    pub(crate) fn replace(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let unfinished = format!("{name}.{}.new", std::process::id());
        drop(self.remove(&unfinished));
        self.create(&unfinished, parts)?;
        let renamed = fs::rename(self.path.join(&unfinished), self.path.join(name));
        if renamed.is_err() {
            drop(self.remove(&unfinished));
        }
        renamed
    }

    pub(crate) fn create(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = File::create_new(self.path.join(name))?;
        let written = parts.iter().try_for_each(|part| file.write_all(part));
        drop(file);
        if written.is_err() {
            drop(self.remove(name));
        }
        written
    }

    pub(crate) fn files(&self) -> io::Result<Vec<Entry>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let (data, name) = (entry.metadata()?, entry.file_name());
            if let (true, Some(name)) = (data.is_file(), name.to_str()) {
                files.push(Entry {
                    modified: data.modified()?,
                    name: name.to_owned(),
                    size: data.len(),
                });
            }
        }
        Ok(files)
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }
}
