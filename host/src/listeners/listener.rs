//! Accepting connections and seeing them to their end.
//!
//! In: a bound socket, and the [`Snapshot`]s in force. Out: served connections, counted. Once the
//! host drains or the listener is removed, it stops accepting, and ends with its last connection.
//! Not here: binding (`net::bind`), what happens on a connection (`arrival`, then `connections`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::address_counts::AddressCounts;
use super::arrival::{Arrival, PATIENCE};
use super::datagrams::Datagrams;
use super::gates::Gates;
use crate::connections::metrics::LineMetrics;
use crate::generation::{Service, Snapshot, grace_ends};
use crate::listeners::metrics::{ListenerMetrics, RefusalReason};
use crate::net::bind::Socket;
use crate::net::transport::{Peer, Plain};
use linemill_telemetry::Gate;

/// Longest pause after the system refused an accept, for example for lack of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// How long connections have for their last bytes after the grace period.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// One listener: a socket, and the connections accepted on it.
pub struct Listener {
    name: Arc<str>,
    socket: Arc<Socket>,
    /// Sockets to accept on from now on, instead of `socket`.
    sockets: mpsc::UnboundedReceiver<Arc<Socket>>,
    /// Tells what receives datagrams on `socket` to take the last ones and end; `None` when nothing does.
    retired: Option<watch::Sender<bool>>,
    snapshot: watch::Receiver<Snapshot>,
    metrics: Arc<ListenerMetrics>,
    line_metrics: Arc<LineMetrics>,
    /// The tasks of all connections, including those still in their TLS handshake.
    connections: JoinSet<()>,
    addresses: AddressCounts,
    /// For log lines about single connections.
    gates: Arc<Gates>,
    /// For log lines about the listener itself.
    log: Gate,
}

impl Listener {
    /// A listener named `name` that accepts on `socket`, and later on what `sockets` has.
    pub fn new(
        name: &str,
        socket: Arc<Socket>,
        sockets: mpsc::UnboundedReceiver<Arc<Socket>>,
        snapshot: watch::Receiver<Snapshot>,
        metrics: ListenerMetrics,
        line_metrics: LineMetrics,
    ) -> Self {
        Self {
            name: name.into(),
            socket,
            sockets,
            retired: None,
            snapshot,
            metrics: Arc::new(metrics),
            line_metrics: Arc::new(line_metrics),
            connections: JoinSet::new(),
            addresses: AddressCounts::default(),
            gates: Arc::default(),
            log: Gate::default(),
        }
    }

    /// Accepts until the listener must drain, and returns when all connections have ended.
    pub async fn serve(mut self) {
        self.receive_datagrams();
        loop {
            while self.connections.try_join_next().is_some() {}
            let drain_until = self.snapshot.borrow_and_update().drain_until(&self.name);
            if drain_until.is_some() {
                return self.drain().await;
            }
            tokio::select! {
                Some(socket) = self.sockets.recv() => self.move_to(socket),
                accepted = self.socket.accept() => match accepted {
                    Ok((plain, peer)) => self.admit(plain, peer).await,
                    Err(error) => self.pause(&error).await,
                },
                _ = self.snapshot.changed() => {}
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    /// Accepts on `socket` from now on. Datagrams that wait in the old one are still received.
    fn move_to(&mut self, socket: Arc<Socket>) {
        if let Some(retired) = self.retired.take() {
            retired.send_replace(true);
        }
        self.socket = socket;
        self.receive_datagrams();
    }

    /// Receives datagrams, if the socket does, in a task of its own.
    fn receive_datagrams(&mut self) {
        let Some(socket) = self.socket.datagrams() else {
            return;
        };
        let (retired, is_retired) = watch::channel(false);
        self.retired = Some(retired);
        let datagrams = Datagrams {
            retired: is_retired,
            socket: Arc::clone(socket),
            listener: Arc::clone(&self.name),
            snapshot: self.snapshot.clone(),
            metrics: Arc::clone(&self.metrics),
            line_metrics: Arc::clone(&self.line_metrics),
            gates: Arc::clone(&self.gates),
        };
        self.connections.spawn(datagrams.serve());
    }

    /// Stops accepting, and waits for the connections, which follow the same snapshots.
    async fn drain(mut self) {
        drop(self.socket);
        let ending = async { while self.connections.join_next().await.is_some() {} };
        let over = async {
            grace_ends(self.snapshot, &self.name).await;
            sleep(LAST_BYTES).await;
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

    /// Serves a connection in a task of its own, so that no client can delay the next one; or
    /// refuses it when `max_connections` are open.
    async fn admit(&mut self, plain: Plain, peer: Peer) {
        let Some(service) = self.service() else {
            return;
        };
        let limit = service.max_connections;
        if self.connections.len() >= limit
            && timeout(PATIENCE, self.connections.join_next())
                .await
                .is_err()
        {
            self.metrics.refused.of(RefusalReason::MaxConnections).inc();
            if let Some(not_logged) = self.log.pass() {
                tracing::warn!(
                    listener = &*self.name,
                    limit,
                    not_logged,
                    "connection refused: max_connections are open"
                );
            }
            return;
        }
        let arrival = Arrival {
            plain,
            peer,
            listener: Arc::clone(&self.name),
            snapshot: self.snapshot.clone(),
            metrics: Arc::clone(&self.metrics),
            line_metrics: Arc::clone(&self.line_metrics),
            gates: Arc::clone(&self.gates),
        };
        arrival.spawn_on(&mut self.connections, service, self.addresses.clone());
    }

    /// The service in force; `None` when the listener has been removed.
    fn service(&self) -> Option<Arc<Service>> {
        let snapshot = self.snapshot.borrow();
        snapshot.generation().services.get(&*self.name).cloned()
    }

    /// Waits a moment after the system refused an accept. An error that concerns only the one
    /// connection needs no pause.
    async fn pause(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted
        ) {
            return;
        }
        if let Some(not_logged) = self.log.pass() {
            tracing::error!(listener = &*self.name, %error, not_logged, "cannot accept; pausing");
        }
        // A connection of our own that ends may free the descriptor.
        tokio::select! {
            () = sleep(PAUSE) => {}
            Some(_) = self.connections.join_next() => {}
        }
    }
}
