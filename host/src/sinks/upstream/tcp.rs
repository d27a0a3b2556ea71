//! TCP connections to upstreams.
//!
//! In: a host's name or address, and a port. Out: a socket that is connected and set up.

use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use super::{ConnectError, ConnectOptions};
use crate::net::tcp::set_up;

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
    let mut last = unknown(std::io::ErrorKind::NotFound.into());
    for (index, address) in addresses.iter().enumerate() {
        // An address that does not answer must leave time for those after it.
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let failed = |source| ConnectError::Tcp {
            address: *address,
            source,
        };
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) if is_itself(&stream) => {
                last = failed(std::io::ErrorKind::ConnectionRefused.into());
            }
            Ok(Ok(stream)) => {
                set_up(&stream);
                limit_silence(&stream, options.write_timeout);
                return Ok(stream);
            }
            Ok(Err(error)) => last = failed(error),
            Err(_) => last = failed(std::io::ErrorKind::TimedOut.into()),
        }
    }
    Err(last)
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

/// Ends the connection when data that was sent is not acknowledged, or data cannot be sent, for so long
/// (`TCP_USER_TIMEOUT`, RFC 5482). Without it, the system gives up after about a quarter of an hour.
#[cfg(target_os = "linux")]
fn limit_silence(stream: &TcpStream, limit: Option<Duration>) {
    // Failing that, the host's own timeout is left.
    drop(socket2::SockRef::from(stream).set_tcp_user_timeout(limit));
}

#[cfg(not(target_os = "linux"))]
fn limit_silence(_: &TcpStream, _: Option<Duration>) {}
