//! Options of connected TCP sockets, the same for clients and upstreams.
//!
//! In: a connected socket. Out: the same socket, which sends at once and notices a peer that is gone.
//! Not here: connecting and accepting.
//!
//! A peer that loses its power or its network says nothing. While nothing is under way to it, keepalive
//! finds it gone: three probes that nobody acknowledges, 90 seconds after the last segment. While
//! something is under way, the system would go on sending for a quarter of an hour; the user timeout
//! (RFC 5482) ends that.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// After this long without a segment from the peer, the system probes it.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// The time between two probes.
const KEEPALIVE_AGAIN: Duration = Duration::from_secs(10);
/// The probes that a peer may leave unacknowledged.
const PROBES: u32 = 3;
/// The shortest user timeout. On Linux it also ends keepalive (tcp(7)), which must have sent all its
/// probes by then.
const LEAST_USER_TIMEOUT: Duration = Duration::from_secs(90);

/// Makes a connected socket send without delay, and probe a silent peer. Failing that, lines are merely
/// later, and a peer that is gone is noticed at the next write.
pub fn set_up(stream: &TcpStream) {
    drop(stream.set_nodelay(true));
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE_AGAIN);
    #[cfg(any(
        target_os = "linux",
        target_os = "macos",
        target_os = "freebsd",
        windows
    ))]
    let keepalive = keepalive.with_retries(PROBES);
    drop(SockRef::from(stream).set_tcp_keepalive(&keepalive));
}

/// Ends the connection when its peer acknowledges nothing, or takes nothing, for `limit` or 90 seconds,
/// whichever is longer. Without a limit, the system decides. Only on Linux.
pub fn set_user_timeout(stream: &TcpStream, limit: Option<Duration>) {
    #[cfg(target_os = "linux")]
    {
        let limit = limit.map(|limit| limit.max(LEAST_USER_TIMEOUT));
        drop(SockRef::from(stream).set_tcp_user_timeout(limit));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, limit, LEAST_USER_TIMEOUT);
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_socket_probes_its_peer_and_sends_at_once() -> io::Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let stream = TcpStream::connect(listener.local_addr()?).await?;
        set_up(&stream);
        assert!(stream.nodelay()? && SockRef::from(&stream).keepalive()?);
        #[cfg(target_os = "linux")]
        {
            let socket = SockRef::from(&stream);
            assert_eq!(socket.tcp_keepalive_time()?, KEEPALIVE);
            assert_eq!(socket.tcp_keepalive_interval()?, KEEPALIVE_AGAIN);
            assert_eq!(socket.tcp_keepalive_retries()?, PROBES);
            let all_probes = KEEPALIVE + KEEPALIVE_AGAIN * PROBES;
            assert_eq!(all_probes, LEAST_USER_TIMEOUT);
            for (limit, set) in [(30, 90), (90, 90), (300, 300)] {
                set_user_timeout(&stream, Some(Duration::from_secs(limit)));
                assert_eq!(socket.tcp_user_timeout()?, Some(Duration::from_secs(set)));
            }
            set_user_timeout(&stream, None);
            assert_eq!(socket.tcp_user_timeout()?, None);
        }
        Ok(())
    }
}
