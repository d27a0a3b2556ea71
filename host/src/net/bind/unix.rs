//! Listening on a Unix socket: a file that a stopped host may have left, and that others may use.
//!
//! A socket is stale when nobody accepts on it. Finding that out, removing the file and creating a
//! new one are three steps, so two hosts that start at once could each remove the other's. While they
//! do this they hold a lock on the folder: that leaves no lock file behind, and ends with the
//! process. Other programs do not take the lock, but a file that they create in between is safe, too:
//! creating a socket fails where there is a file.

mod kept;
mod kept_file;

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Type};

use super::{Access, BACKLOG, Socket, cannot_listen};
use crate::net::datagrams::DatagramSocket;
pub(super) use kept::KeptSocket;
pub(in crate::net) use kept_file::KeptFile;
use linemill_config::Problem;
use linemill_config::settings::Address;

/// Pause between attempts to get the lock, which is held for less than that.
const PAUSE: Duration = Duration::from_millis(10);
/// Attempts before the host starts without the lock: no linemill holds it that long.
const ATTEMPTS: usize = 100;

/// Listens on a socket at `path`, which those may connect to whom `access` allows. A stale socket is
/// replaced; anything else at `path` is left alone.
///
/// # Errors
/// When something else is there, or the system refuses.
pub(super) fn bind(path: &Path, access: Access) -> Result<Socket, Problem> {
    bind_at(path, Address::Unix(path.to_owned()), || open(path, access))
}

/// Receives datagrams by a socket at `path`, to which those may send whom `access` allows. Otherwise as
/// [`bind`].
///
/// # Errors
/// When something else is there, or the system refuses.
pub(super) fn bind_datagrams(path: &Path, access: Access) -> Result<Socket, Problem> {
    let name = Address::Unixgram(path.to_owned());
    bind_at(path, name.clone(), || open_datagrams(path, name, access))
}

/// Calls `open` once there is nothing at `path`.
fn bind_at(
    path: &Path,
    name: Address,
    open: impl FnOnce() -> io::Result<Socket>,
) -> Result<Socket, Problem> {
    let _lock = lock_folder(path);
    if is_stale(path)? {
        fs::remove_file(path).map_err(|error| {
            let problem = format!("cannot remove the stale socket {}: {error}", path.display());
            Problem::new(problem, "remove it, or choose another path")
        })?;
    }
    open().map_err(|error| {
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

fn open(path: &Path, access: Access) -> io::Result<Socket> {
    let (socket, file) = listen(path, access)?;
    Ok(Socket::unix(
        KeptSocket::new(socket, file, access)?,
        path.to_owned(),
    ))
}

fn open_datagrams(path: &Path, name: Address, access: Access) -> io::Result<Socket> {
    let (socket, file) = bind_datagrams_anew(path, access)?;
    let socket = DatagramSocket::unix(socket, file, access)?;
    Ok(Socket::datagrams_at(name, Arc::new(socket)))
}

/// A socket for datagrams at `path`, where there is no file.
pub(in crate::net) fn bind_datagrams_anew(
    path: &Path,
    access: Access,
) -> io::Result<(UnixDatagram, SocketFile)> {
    let (socket, file) = bound(path, Type::DGRAM, access)?;
    Ok((socket.into(), file))
}

/// A socket that listens at `path`, where there is no file yet.
fn listen(path: &Path, access: Access) -> io::Result<(UnixListener, SocketFile)> {
    let (socket, file) = bound(path, Type::STREAM, access)?;
    socket.listen(BACKLOG)?;
    Ok((socket.into(), file))
}

/// A socket at `path`, and its file. Nobody can connect to it before it listens.
fn bound(path: &Path, kind: Type, access: Access) -> io::Result<(socket2::Socket, SocketFile)> {
    let socket = socket2::Socket::new(Domain::UNIX, kind, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::at(path)?;
    if let Some(mode) = access.mode() {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok((socket, file))
}

/// Whether there is a socket at `path` that nobody accepts on. `false` when there is no file.
///
/// # Errors
/// When there is anything else.
fn is_stale(path: &Path) -> Result<bool, Problem> {
    let shown = path.display();
    let unknown = |error: &io::Error| {
        let problem = format!("cannot tell whether somebody listens on {shown}: {error}");
        Problem::new(problem, "see who uses it, or choose another path")
    };
    let kind = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        // Creating the socket fails for the same reason, and reports it.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(false),
        Err(error) => return Err(unknown(&error)),
    };
    let what = if kind.is_socket() {
        let live = "another program listens there; stop it, or choose another path";
        let connected = match try_connect(path, Type::STREAM) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::PROTOTYPE) => {
                try_connect(path, Type::DGRAM)
            }
            connected => connected,
        };
        return match connected {
            Ok(()) => Err(Problem::new(format!("{shown} is in use"), live)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
            // It has gone in the meantime.
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

/// Tries to connect, without waiting.
fn try_connect(path: &Path, kind: Type) -> io::Result<()> {
    let socket = socket2::Socket::new(Domain::UNIX, kind, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Keeps other hosts from creating or removing sockets in the folder of `path` until it is dropped.
/// `None` when it cannot be locked, for example because the folder cannot be read.
fn lock_folder(path: &Path) -> Option<File> {
    let path = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = File::open(path).ok()?;
    for _ in 0..ATTEMPTS {
        match folder.try_lock() {
            Ok(()) => return Some(folder),
            Err(TryLockError::WouldBlock) => sleep(PAUSE),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// A socket's file. When dropped, removes the file if it is still the same one. While the socket is
/// open the system keeps the inode, so no other file can get its number.
#[derive(Debug)]
pub(in crate::net) struct SocketFile {
    path: PathBuf,
    inode: Inode,
}

/// What is at the path of a socket's file.
#[derive(Debug)]
enum FileState {
    /// The file.
    There,
    /// Nothing.
    Missing,
    /// Another file, or what cannot be read.
    Unknown(io::Error),
}

/// Identifies a file: its device, and its inode number there.
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

    fn path(&self) -> &Path {
        &self.path
    }

    /// What is at its path now.
    fn state(&self) -> FileState {
        match inode(&self.path) {
            Ok(found) if found == self.inode => FileState::There,
            Ok(_) => FileState::Unknown(io::Error::other("another file is there")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::Missing,
            Err(error) => FileState::Unknown(error),
        }
    }
}

impl SocketFile {
    /// Lets those use the socket whom `access` allows, unless another file is at its path.
    fn set_access(&self, access: Access) -> io::Result<()> {
        match access.mode() {
            Some(mode) if matches!(self.state(), FileState::There) => {
                fs::set_permissions(&self.path, fs::Permissions::from_mode(mode))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _lock = lock_folder(&self.path);
        let same = matches!(self.state(), FileState::There);
        if same && let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "the socket file stays behind");
        }
    }
}

#[cfg(test)]
mod tests;
