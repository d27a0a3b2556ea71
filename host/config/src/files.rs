//! Opening and reading the files that a user named.
//!
//! In: a path and a limit. Out: the bytes of a regular file, or a [`ReadError`]. Nothing here waits
//! for another process: what is not a regular file is refused once it is open, so a path that is
//! swapped in the meantime makes no difference.
//! Not here: what the bytes mean, and what is reported to the user (see `problem`). How long a file
//! system may take (`patience`), what a load looked for (`inputs`).

pub(crate) mod inputs;
pub(crate) mod patience;

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// Why a file was not read. Displays as the text after the file's name: "a.pem: not a regular file".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused: the file does not exist, or may not be read.
    #[error(transparent)]
    System(#[from] io::Error),
    /// The path leads to a folder.
    #[error("a folder, not a file")]
    Folder,
    /// The path leads to a FIFO, a socket or a device.
    #[error("not a regular file")]
    NotRegular,
    /// The file has more bytes than this limit.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// The file system took too long.
    #[error(transparent)]
    NoAnswer(#[from] patience::NoAnswer),
}

/// ENFILE and EMFILE, which have the same numbers on all Unix systems that linemill runs on.
const NO_DESCRIPTORS: [i32; 2] = [23, 24];

impl ReadError {
    /// What to do about it, if the reason is that the process, or the system, has no descriptors left: then
    /// nothing is wrong with the file.
    pub fn hint_about_descriptors(&self) -> Option<&'static str> {
        let number = match self {
            Self::System(error) if cfg!(unix) => error.raw_os_error()?,
            _ => return None,
        };
        NO_DESCRIPTORS.contains(&number).then_some(
            "no file descriptors are left: raise the limit (LimitNOFILE=, ulimit -n), or lower `max_connections`",
        )
    }

    /// Whether the system lacks something at the moment, so that the same may succeed later.
    pub fn is_shortage(&self) -> bool {
        match self {
            Self::System(error) => is_shortage(error),
            Self::NoAnswer(_) => true,
            _ => false,
        }
    }
}

/// Whether an error means that the system lacks something at the moment: descriptors, memory, space on
/// a disk, processes or time. The same may succeed later.
pub fn is_shortage(error: &io::Error) -> bool {
    let number = error.raw_os_error().filter(|_| cfg!(unix));
    number.is_some_and(|number| NO_DESCRIPTORS.contains(&number))
        || matches!(
            error.kind(),
            io::ErrorKind::OutOfMemory
                | io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
        )
}

/// Opens the regular file at `path` for reading. Symbolic links are followed.
///
/// # Errors
/// If it is not a regular file, or cannot be opened.
pub fn open_regular(path: &Path) -> Result<File, ReadError> {
    open(path).and_then(regular)
}

/// As [`open_regular`], for the file `name` in an open folder. A symbolic link is refused.
///
/// # Errors
/// If it is not a regular file, or cannot be opened.
#[cfg(unix)]
pub fn open_regular_in(folder: impl std::os::fd::AsFd, name: &str) -> Result<File, ReadError> {
    open_at(folder, Path::new(name), rustix::fs::OFlags::NOFOLLOW).and_then(regular)
}

/// Reads a whole file, if it has at most `limit` bytes. No more than one byte beyond the limit is
/// read, even if the file grows in the meantime.
///
/// # Errors
/// If it is too large, or cannot be read.
pub fn read_open(file: File, limit: u64) -> Result<Vec<u8>, ReadError> {
    let size = file.metadata()?.len();
    if size > limit {
        return Err(ReadError::TooLarge(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok(bytes)
}

/// Reads the regular file at `path` whole, if it has at most `limit` bytes. Symbolic links are
/// followed.
///
/// # Errors
/// If it is not a regular file, is too large, or cannot be read.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    read_open(open_regular(path)?, limit)
}

/// Reads the file at `path` once, to its end: a regular file, or a pipe or terminal, such as
/// `/dev/stdin` or what a shell makes of `<(…)`. Waits for the process that writes to a pipe. Also
/// returns whether the file is regular, so that it has a folder of its own.
///
/// # Errors
/// If it is a folder or another device, is too large, or cannot be read.
pub fn read_stream(path: &Path, limit: u64) -> Result<(Vec<u8>, bool), ReadError> {
    let kind = path.metadata()?;
    if !is_stream(&kind) {
        return Ok((read_regular(path, limit)?, true));
    }
    let file = File::open(path)?;
    let kind = file.metadata()?;
    if !kind.is_file() && !is_stream(&kind) {
        return Err(irregular(&kind));
    }
    Ok((read_open(file, limit)?, kind.is_file()))
}

/// Opens a path without waiting: opening a FIFO would wait until another process writes to it, and
/// opening a terminal could make it that of the host.
#[cfg(unix)]
fn open(path: &Path) -> Result<File, ReadError> {
    open_at(rustix::fs::CWD, path, rustix::fs::OFlags::empty())
}

#[cfg(not(unix))]
fn open(path: &Path) -> Result<File, ReadError> {
    // A folder cannot be opened here, so that it is one shows in advance only.
    if path.metadata()?.is_dir() {
        return Err(ReadError::Folder);
    }
    Ok(File::open(path)?)
}

#[cfg(unix)]
fn open_at(
    folder: impl std::os::fd::AsFd,
    path: &Path,
    more: rustix::fs::OFlags,
) -> Result<File, ReadError> {
    use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
    let links = if more.contains(OFlags::NOFOLLOW) {
        AtFlags::SYMLINK_NOFOLLOW
    } else {
        AtFlags::empty()
    };
    // Opening a device may have effects. This spares those that are there already; what the path
    // leads to is decided by the descriptor.
    let kind = FileType::from_raw_mode(
        statat(&folder, path, links)
            .map_err(io::Error::from)?
            .st_mode,
    );
    match kind {
        FileType::RegularFile => {}
        FileType::Directory => return Err(ReadError::Folder),
        _ => return Err(ReadError::NotRegular),
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY | more;
    match openat(folder, path, flags, Mode::empty()) {
        // A socket, or a device without a driver.
        Err(rustix::io::Errno::NXIO) => Err(ReadError::NotRegular),
        opened => Ok(opened.map_err(io::Error::from)?.into()),
    }
}

/// The same file, if it is regular.
fn regular(file: File) -> Result<File, ReadError> {
    let kind = file.metadata()?;
    if kind.is_file() {
        Ok(file)
    } else {
        Err(irregular(&kind))
    }
}

fn irregular(kind: &Metadata) -> ReadError {
    if kind.is_dir() {
        ReadError::Folder
    } else {
        ReadError::NotRegular
    }
}

/// Whether a file is one that another process writes to while it is read.
#[cfg(unix)]
fn is_stream(kind: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    kind.file_type().is_fifo() || kind.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_stream(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests;
