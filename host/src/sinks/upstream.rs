//! Upstreams: servers that lines go on to.
//!
//! In: a destination. Out: connections to it, plain or TLS, and one log line for each outage.
//! Not here: which of several upstreams is used (`failover` for shared sinks, `list` for a connection
//! of a client's own), what is sent (`writer` and `connections`).

mod connection;
mod error;
mod failover;
mod list;
mod own;
mod probe;
mod receipts;
mod socket;
mod tcp;
mod trial;
mod turn;
mod watcher;
pub(super) mod writer;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::outage::{Outage, UpstreamState};
use super::queue_reader::Doubtful;
use super::throughput::Rates;
use crate::net::own_sockets::Connecting;
use crate::net::tls::Client;
use crate::net::transport::{Plain, ReadHalf, WriteHalf};
use crate::sinks::metrics::{OwnUpstreamMetrics, UpstreamMetrics};
pub use error::ConnectError;
use linemill_config::settings::{Destination, ListenerSettings};
use list::Shunned;
pub use list::UpstreamList;
pub(super) use list::WeakList;
pub use own::{OwnConnection, OwnCounts, PROVEN};
use socket::Socket;
use trial::Experience;

#[cfg(test)]
mod tests;

/// A server that can be connected to. Clones refer to the same one, and so does equality: an outage that
/// several of them see is logged once.
#[derive(Debug, Clone)]
pub struct Upstream(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `tcp://`, `tls://` or `unix:`.
    destination: Destination,
    endpoint: Endpoint,
    /// Whether the destination is `tls://`.
    tls: bool,
    /// For the next attempt; a reload may change them.
    options: Mutex<ConnectOptions>,
    outage: Outage,
    /// Whether the lines of a shared sink go to it.
    in_use: AtomicBool,
    /// What the last connection of a shared sink has taught.
    experience: Mutex<Experience>,
    /// Whether new clients try others first.
    shunned: Mutex<Shunned>,
    /// Set if it belongs to a shared sink.
    metrics: OnceLock<UpstreamMetrics>,
    /// Counts connections of single clients; not set for a shared sink's upstream.
    own: OnceLock<OwnUpstreamMetrics>,
}

/// Longest time to find out whether an upstream refuses connections.
const SOON: Duration = Duration::from_millis(250);

/// How to connect to an upstream.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Longest time for one attempt, including the TLS handshake.
    pub connect_timeout: Duration,
    /// Longest time in which the upstream neither takes nor acknowledges a byte.
    pub write_timeout: Option<Duration>,
    /// Whether lines that may have arrived, and were not acknowledged, are sent again.
    pub resend: bool,
    /// After this time, a connection that clients share is replaced.
    pub max_age: Option<Duration>,
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
            max_age: listener.to_max_age,
            tls,
        }
    }

    /// Whether an attempt to connect goes the same way with both.
    fn connects_like(&self, other: &Self) -> bool {
        let same_tls = match (&self.tls, &other.tls) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        same_tls && self.connect_timeout == other.connect_timeout
    }
}

impl PartialEq for Upstream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Upstream {
    /// The upstream at `destination`; `None` when that is not one upstream.
    pub fn new(destination: &Destination, options: ConnectOptions) -> Option<Self> {
        let endpoint = match destination {
            Destination::Tcp(peer) | Destination::Tls(peer) => Endpoint::Tcp {
                host: peer.host.to_string(),
                port: peer.port,
            },
            Destination::Unix(path) => Endpoint::Unix(path.clone()),
            Destination::Reply
            | Destination::Stdout
            | Destination::File(_)
            | Destination::FailOver(_) => return None,
        };
        Some(Self(Arc::new(Inner {
            destination: destination.clone(),
            endpoint,
            tls: matches!(destination, Destination::Tls(_)),
            options: Mutex::new(options),
            outage: Outage::new(destination.to_string()),
            in_use: AtomicBool::new(false),
            experience: Mutex::default(),
            shunned: Mutex::default(),
            metrics: OnceLock::new(),
            own: OnceLock::new(),
        })))
    }

    /// Sets the options for the next attempts.
    pub(super) fn set_options(&self, options: ConnectOptions) {
        *lock(&self.0.options) = options;
    }

    fn options(&self) -> ConnectOptions {
        lock(&self.0.options).clone()
    }

    /// Counts in `metrics` from now on.
    pub(super) fn count_in(&self, metrics: UpstreamMetrics) {
        // It has been set only if it is the same series.
        drop(self.0.metrics.set(metrics));
    }

    /// Longest time in which it neither takes nor acknowledges a byte.
    fn write_timeout(&self) -> Option<Duration> {
        lock(&self.0.options).write_timeout
    }

    /// The greatest age of a connection that clients share.
    fn max_age(&self) -> Option<Duration> {
        lock(&self.0.options).max_age
    }

    /// What happens to lines that may have arrived, and were not acknowledged.
    fn doubtful(&self) -> Doubtful {
        if lock(&self.0.options).resend {
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
        self.link_within(self.options().connect_timeout).await
    }

    /// Tries once to connect, for a quarter of a second at most: to learn whether it refuses connections.
    async fn link_soon(&self) -> Result<Link, ConnectError> {
        self.link_within(SOON.min(self.options().connect_timeout))
            .await
    }

    async fn link_within(&self, after: Duration) -> Result<Link, ConnectError> {
        let options = ConnectOptions {
            connect_timeout: after,
            ..self.options()
        };
        timeout(after, self.reach(options))
            .await
            .unwrap_or(Err(ConnectError::TimedOut { after }))
    }

    /// Its destination, as written in the configuration.
    pub(super) fn to(&self) -> &str {
        self.0.outage.to()
    }

    /// Notes that it is up.
    fn note_up(&self) {
        self.0.outage.over();
        if let Some(metrics) = self.0.metrics.get() {
            metrics.up.set(1);
        }
    }

    /// Notes that an attempt has failed or a connection has broken. `queued` bytes wait.
    fn note_failure(&self, error: &dyn Display, queued: u64) {
        self.note_doubt(error, queued);
        if let Some(metrics) = self.0.metrics.get() {
            metrics.failures.inc();
        }
        if let Some(own) = self.0.own.get() {
            own.failures.inc();
            own.up.set(0);
        }
    }

    /// Notes that it may not be up any more. `queued` bytes wait.
    fn note_doubt(&self, error: &dyn Display, queued: u64) {
        self.0.outage.failed(error, queued);
        if let Some(metrics) = self.0.metrics.get() {
            metrics.up.set(0);
        }
    }

    /// Notes that nobody is watching it any more.
    fn forget(&self) {
        self.0.outage.forget();
        if let Some(metrics) = self.0.metrics.get() {
            metrics.up.set(0);
        }
    }

    /// Notes whether lines go to it.
    fn set_in_use(&self, in_use: bool) {
        self.0.in_use.store(in_use, Ordering::Relaxed);
        if let Some(metrics) = self.0.metrics.get() {
            metrics.in_use.set(i64::from(in_use));
        }
    }

    /// Whether it is up, and in use.
    pub(super) fn state(&self) -> UpstreamState {
        let state = self.0.outage.state(0, Rates::default());
        UpstreamState {
            to: self.to().to_owned(),
            in_use: self.0.in_use.load(Ordering::Relaxed),
            up: state.up,
            reason: state.reason,
            since: state.since,
            lasting: state.lasting,
        }
    }

    /// Whether the last attempt failed.
    #[cfg(test)]
    pub(super) fn is_down(&self) -> bool {
        self.0.outage.is_down()
    }

    async fn reach(&self, options: ConnectOptions) -> Result<Link, ConnectError> {
        let mut own = None;
        let (halves, socket) = match &self.0.endpoint {
            Endpoint::Tcp { host, port } => {
                // The upstream may be a listener of this host.
                let connecting = Connecting::begin(*port);
                let stream = tcp::reach(host, *port, &options).await?;
                own = connecting.made(&stream, self.0.outage.to());
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
            reader: reader.known_as(own),
            writer,
            socket,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
