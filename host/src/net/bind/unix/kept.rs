//! A Unix socket whose file is made again when somebody removes it.
//!
//! In: a socket that listens, and its file. Out: connections. A cleaner of temporary folders, or an
//! administrator, may remove the file of a socket that is in use: nobody can connect then, though the
//! host still listens. Every [`CHECK`] the host looks whether the file is there. If not, it listens on
//! a new socket at the same path. Clients that connected before are still accepted. Another file at the
//! path is left alone.
//! Not here: sockets that systemd opened; their files are systemd's.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Instant, sleep_until};

use super::{Access, KeptFile, SocketFile, listen};

/// How often the file is looked for.
const CHECK: Duration = Duration::from_secs(2);

/// A listening socket, with its file. Several tasks may accept on it.
#[derive(Debug)]
pub(in crate::net::bind) struct KeptSocket {
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    // Dropped in this order: while the file exists, somebody listens.
    file: KeptFile,
    socket: Arc<UnixListener>,
    /// The socket whose file was removed. Nobody can connect to it any more; clients may still wait in
    /// its queue until the next check.
    former: Option<Arc<UnixListener>>,
    next_check: Instant,
}

impl KeptSocket {
    pub(super) fn new(
        socket: std::os::unix::net::UnixListener,
        file: SocketFile,
        access: Access,
    ) -> io::Result<Self> {
        let current = Current {
            file: KeptFile::new(file, access),
            socket: tokio_listener(socket)?,
            former: None,
            next_check: Instant::now() + CHECK,
        };
        Ok(Self {
            current: Mutex::new(current),
        })
    }

    /// Waits for the next connection. No connection is lost when the future is dropped.
    pub(in crate::net::bind) async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (socket, former, next_check) = {
                let current = self.lock();
                let (socket, former) = (Arc::clone(&current.socket), current.former.clone());
                (socket, former, current.next_check)
            };
            let of_former = async {
                match former {
                    Some(former) => former.accept().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                accepted = of_former => return accepted.map(|(stream, _)| stream),
                accepted = socket.accept() => return accepted.map(|(stream, _)| stream),
                () = sleep_until(next_check) => self.lock().check(),
            }
        }
    }

    /// Lets those connect whom `access` allows. The umask decides only when the file is made.
    pub(in crate::net::bind) fn set_access(&self, access: Access) -> io::Result<()> {
        self.lock().file.set_access(access)
    }

    /// Removes the file, so that nobody can connect any more. It is not made again.
    pub(in crate::net::bind) fn remove_file(&self) {
        self.lock().file.remove();
    }

    /// Accepts a connection if there is one now.
    pub(in crate::net::bind) fn accept_now(&self) -> io::Result<UnixStream> {
        let current = self.lock();
        let sockets = [Some(&current.socket), current.former.as_ref()];
        let mut accepted = Err(io::ErrorKind::WouldBlock.into());
        for socket in sockets.into_iter().flatten() {
            accepted = SockRef::from(&**socket).accept();
            if accepted.is_ok() {
                break;
            }
        }
        let (stream, _) = accepted?;
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream.into())
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    /// Looks whether the file is there, if that is due, and makes it again if there is none.
    fn check(&mut self) {
        let now = Instant::now();
        if now < self.next_check {
            return;
        }
        self.next_check = now + CHECK;
        // Its queue has been empty since the last check, or it would have been accepted from.
        self.former = None;
        let anew = self.file.check("connect", |path, access| {
            let (socket, file) = listen(path, access)?;
            Ok((tokio_listener(socket)?, file))
        });
        if let Some(anew) = anew {
            self.former = Some(std::mem::replace(&mut self.socket, anew));
        }
    }
}

fn tokio_listener(socket: std::os::unix::net::UnixListener) -> io::Result<Arc<UnixListener>> {
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket).map(Arc::new)
}
