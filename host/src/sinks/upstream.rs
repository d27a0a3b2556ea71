//! Upstreams: servers that lines go on to.
//!
//! In: a destination. Out: connections to it, plain or TLS, and one log line for each outage.
//! Not here: what is sent (`writer` for shared sinks, `connections` for a connection of a client's own).

mod error;
mod tcp;
pub(super) mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::backoff::Backoff;
use super::outage::Outage;
use crate::net::tls::Client;
use crate::net::transport::{Plain, ReadHalf, WriteHalf};
pub use error::ConnectError;
use linemill_config::settings::{Destination, ListenerSettings};

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
    outage: Outage,
}

/// How to connect to an upstream.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Longest time for one attempt, including the TLS handshake.
    pub connect_timeout: Duration,
    /// The certificates to trust and to show; required if the upstream speaks TLS.
    pub tls: Option<Arc<Client>>,
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
            outage: Outage::new(destination.to_string()),
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

    /// Tries once to connect. The addresses of a host are tried in order; each gets an equal share of
    /// the time that is left.
    ///
    /// # Errors
    /// The last address's error, or that the time ran out.
    pub async fn connect(&self) -> Result<(ReadHalf, WriteHalf), ConnectError> {
        let options = {
            let options = self.0.options.lock();
            options.unwrap_or_else(PoisonError::into_inner).clone()
        };
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
            self.0.outage.failed(&error);
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

    /// Whether it is down, for all that use it.
    pub(super) fn outage(&self) -> &Outage {
        &self.0.outage
    }

    async fn reach(&self, options: ConnectOptions) -> Result<(ReadHalf, WriteHalf), ConnectError> {
        match &self.0.endpoint {
            Endpoint::Tcp { host, port } => {
                let stream = tcp::reach(host, *port, options.connect_timeout).await?;
                if !self.0.tls {
                    return Ok(Plain::Tcp(stream).into_split());
                }
                let client = options.tls.ok_or(ConnectError::NoTls)?;
                Ok(client.connect(Plain::Tcp(stream), host).await?)
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => match tokio::net::UnixStream::connect(path).await {
                Ok(stream) => Ok(Plain::Unix(stream).into_split()),
                Err(source) => Err(ConnectError::Unix { source }),
            },
            #[cfg(not(unix))]
            Endpoint::Unix(_) => Err(ConnectError::Unix {
                source: std::io::ErrorKind::Unsupported.into(),
            }),
        }
    }
}
