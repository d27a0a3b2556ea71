//! Listening on a Unix socket: a file that a stopped host may have left, and that others may use.
//!
//! A socket is stale when nobody accepts on it. Finding that out, removing the file and making a
//! new one are three steps, and two hosts that start at once could each remove the other's. So
//! they hold a lock while they do, on the folder: that leaves no lock file behind, and lasts no
//! longer than the process. Other programs know nothing of it, but a file they make in between
//! is not removed either: making a socket fails where there is one.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::{BACKLOG, Socket, cannot_listen};
use linemill_config::Problem;
use linemill_config::settings::Address;

/// Pause between attempts to get the lock, which is held for less than that.
const PAUSE: Duration = Duration::from_millis(10);
/// Attempts, before the host starts without: whoever holds it that long is no linemill.
const ATTEMPTS: usize = 100;

/// Listens on a socket at `path`, which only this user may connect to if it is `private`. A stale one there is replaced; anything else is left alone.
pub(super) fn bind(path: &Path, private: bool) -> Result<Socket, Problem> {
    let _lock = lock_folder(path);
    let name = Address::Unix(path.to_owned());
    if is_stale(path)? {
        fs::remove_file(path).map_err(|error| {
            let problem = format!("cannot remove the stale socket {}: {error}", path.display());
            Problem::new(problem, "remove it, or choose another path")
        })?;
    }
    open(path, private).map_err(|error| {
        let folder = path.parent().unwrap_or(Path::new("/")).display();
        let hint = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                format!("make the folder {folder} first")
            }
            io::ErrorKind::PermissionDenied => format!("let this user write to {folder}"),
            io::ErrorKind::AddrInUse => "another program has just made it".into(),
            _ => "check the path".into(),
        };
        cannot_listen(&name, &error, &hint)
    })
}

fn open(path: &Path, private: bool) -> io::Result<Socket> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::at(path)?;
    if private {
        // Nobody can connect before it listens.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    socket.listen(BACKLOG)?;
    Socket::unix(socket.into(), path.to_owned(), Some(file))
}

/// Whether there is a socket at `path` that nobody accepts on. Not so when there is nothing.
fn is_stale(path: &Path) -> Result<bool, Problem> {
    let shown = path.display();
    let unknown = |error: &io::Error| {
        let problem = format!("cannot tell whether somebody listens on {shown}: {error}");
        Problem::new(problem, "see who uses it, or choose another path")
    };
    let kind = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        // Making the socket fails for the same reason, and says so.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(false),
        Err(error) => return Err(unknown(&error)),
    };
    let what = if kind.is_socket() {
        let live = "another program listens there; stop it, or choose another path";
        return match knock(path) {
            Ok(()) => Err(Problem::new(format!("{shown} is in use"), live)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
            // Gone meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            // Its queue is full.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(Problem::new(format!("{shown} is in use"), live))
            }
            Err(error) => Err(unknown(&error)),
        };
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_file() {
        "a regular file"
    } else {
        "no socket"
    };
    Err(Problem::new(
        format!("{shown} is {what}, and is left alone"),
        "choose another path, or remove it if nobody needs it",
    ))
}

/// Connects, without waiting.
fn knock(path: &Path) -> io::Result<()> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Keeps other hosts from making or removing sockets in the folder of `path`, until dropped.
/// `None` when it cannot be had, as in a folder that cannot be read.
fn lock_folder(path: &Path) -> Option<File> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = File::open(folder).ok()?;
    for _ in 0..ATTEMPTS {
        match folder.try_lock() {
            Ok(()) => return Some(folder),
            Err(TryLockError::WouldBlock) => sleep(PAUSE),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// A socket's file, removed when dropped if it is still the same. While the socket is open the
/// system keeps the file's inode, so that no other file can have its number.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: Inode,
}

/// A file, whatever its name: its device, and its number there.
type Inode = (u64, u64);

fn inode(path: &Path) -> io::Result<Inode> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        let inode = inode(path)?;
        let path = path.to_owned();
        Ok(Self { path, inode })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _lock = lock_folder(&self.path);
        let same = inode(&self.path).is_ok_and(|found| found == self.inode);
        if same && let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "the socket stays behind");
        }
    }
}

#[cfg(test)]
#[path = "unix_tests.rs"]
mod tests;
