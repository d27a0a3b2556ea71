//! Upstreams: servers that lines go on to.
//!
//! In: a destination. Out: connections to it, plain or TLS, and one log line for each outage.
//! Not here: what is sent (`writer` for shared sinks, `connections` for a connection of a client's own).

mod connection;
mod error;
mod receipts;
mod socket;
mod tcp;
mod trial;
pub(super) mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::backoff::Backoff;
use super::outage::Outage;
use super::queue_reader::Doubtful;
use crate::net::tls::Client;
use crate::net::transport::{Plain, ReadHalf, WriteHalf};
pub use error::ConnectError;
use linemill_config::settings::{Destination, ListenerSettings};
use socket::Socket;

#[cfg(test)]
mod tests;

/// A server that can be connected to. Clones refer to the same one: an outage that several of them
/// see is logged once.
#[derive(Debug, Clone)]
pub struct Upstream(Arc<Inner>);

/// An upstream as long as somebody uses it.
#[derive(Debug)]
pub(super) struct WeakUpstream(Weak<Inner>);

impl WeakUpstream {
    pub(super) fn upgrade(&self) -> Option<Upstream> {
        self.0.upgrade().map(Upstream)
    }
}

#[derive(Debug)]
struct Inner {
    endpoint: Endpoint,
    /// Whether the destination is `tls://`.
    tls: bool,
    /// For the next attempt; a reload may change them.
    options: Mutex<ConnectOptions>,
    outage: Arc<Outage>,
}

/// How to connect to an upstream.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Longest time for one attempt, including the TLS handshake.
    pub connect_timeout: Duration,
    /// Longest time in which the upstream neither takes nor acknowledges a byte.
    pub write_timeout: Option<Duration>,
    /// Whether lines that may have arrived, and were not acknowledged, are sent again.
    pub resend: bool,
    /// The certificates to trust and to show; required if the upstream speaks TLS.
    pub tls: Option<Arc<Client>>,
}

/// A connection of a shared sink.
#[derive(Debug)]
struct Link {
    reader: ReadHalf,
    writer: WriteHalf,
    /// Says what the peer has acknowledged, where the system knows.
    socket: Option<Socket>,
}

/// Where an upstream is.
#[derive(Debug)]
enum Endpoint {
    Tcp { host: String, port: u16 },
    Unix(#[cfg_attr(not(unix), expect(dead_code, reason = "refused by its kind alone"))] PathBuf),
}

impl ConnectOptions {
    /// The options for the upstreams of a listener, with `tls` for those that speak TLS.
    pub fn of(listener: &ListenerSettings, tls: Option<Arc<Client>>) -> Self {
        Self {
            connect_timeout: listener.connect_timeout,
            write_timeout: listener.write_timeout,
            resend: listener.resend,
            tls,
        }
    }
}

impl Upstream {
    /// The upstream at `destination`; `None` when that is not a socket.
    pub fn new(destination: &Destination, options: ConnectOptions) -> Option<Self> {
        let endpoint = match destination {
            Destination::Tcp(peer) | Destination::Tls(peer) => Endpoint::Tcp {
                host: peer.host.to_string(),
                port: peer.port,
            },
            Destination::Unix(path) => Endpoint::Unix(path.clone()),
            Destination::Reply | Destination::Stdout | Destination::File(_) => return None,
        };
        Some(Self(Arc::new(Inner {
            endpoint,
            tls: matches!(destination, Destination::Tls(_)),
            options: Mutex::new(options),
            outage: Arc::new(Outage::new(destination.to_string())),
        })))
    }

    /// Sets the options for the next attempts.
    pub(super) fn set_options(&self, options: ConnectOptions) {
        *self
            .0
            .options
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = options;
    }

    fn options(&self) -> ConnectOptions {
        let options = self.0.options.lock();
        options.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Longest time in which it neither takes nor acknowledges a byte.
    fn write_timeout(&self) -> Option<Duration> {
        let options = self.0.options.lock();
        options
            .unwrap_or_else(PoisonError::into_inner)
            .write_timeout
    }

    /// What happens to lines that may have arrived, and were not acknowledged.
    fn doubtful(&self) -> Doubtful {
        if self.options().resend {
            Doubtful::Resent
        } else {
            Doubtful::Lost
        }
    }

    /// Tries once to connect. The addresses of a host are tried in order; each gets an equal share of
    /// the time that is left.
    ///
    /// # Errors
    /// The last address's error, or that the time ran out.
    pub async fn connect(&self) -> Result<(ReadHalf, WriteHalf), ConnectError> {
        let Link { reader, writer, .. } = self.link().await?;
        Ok((reader, writer))
    }

    /// Tries once to connect, as [`connect`](Self::connect) does.
    async fn link(&self) -> Result<Link, ConnectError> {
        let options = self.options();
        let after = options.connect_timeout;
        timeout(after, self.reach(options))
            .await
            .unwrap_or(Err(ConnectError::TimedOut { after }))
    }

    /// Retries until `deadline`, or indefinitely without one; waits grow from 0.1 to 5 seconds.
    /// Dropping the future stops it.
    ///
    /// # Errors
    /// The last attempt's error, once the deadline has passed.
    pub async fn connect_within(
        &self,
        deadline: Option<Instant>,
    ) -> Result<(ReadHalf, WriteHalf), ConnectError> {
        let mut backoff = Backoff::default();
        let mut last = None;
        loop {
            let attempt = match deadline {
                None => Ok(self.connect().await),
                Some(deadline) => timeout_at(deadline, self.connect()).await,
            };
            let error = match attempt {
                Ok(Ok(halves)) => {
                    self.0.outage.over();
                    return Ok(halves);
                }
                Ok(Err(error)) => error,
                Err(_) => return Err(last.unwrap_or(ConnectError::TooLate)),
            };
            self.0.outage.failed(&error, 0);
            let again = Instant::now() + backoff.pause();
            if let Some(deadline) = deadline.filter(|deadline| *deadline <= again) {
                sleep_until(deadline).await;
                return Err(error);
            }
            last = Some(error);
            sleep_until(again).await;
        }
    }

    /// Whether both are the same upstream, rather than two with the same address.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The upstream, without keeping it alive.
    pub(super) fn downgrade(&self) -> WeakUpstream {
        WeakUpstream(Arc::downgrade(&self.0))
    }

    /// Whether the upstream is down, shared by everything that uses it.
    pub(super) fn outage(&self) -> &Arc<Outage> {
        &self.0.outage
    }

    async fn reach(&self, options: ConnectOptions) -> Result<Link, ConnectError> {
        let (halves, socket) = match &self.0.endpoint {
            Endpoint::Tcp { host, port } => {
                let stream = tcp::reach(host, *port, &options).await?;
                let socket = Socket::of(&stream);
                let stream = Plain::Tcp(stream);
                if self.0.tls {
                    let client = options.tls.ok_or(ConnectError::NoTls)?;
                    (client.connect(stream, host).await?, socket)
                } else {
                    (stream.into_split(), socket)
                }
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => match tokio::net::UnixStream::connect(path).await {
                Ok(stream) => (Plain::Unix(stream).into_split(), None),
                Err(source) => return Err(ConnectError::Unix { source }),
            },
            #[cfg(not(unix))]
            Endpoint::Unix(_) => {
                return Err(ConnectError::Unix {
                    source: std::io::ErrorKind::Unsupported.into(),
                });
            }
        };
        let (reader, writer) = halves;
        Ok(Link {
            reader,
            writer,
            socket,
        })
    }
}
