//! Next hops: sockets elsewhere that lines go on to.
//!
//! In: a destination. Out: connections to it, plain or TLS, and one log line for each outage.
//! Not here: what is sent, what becomes of it when a connection breaks.

pub(super) mod backoff;
mod error;
pub(super) mod outage;
mod tcp;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::transport::{Plain, ReadHalf, WriteHalf};
use crate::generation::Service;
use crate::tls::Client;
use backoff::Backoff;
pub use error::HopError;
use linemill_config::settings::Destination;
use outage::Outage;

#[cfg(test)]
mod tests;

/// A destination that can be connected to. Clones are the same one: an outage that several of
/// them see is logged once.
#[derive(Debug, Clone)]
pub struct Hop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    /// Whether TLS is spoken there.
    tls: bool,
    terms: Mutex<Terms>,
    outage: Outage,
}

/// How it is connected to.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Longest time that one attempt takes, TLS included.
    pub connect_timeout: Duration,
    /// Who the host is and whom it trusts, for a next hop that speaks TLS.
    pub tls: Option<Arc<Client>>,
}

/// Where it is.
#[derive(Debug)]
enum Place {
    Tcp { host: String, port: u16 },
    Unix(#[cfg_attr(not(unix), expect(dead_code, reason = "refused by its kind alone"))] PathBuf),
}

impl Terms {
    /// Those of a listener's service.
    pub fn of(service: &Service) -> Self {
        Self {
            connect_timeout: service.connect_timeout,
            tls: service.to_tls.clone(),
        }
    }
}

impl Hop {
    /// The next hop at `destination`; `None` when that is no socket.
    pub fn new(destination: &Destination, terms: Terms) -> Option<Self> {
        let place = match destination {
            Destination::Tcp(peer) | Destination::Tls(peer) => Place::Tcp {
                host: peer.host.to_string(),
                port: peer.port,
            },
            Destination::Unix(path) => Place::Unix(path.clone()),
            Destination::Reply | Destination::Stdout | Destination::File(_) => return None,
        };
        Some(Self(Arc::new(Inner {
            place,
            tls: matches!(destination, Destination::Tls(_)),
            terms: Mutex::new(terms),
            outage: Outage::new(destination.to_string()),
        })))
    }

    /// What holds from the next attempt on.
    pub fn set_terms(&self, terms: Terms) {
        *self.0.terms.lock().unwrap_or_else(PoisonError::into_inner) = terms;
    }

    /// Tries once to connect. A host's addresses are tried in order; each has its share of the
    /// time.
    ///
    /// # Errors
    /// The last address's error, or that the time was over.
    pub async fn connect(&self) -> Result<(ReadHalf, WriteHalf), HopError> {
        let terms = {
            let terms = self.0.terms.lock();
            terms.unwrap_or_else(PoisonError::into_inner).clone()
        };
        let after = terms.connect_timeout;
        timeout(after, self.reach(terms))
            .await
            .unwrap_or(Err(HopError::TimedOut { after }))
    }

    /// Tries again and again until `deadline`, or for ever; waits grow from 0.1 to 5 seconds.
    /// Dropping it is to stop.
    ///
    /// # Errors
    /// The last attempt's error, once the deadline is over.
    pub async fn connect_within(
        &self,
        deadline: Option<Instant>,
    ) -> Result<(ReadHalf, WriteHalf), HopError> {
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
                Err(_) => return Err(last.unwrap_or(HopError::TooLate)),
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

    /// Its outages.
    pub(super) fn outage(&self) -> &Outage {
        &self.0.outage
    }

    async fn reach(&self, terms: Terms) -> Result<(ReadHalf, WriteHalf), HopError> {
        match &self.0.place {
            Place::Tcp { host, port } => {
                let stream = tcp::reach(host, *port, terms.connect_timeout).await?;
                match terms.tls {
                    _ if !self.0.tls => Ok(Plain::Tcp(stream).into_split()),
                    Some(client) => Ok(client.connect(Plain::Tcp(stream), host).await?),
                    None => Err(HopError::NoTls),
                }
            }
            #[cfg(unix)]
            Place::Unix(path) => match tokio::net::UnixStream::connect(path).await {
                Ok(stream) => Ok(Plain::Unix(stream).into_split()),
                Err(source) => Err(HopError::Unix { source }),
            },
            #[cfg(not(unix))]
            Place::Unix(_) => Err(HopError::Unix {
                source: std::io::ErrorKind::Unsupported.into(),
            }),
        }
    }
}
