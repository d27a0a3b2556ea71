//! A Unix socket for datagrams, whose file is made again when somebody removes it.
//!
//! In: a bound socket, and its file. Out: datagrams. When the file is missing at a check, the host binds
//! a new socket at the same path. The former one stays as long as datagrams come to it: senders that
//! have connected to it do not notice. Then it closes, and such senders connect anew. Another file at
//! the path is left alone.
//! Not here: when to check (`listeners`).

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::Interest;
use tokio::net::UnixDatagram;

use super::{Datagram, receive};
use crate::net::bind::{Access, KeptFile, SocketFile, bind_datagrams_anew};

/// A bound socket, with its file.
#[derive(Debug)]
pub(super) struct UnixDatagrams {
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    // Dropped in this order: while the file exists, somebody receives.
    /// `None` if somebody else keeps it.
    file: Option<KeptFile>,
    socket: Arc<UnixDatagram>,
    /// The socket whose file was removed.
    former: Option<Arc<UnixDatagram>>,
    /// Whether a datagram came to the former socket since the last check.
    former_is_used: bool,
    /// Waits for a datagram; woken to wait for one at a new socket.
    waiting: Option<Waker>,
}

impl UnixDatagrams {
    pub(super) fn new(
        socket: std::os::unix::net::UnixDatagram,
        file: SocketFile,
        access: Access,
    ) -> io::Result<Self> {
        Self::with(socket, Some(KeptFile::new(file, access)))
    }

    /// One whose file somebody else keeps.
    pub(super) fn of_systemd(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        Self::with(socket, None)
    }

    fn with(socket: std::os::unix::net::UnixDatagram, file: Option<KeptFile>) -> io::Result<Self> {
        let current = Current {
            file,
            socket: tokio_socket(socket)?,
            former: None,
            former_is_used: false,
            waiting: None,
        };
        Ok(Self {
            current: Mutex::new(current),
        })
    }

    /// Lets those send whom `access` allows. The umask decides only when the file is made.
    pub(super) fn set_access(&self, access: Access) -> io::Result<()> {
        match &mut self.lock().file {
            Some(file) => file.set_access(access),
            None => Ok(()),
        }
    }

    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut current = self.lock();
        if let Some(former) = &current.former
            && former.poll_recv_ready(cx).is_ready()
        {
            return Poll::Ready(Ok(()));
        }
        let ready = current.socket.poll_recv_ready(cx);
        current.waiting = ready.is_pending().then(|| cx.waker().clone());
        ready
    }

    /// Takes a datagram; if not `at_once`, only one that [`Self::poll_ready`] has announced.
    pub(super) fn receive(&self, buffer: &mut [u8], at_once: bool) -> io::Result<Datagram> {
        let mut current = self.lock();
        let mut receive_from = |socket: &UnixDatagram| {
            if at_once {
                receive(socket, buffer)
            } else {
                socket.try_io(Interest::READABLE, || receive(socket, &mut *buffer))
            }
        };
        if let Some(former) = &current.former {
            match receive_from(former) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => {
                    current.former_is_used = true;
                    return received;
                }
            }
        }
        receive_from(&current.socket)
    }

    /// Looks whether the file is there, and makes it again if there is none. Returns whether the file is
    /// kept at all.
    pub(super) fn check(&self) -> bool {
        let mut current = self.lock();
        if !std::mem::take(&mut current.former_is_used) {
            current.former = None;
        }
        let Some(file) = &mut current.file else {
            return false;
        };
        let anew = file.check("send", |path, access| {
            let (socket, file) = bind_datagrams_anew(path, access)?;
            Ok((tokio_socket(socket)?, file))
        });
        if let Some(anew) = anew {
            current.former = Some(std::mem::replace(&mut current.socket, anew));
            current.former_is_used = true;
            if let Some(waiting) = current.waiting.take() {
                waiting.wake();
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tokio_socket(socket: std::os::unix::net::UnixDatagram) -> io::Result<Arc<UnixDatagram>> {
    socket.set_nonblocking(true)?;
    UnixDatagram::from_std(socket).map(Arc::new)
}
