//! The file of a socket in use, which is made again when somebody removes it.
//!
//! In: the file, and a function that binds a new socket at its path. Out: that socket, once the file was
//! missing. Another file at the path is left alone.
//! Not here: when to look, what becomes of the former socket.

use std::io;
use std::path::Path;

use super::{Access, FileState, SocketFile};

/// The file of a socket. Dropped before the socket: while the file exists, somebody is there.
#[derive(Debug)]
pub(in crate::net) struct KeptFile {
    access: Access,
    /// `None` once nobody is to use the socket any more.
    file: Option<SocketFile>,
    /// Whether at the last check the file was missing or another's; this has been logged.
    reported: bool,
}

impl KeptFile {
    pub(in crate::net) fn new(file: SocketFile, access: Access) -> Self {
        Self {
            access,
            file: Some(file),
            reported: false,
        }
    }

    /// Lets those use the socket whom `access` allows. The umask decides only when the file is made.
    pub(in crate::net) fn set_access(&mut self, access: Access) -> io::Result<()> {
        self.access = access;
        match &self.file {
            Some(file) => file.set_access(access),
            None => Ok(()),
        }
    }

    /// Removes the file, so that nobody can use the socket any more. It is not made again.
    pub(in crate::net) fn remove(&mut self) {
        self.file = None;
    }

    /// Looks whether the file is there. If there is none, makes it again by `bind` and returns the new
    /// socket. `use_it` is what nobody can do meanwhile, for the log.
    pub(in crate::net) fn check<S>(
        &mut self,
        use_it: &str,
        bind: impl FnOnce(&Path, Access) -> io::Result<(S, SocketFile)>,
    ) -> Option<S> {
        let file = self.file.as_ref()?;
        let path = file.path().to_owned();
        let error = match file.state() {
            FileState::There => {
                self.reported = false;
                return None;
            }
            FileState::Missing => match bind(&path, self.access) {
                Ok((socket, file)) => {
                    // The guard of the former file finds another inode at the path, and leaves it alone.
                    self.file = Some(file);
                    self.reported = false;
                    tracing::warn!(path = %path.display(), "the file of the socket had been removed; made again");
                    return Some(socket);
                }
                Err(error) => error,
            },
            FileState::Unknown(error) => error,
        };
        if !self.reported {
            self.reported = true;
            tracing::warn!(path = %path.display(), %error, "nobody can {use_it}: the file of the socket is gone, and cannot be made again");
        }
        None
    }
}
