//! TCP connections to upstreams.
//!
//! In: a host's name or address, and a port. Out: a socket that is connected and set up.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use super::{ConnectError, ConnectOptions};
use crate::net::tcp::set_up;

/// `TCP_RTO_MAX_MS` of linux/tcp.h.
#[cfg(target_os = "linux")]
const RTO_MAX_MS: std::ffi::c_int = 44;
/// The longest wait before a segment is sent again; the least that Linux allows.
#[cfg(target_os = "linux")]
const LONGEST_RTO: Duration = Duration::from_secs(1);

/// Connects to `host`, whose addresses are tried in order within `connect_timeout`.
pub(super) async fn reach(
    host: &str,
    port: u16,
    options: &ConnectOptions,
) -> Result<TcpStream, ConnectError> {
    let until = Instant::now() + options.connect_timeout;
    let unknown = |source| ConnectError::Unknown {
        host: host.to_owned(),
        source,
    };
    let addresses: Vec<_> = lookup_host((host, port)).await.map_err(unknown)?.collect();
    let mut last = unknown(io::ErrorKind::NotFound.into());
    for (index, address) in addresses.iter().enumerate() {
        // An address that does not answer must leave time for those after it.
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let failed = |source| ConnectError::Tcp {
            address: *address,
            source,
        };
        match timeout(share, connect(*address)).await {
            Ok(Ok(stream)) if is_itself(&stream) => {
                last = failed(io::ErrorKind::ConnectionRefused.into());
            }
            Ok(Ok(stream)) => {
                set_up(&stream);
                limit_silence(&stream, options.write_timeout);
                return Ok(stream);
            }
            Ok(Err(error)) => last = failed(error),
            Err(_) => last = failed(io::ErrorKind::TimedOut.into()),
        }
    }
    Err(last)
}

/// Connects. Segments that are lost, the first ones included, are repeated often enough for the upstream
/// to be reached within moments of its return.
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    limit_backoff(&socket);
    socket.connect(address).await
}

/// Whether a socket is connected to itself. That happens when nothing listens on a port of this
/// machine and the system picks the same port for the connecting end: TCP allows simultaneous opens
/// (RFC 9293, 3.5), here of one socket with itself.
fn is_itself(stream: &TcpStream) -> bool {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(local), Ok(peer)) => local == peer,
        _ => false,
    }
}

/// Lets the system wait for a second at most before it sends again what was not acknowledged. Without
/// that, each wait is twice as long as the one before, up to two minutes: a connection that was cut off
/// for a while would stay silent for as long again. Of no effect before Linux 6.15.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "no crate in the tree has a function for this option"
)]
fn limit_backoff(socket: &impl std::os::fd::AsFd) {
    use std::os::fd::AsRawFd as _;

    let (socket, longest) = (socket.as_fd(), LONGEST_RTO.as_millis() as std::ffi::c_int);
    // SAFETY: the descriptor is open, and the option is an `int` (linux/tcp.h), which is only read.
    let _ = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            RTO_MAX_MS,
            (&raw const longest).cast(),
            size_of_val(&longest) as libc::socklen_t,
        )
    };
}

#[cfg(not(target_os = "linux"))]
fn limit_backoff(_: &TcpSocket) {}

/// Ends the connection when data that was sent is not acknowledged, or data cannot be sent, for so long
/// (`TCP_USER_TIMEOUT`, RFC 5482). Without it, the system gives up after about a quarter of an hour.
#[cfg(target_os = "linux")]
fn limit_silence(stream: &TcpStream, limit: Option<Duration>) {
    // Failing that, the host's own timeout is left.
    drop(socket2::SockRef::from(stream).set_tcp_user_timeout(limit));
}

#[cfg(not(target_os = "linux"))]
fn limit_silence(_: &TcpStream, _: Option<Duration>) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    #[expect(
        unsafe_code,
        reason = "no crate in the tree has a function for this option"
    )]
    fn segments_are_repeated_every_second_at_least() {
        use std::os::fd::AsRawFd as _;

        let known = std::fs::exists("/proc/sys/net/ipv4/tcp_rto_max_ms");
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        // Of no effect on a socket of another kind, and no harm.
        limit_backoff(&socket);
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        limit_backoff(&socket);
        let mut set: std::ffi::c_int = 0;
        let mut length = size_of_val(&set) as libc::socklen_t;
        // SAFETY: the descriptor is open, and the option is an `int` (linux/tcp.h).
        let got = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                RTO_MAX_MS,
                (&raw mut set).cast(),
                &raw mut length,
            )
        };
        if known.is_ok_and(|known| known) {
            assert_eq!((got, set), (0, 1000));
        }
    }
}
