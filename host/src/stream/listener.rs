//! Accepting connections and seeing them to their end.
//!
//! In: a bound socket, and the [`Snapshot`] in force. Out: served connections, counted. Ends when
//! the orders say drain, or do not know the listener any more, after the last connection has.
//! Not here: binding (`bind`), what happens on a connection (`arrival`, then `connection`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::addresses::Addresses;
use super::arrival::{Arrival, Gates};
use super::outlet::{Destinations, grace_ends};
use super::transport::{Peer, Plain};
use crate::bind::Socket;
use crate::generation::{Service, Snapshot};
use crate::telemetry::metrics::{ListenerMetrics, Refused};
use linemill_telemetry::Gate;

/// Longest pause after the system refused an accept, for want of descriptors say.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a connection over the limit waits for another to end before it is closed: one that
/// has just been closed by its client may not have been noticed yet.
pub(super) const PATIENCE: Duration = Duration::from_millis(5);
/// How long after the grace period connections have for their last bytes.
const LAST: Duration = Duration::from_secs(1);

/// A listener of the data plane.
pub struct Listener {
    name: Arc<str>,
    socket: Socket,
    destinations: Arc<Destinations>,
    snapshot: watch::Receiver<Snapshot>,
    metrics: Arc<ListenerMetrics>,
    /// All that have been accepted, shaken hands or not.
    connections: JoinSet<()>,
    addresses: Addresses,
    gates: Arc<Gates>,
    log: Gate,
}

impl Listener {
    /// A listener named `name`, whose lines go to `destinations`.
    pub fn new(
        name: &str,
        socket: Socket,
        destinations: Arc<Destinations>,
        snapshot: watch::Receiver<Snapshot>,
        metrics: Arc<ListenerMetrics>,
    ) -> Self {
        Self {
            name: name.into(),
            socket,
            destinations,
            snapshot,
            metrics,
            connections: JoinSet::new(),
            addresses: Addresses::default(),
            gates: Arc::default(),
            log: Gate::default(),
        }
    }

    /// Serves until the orders say drain, and then until all connections have ended.
    pub async fn serve(mut self) {
        loop {
            while self.connections.try_join_next().is_some() {}
            let drain_until = self.snapshot.borrow_and_update().drain_until(&self.name);
            if drain_until.is_some() {
                return self.drain().await;
            }
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((plain, peer)) => self.take(plain, peer).await,
                    Err(error) => self.refused_by_system(&error).await,
                },
                _ = self.snapshot.changed() => {}
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    /// No longer accepts; connections follow the same orders.
    async fn drain(mut self) {
        drop(self.socket);
        let ending = async { while self.connections.join_next().await.is_some() {} };
        let over = async {
            grace_ends(self.snapshot, &self.name).await;
            sleep(LAST).await;
        };
        tokio::select! {
            () = ending => return,
            () = over => {}
        }
        tracing::warn!(
            listener = &*self.name,
            left = self.connections.len(),
            "connections cut at the end of the grace period"
        );
    }

    /// Gives a connection its place, and a task of its own: nothing that a client does or leaves
    /// undone holds up the next.
    async fn take(&mut self, plain: Plain, peer: Peer) {
        let Some(service) = self.service() else {
            return;
        };
        let limit = service.max_connections;
        if self.connections.len() >= limit
            && timeout(PATIENCE, self.connections.join_next())
                .await
                .is_err()
        {
            self.metrics.refused(Refused::Full);
            if let Some(held) = self.log.pass() {
                tracing::warn!(
                    listener = &*self.name,
                    limit,
                    not_logged = held,
                    "connection refused: max_connections are open"
                );
            }
            return;
        }
        let arrival = Arrival {
            plain,
            peer,
            listener: Arc::clone(&self.name),
            destinations: Arc::clone(&self.destinations),
            snapshot: self.snapshot.clone(),
            metrics: Arc::clone(&self.metrics),
            gates: Arc::clone(&self.gates),
        };
        self.connections
            .spawn(arrival.serve(service, self.addresses.clone()));
    }

    /// What is in force now; `None` when the listener is not.
    fn service(&self) -> Option<Arc<Service>> {
        let snapshot = self.snapshot.borrow();
        snapshot.generation().services.get(&*self.name).cloned()
    }

    async fn refused_by_system(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted
        ) {
            return;
        }
        if let Some(held) = self.log.pass() {
            tracing::error!(listener = &*self.name, %error, not_logged = held, "cannot accept; pausing");
        }
        // The descriptor that is wanted may be one of our own.
        tokio::select! {
            () = sleep(PAUSE) => {}
            Some(_) = self.connections.join_next() => {}
        }
    }
}
