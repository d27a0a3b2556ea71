//! Sockets that receive datagrams: UDP and Unix.
//!
//! In: a bound socket. Out: datagrams, one at a time, each with its sender; how many UDP datagrams the
//! kernel dropped because nobody took them in time.
//! Not here: binding (`bind`), what the bytes mean (`listeners`).

#[cfg(target_os = "linux")]
mod kernel;
#[cfg(unix)]
mod unix;

use std::io;
#[cfg(unix)]
use std::io::IoSliceMut;
#[cfg(unix)]
use std::os::fd::AsFd;
use std::task::{Context, Poll};

#[cfg(unix)]
use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, recvmsg};
use socket2::SockRef;
#[cfg(unix)]
use tokio::io::Interest;
use tokio::net::UdpSocket;

#[cfg(unix)]
use super::bind::SocketFile;
use super::bind::{Access, share_port};
use super::transport::Peer;
#[cfg(unix)]
use unix::UnixDatagrams;

/// A bound socket.
#[derive(Debug)]
pub struct DatagramSocket(Inner);

#[derive(Debug)]
enum Inner {
    Udp(UdpSocket),
    #[cfg(unix)]
    Unix(UnixDatagrams),
}

/// A datagram that has been received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram {
    /// How many bytes of it are in the buffer.
    pub length: usize,
    /// Whether it was longer than the buffer; its end is lost.
    pub is_cut: bool,
    /// The sender.
    pub peer: Peer,
}

impl DatagramSocket {
    /// Receives by UDP.
    pub(super) fn udp(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket).map(Inner::Udp).map(Self)
    }

    /// Receives by a Unix socket, whose file is removed with it. `access` is for a file that has to be
    /// made again.
    #[cfg(unix)]
    pub(super) fn unix(
        socket: std::os::unix::net::UnixDatagram,
        file: SocketFile,
        access: Access,
    ) -> io::Result<Self> {
        let socket = UnixDatagrams::new(socket, file, access)?;
        Ok(Self(Inner::Unix(socket)))
    }

    /// Receives by a Unix socket that systemd has opened, and whose file it keeps.
    #[cfg(unix)]
    pub(super) fn unix_of_systemd(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        let socket = UnixDatagrams::of_systemd(socket)?;
        Ok(Self(Inner::Unix(socket)))
    }

    /// Lets other sockets receive on the same port, or no longer does.
    pub(super) fn share_port(&self, share: bool) {
        match &self.0 {
            // Failing that, a socket that needs the port cannot be bound, which is reported there.
            Inner::Udp(socket) => drop(share_port(&SockRef::from(socket), share)),
            #[cfg(unix)]
            Inner::Unix(_) => {}
        }
    }

    /// Lets those send to a Unix socket whom `access` allows.
    pub(super) fn set_access(&self, access: Access) -> io::Result<()> {
        match &self.0 {
            #[cfg(unix)]
            Inner::Unix(socket) => socket.set_access(access),
            Inner::Udp(_) => Ok(()),
        }
    }

    /// Waits until there may be a datagram. One task at a time is woken.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Inner::Udp(socket) => socket.poll_recv_ready(cx),
            #[cfg(unix)]
            Inner::Unix(socket) => socket.poll_ready(cx),
        }
    }

    /// Takes a datagram after [`poll_ready`](Self::poll_ready).
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is none, or those of the socket.
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Datagram> {
        match &self.0 {
            #[cfg(unix)]
            Inner::Udp(socket) => {
                socket.try_io(Interest::READABLE, || receive(socket, &mut *buffer))
            }
            // It waits by itself.
            #[cfg(not(unix))]
            Inner::Udp(_) => self.receive_now(buffer),
            #[cfg(unix)]
            Inner::Unix(socket) => socket.receive(buffer, false),
        }
    }

    /// Takes a datagram that is there, also if nobody has waited for it.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is none, or those of the socket.
    #[cfg(unix)]
    pub fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Datagram> {
        match &self.0 {
            Inner::Udp(socket) => receive(socket, buffer),
            Inner::Unix(socket) => socket.receive(buffer, true),
        }
    }

    /// Takes a datagram that is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is none, or those of the socket.
    #[cfg(not(unix))]
    pub fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Datagram> {
        let Inner::Udp(socket) = &self.0;
        let (length, sender) = socket.try_recv_from(buffer)?;
        Ok(Datagram {
            length,
            is_cut: false,
            peer: Peer::Ip(sender),
        })
    }

    /// Looks whether the file of a Unix socket is there, and makes it again if there is none. Returns
    /// whether it has a file.
    pub fn check_file(&self) -> bool {
        match &self.0 {
            Inner::Udp(_) => false,
            #[cfg(unix)]
            Inner::Unix(socket) => socket.check(),
        }
    }

    /// How many datagrams the kernel has dropped because the socket's buffer was full. `None` where it
    /// does not say: for Unix sockets, whose senders wait, and on systems other than Linux.
    pub fn kernel_drops(&self) -> Option<u64> {
        match &self.0 {
            #[cfg(target_os = "linux")]
            Inner::Udp(socket) => kernel::drops(socket),
            _ => None,
        }
    }
}

/// Receives a datagram without waiting.
#[cfg(unix)]
fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Datagram> {
    let mut slices = [IoSliceMut::new(buffer)];
    let mut control = RecvAncillaryBuffer::default();
    let received = recvmsg(socket, &mut slices, &mut control, RecvFlags::empty())?;
    let sender = received.address.and_then(|address| address.try_into().ok());
    Ok(Datagram {
        length: received.bytes,
        is_cut: received.flags.contains(ReturnFlags::TRUNC),
        peer: sender.map_or(Peer::Unix, Peer::Ip),
    })
}

#[cfg(test)]
mod tests;
