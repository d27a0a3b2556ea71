//! Next hops: servers that lines are sent on to.
//!
//! In: a destination of the configuration. Out: a connection to it, as two halves.
//! Not here: what goes over it, and for how long (`connection`, `output`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::activity::since_start;
use super::backoff::Backoff;
use super::transport::{Plain, ReadHalf, WriteHalf};
use crate::config::settings::Destination;
use crate::telemetry::log::Gate;
use crate::tls::Client;

/// A server that connections are made to.
#[derive(Debug)]
pub struct Hop {
    to: Destination,
    /// For `tls://`.
    tls: Option<Arc<Client>>,
    /// Longest time for one attempt.
    attempt: Duration,
    /// The last attempt failed, and that has been logged.
    down: AtomicBool,
    log: Gate,
}

impl Hop {
    /// A next hop; `None` when `to` is no server. One attempt to reach it takes `attempt` at most.
    pub fn new(to: &Destination, tls: Option<Arc<Client>>, attempt: Duration) -> Option<Self> {
        let server = matches!(
            to,
            Destination::Tcp(_) | Destination::Tls(_) | Destination::Unix(_)
        );
        server.then(|| Self {
            to: to.clone(),
            tls,
            attempt,
            down: AtomicBool::new(false),
            log: Gate::default(),
        })
    }

    /// Where it is.
    pub fn to(&self) -> &Destination {
        &self.to
    }

    /// Connects, trying again with growing pauses until `deadline`, or for ever. An outage is
    /// logged when it begins and when it is over, however many wait for it.
    ///
    /// # Errors
    /// The last attempt's, when the next one would be too late.
    pub async fn connect(&self, deadline: Option<Instant>) -> io::Result<(ReadHalf, WriteHalf)> {
        let mut backoff = Backoff::default();
        loop {
            let error = match self.attempt().await {
                Ok(halves) => {
                    if self.down.swap(false, Ordering::Relaxed) {
                        tracing::info!(next_hop = %self.to, "next hop is reached again");
                    }
                    return Ok(halves);
                }
                Err(error) => error,
            };
            self.note_failure(&error);
            let wait = backoff.next(since_start());
            if let Some(deadline) = deadline.filter(|deadline| Instant::now() + wait >= *deadline) {
                // Not before: whoever waits has been promised all of that time.
                sleep_until(deadline).await;
                return Err(error);
            }
            sleep(wait).await;
        }
    }

    fn note_failure(&self, error: &io::Error) {
        if !self.down.swap(true, Ordering::Relaxed)
            && let Some(held) = self.log.pass()
        {
            tracing::warn!(next_hop = %self.to, %error, not_logged = held, "next hop cannot be reached; trying on");
        }
    }

    /// Tries once.
    async fn attempt(&self) -> io::Result<(ReadHalf, WriteHalf)> {
        match timeout(self.attempt, self.open()).await {
            Ok(opened) => opened,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "no connection within `connect_timeout`",
            )),
        }
    }

    async fn open(&self) -> io::Result<(ReadHalf, WriteHalf)> {
        match &self.to {
            Destination::Tcp(peer) => Ok(open_tcp(peer).await?.into_split()),
            Destination::Tls(peer) => {
                let plain = open_tcp(peer).await?;
                let Some(tls) = &self.tls else {
                    return Err(io::Error::other("no certificates were loaded for it"));
                };
                tls.connect(plain, host_of(peer))
                    .await
                    .map_err(io::Error::other)
            }
            #[cfg(unix)]
            Destination::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await?;
                Ok(Plain::Unix(stream).into_split())
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// Tries each address of `HOST:PORT` in turn.
async fn open_tcp(peer: &str) -> io::Result<Plain> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(peer).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Lines go on as they come; failing that, they are merely later.
                drop(stream.set_nodelay(true));
                return Ok(Plain::Tcp(stream));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The host of `HOST:PORT`, an IPv6 address without its brackets.
fn host_of(peer: &str) -> &str {
    let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    fn hop(to: &str) -> Hop {
        let to = to.parse().expect("a destination");
        Hop::new(&to, None, Duration::from_secs(5)).expect("a server")
    }

    #[test]
    fn hosts_are_told_from_ports() {
        for (peer, host) in [
            ("a.b:1", "a.b"),
            ("10.0.0.1:6514", "10.0.0.1"),
            ("[::1]:6514", "::1"),
        ] {
            assert_eq!(host_of(peer), host);
        }
    }

    #[test]
    fn what_is_no_server_is_no_next_hop() {
        for to in ["reply", "stdout", "file:a"] {
            assert!(Hop::new(&to.parse().expect(to), None, Duration::ZERO).is_none());
        }
    }

    #[tokio::test]
    async fn a_hop_that_comes_later_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let hop = hop(&format!("tcp://{address}"));
        let connecting = tokio::spawn(async move { hop.connect(None).await });
        // The port is free, so this is refused at least once unless the task starts late.
        tokio::task::yield_now().await;
        let listener = TcpListener::bind(address).await.expect("the same port");
        let (mut accepted, _) = listener.accept().await.expect("a connection");
        let (mut reader, _writer) = connecting.await.expect("no panic").expect("reached");
        accepted.write_all(b"hello").await.expect("written");
        let mut bytes = [0; 5];
        reader.read_exact(&mut bytes).await.expect("read");
        assert_eq!(&bytes, b"hello");
    }

    #[tokio::test]
    async fn a_deadline_ends_the_attempts() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let deadline = Instant::now() + Duration::from_millis(250);
        let failed = hop(&format!("tcp://{address}"))
            .connect(Some(deadline))
            .await;
        assert_eq!(
            failed.expect_err("nobody listens").kind(),
            io::ErrorKind::ConnectionRefused
        );
    }
}
