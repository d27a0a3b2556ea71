//! Accepting connections and seeing them to their end.
//!
//! In: a bound socket, and the [`Orders`] in force. Out: served connections, counted. Ends when
//! the orders say drain, after the last connection has.
//! Not here: binding (`app`), what happens on a connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::end::End;
use super::outlet::Destinations;
use crate::generation::Orders;
use crate::telemetry::log::Gate;
use crate::telemetry::metrics::ListenerMetrics;

/// Pause after the system refused an accept, for want of descriptors say.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a connection over the limit waits for another to end before it is closed: one that
/// has just been closed by its client may not have been noticed yet.
const PATIENCE: Duration = Duration::from_millis(5);
/// How long after the grace period connections have for their last bytes.
const LAST: Duration = Duration::from_secs(1);

/// A listener of the data plane.
pub struct Listener {
    name: Arc<str>,
    socket: TcpListener,
    destinations: Arc<Destinations>,
    orders: watch::Receiver<Orders>,
    metrics: ListenerMetrics,
    connections: JoinSet<()>,
    log: Gate,
}

impl Listener {
    /// A listener named `name`, whose lines go to `destinations`.
    pub fn new(
        name: &str,
        socket: TcpListener,
        destinations: Arc<Destinations>,
        orders: watch::Receiver<Orders>,
        metrics: ListenerMetrics,
    ) -> Self {
        let connections = JoinSet::new();
        Self {
            name: name.into(),
            socket,
            destinations,
            orders,
            metrics,
            connections,
            log: Gate::default(),
        }
    }

    /// Serves until the orders say drain, and then until all connections have ended.
    pub async fn serve(mut self) {
        loop {
            while self.connections.try_join_next().is_some() {}
            let drain_until = self.orders.borrow_and_update().drain_until;
            if let Some(until) = drain_until {
                // No longer accepting; connections follow the same orders.
                drop(self.socket);
                let ending = async { while self.connections.join_next().await.is_some() {} };
                if timeout(
                    until.duration_since(tokio::time::Instant::now()) + LAST,
                    ending,
                )
                .await
                .is_err()
                {
                    tracing::warn!(
                        listener = &*self.name,
                        left = self.connections.len(),
                        "connections cut at the end of the grace period"
                    );
                }
                return;
            }
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, peer)) => self.take(stream, peer).await,
                    Err(error) => self.refused_by_system(&error).await,
                },
                _ = self.orders.changed() => {}
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    async fn take(&mut self, stream: TcpStream, peer: SocketAddr) {
        let limit = {
            let orders = self.orders.borrow();
            orders
                .generation
                .services
                .get(&*self.name)
                .map_or(0, |service| service.max_connections)
        };
        if self.connections.len() >= limit
            && timeout(PATIENCE, self.connections.join_next())
                .await
                .is_err()
        {
            self.metrics.refused.inc();
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
        // Lines are answered as they come; failing that, they are merely later.
        drop(stream.set_nodelay(true));
        let (reader, writer) = stream.into_split();
        let (name, orders, metrics) = (
            Arc::clone(&self.name),
            self.orders.clone(),
            self.metrics.clone(),
        );
        let destinations = Arc::clone(&self.destinations);
        let connection = Connection::new(reader, writer, destinations, name, orders, metrics);
        self.metrics.accepted.inc();
        self.metrics.connections.inc();
        let open = Open(self.metrics.clone());
        self.connections.spawn(async move {
            tracing::debug!(listener = open.0.name(), %peer, "connected");
            if let Some(end) = connection.serve().await {
                open.0.closed(end.label());
                log_end(&open.0, peer, &end);
            }
        });
    }

    async fn refused_by_system(&self, error: &std::io::Error) {
        use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted
        ) {
            return;
        }
        if let Some(held) = self.log.pass() {
            tracing::error!(listener = &*self.name, %error, not_logged = held, "cannot accept; pausing");
        }
        sleep(PAUSE).await;
    }
}

/// Counts a connection for as long as it is open, however it ends.
struct Open(ListenerMetrics);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

fn log_end(metrics: &ListenerMetrics, peer: SocketAddr, end: &End) {
    let (listener, reason) = (metrics.name(), end.label());
    match end {
        End::Broken(error) | End::Unwritable(error) | End::NextHop(error) => {
            tracing::debug!(listener, %peer, reason, %error, "disconnected")
        }
        _ => tracing::debug!(listener, %peer, reason, "disconnected"),
    }
}
