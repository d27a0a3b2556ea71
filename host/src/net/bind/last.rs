//! The last connections of a socket that is about to be closed.
//!
//! Closing a socket resets the connections that the system has accepted on it and the host has not,
//! and those whose handshake is under way (RFC 9293, 3.10.4). So the host first stops new ones, then
//! accepts what is left.

use std::io;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;

use super::{Inner, Socket};
use crate::net::tcp::set_up;
use crate::net::transport::{Peer, Plain};

impl Socket {
    /// Lets no more connections begin; those that have begun can still be accepted. Returns whether
    /// they must be: not if the socket stays open for others when this host closes it.
    ///
    /// For TCP, only on Linux. A client that would have begun one repeats its first segment after a
    /// second, and then reaches who listens there, or is refused.
    pub fn accept_no_more(&self) -> bool {
        if self.outlives {
            return false;
        }
        match &self.inner {
            Inner::Tcp(socket) => {
                // Failing that, the time between the last accept and closing remains.
                #[cfg(target_os = "linux")]
                drop(SockRef::from(socket).attach_filter(&drop_first_segments()));
                #[cfg(not(target_os = "linux"))]
                let _ = socket;
            }
            // Without its file nobody can connect.
            #[cfg(unix)]
            Inner::Unix(socket) => socket.remove_file(),
            #[cfg(unix)]
            Inner::UnixOfSystemd(_) => {}
            Inner::Datagrams(_) => return false,
        }
        true
    }

    /// Accepts a connection if there is one now. It asks the system itself: what tokio knows may be
    /// older.
    pub fn accept_now(&self) -> Option<(Plain, Peer)> {
        loop {
            match self.try_accept() {
                Ok(accepted) => return Some(accepted),
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => return None,
            }
        }
    }

    fn try_accept(&self) -> io::Result<(Plain, Peer)> {
        match &self.inner {
            Inner::Tcp(listener) => {
                let (socket, peer) = SockRef::from(listener).accept()?;
                socket.set_nonblocking(true)?;
                let peer = peer.as_socket().ok_or(io::ErrorKind::Unsupported)?;
                let stream = TcpStream::from_std(socket.into())?;
                set_up(&stream);
                Ok((Plain::Tcp(stream), Peer::Ip(peer)))
            }
            #[cfg(unix)]
            Inner::Unix(socket) => Ok((Plain::Unix(socket.accept_now()?), Peer::Unix)),
            Inner::Datagrams(_) => Err(io::ErrorKind::WouldBlock.into()),
            #[cfg(unix)]
            Inner::UnixOfSystemd(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// How long connections whose handshake is under way have to be set up, once no more may begin.
pub const LAST_ARRIVALS: Duration = Duration::from_millis(100);

/// Whether accepting failed for a connection that is gone already: others may wait behind it.
pub fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

/// A filter for a listening socket that drops segments which begin a connection and passes those that
/// complete a handshake (BPF; the offset is that of the flags in the TCP header).
#[cfg(target_os = "linux")]
fn drop_first_segments() -> [socket2::SockFilter; 5] {
    use socket2::SockFilter;
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}
