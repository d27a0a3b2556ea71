//! A connection from its arrival to its end: may it stay, does it speak TLS, and then its lines.
//!
//! In: a socket just accepted, and the service in force. Out: a connection served and counted, or
//! refused and counted. Each runs in a task of its own.
//! Not here: what happens to its bytes (`connection`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::addresses::{Addresses, Lease};
use super::connection::Connection;
use super::end::End;
use super::listener::PATIENCE;
use super::outlet::Destinations;
use super::transport::{Peer, Plain, ReadHalf, WriteHalf};
use crate::generation::{Service, Snapshot};
use crate::telemetry::metrics::{ListenerMetrics, Refused};
use linemill_telemetry::Gate;

/// How long a handshake may go on once the host drains.
const HURRY: Duration = Duration::from_secs(1);

/// A connection that has been accepted.
pub(super) struct Arrival {
    pub(super) plain: Plain,
    pub(super) peer: Peer,
    pub(super) listener: Arc<str>,
    pub(super) destinations: Arc<Destinations>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
    pub(super) metrics: Arc<ListenerMetrics>,
    pub(super) gates: Arc<Gates>,
}

/// What a listener logs of its arrivals.
#[derive(Debug, Default)]
pub(super) struct Gates {
    address: Gate,
    handshake: Gate,
}

/// Counts a connection for as long as it is open, however it ends.
struct Open(Arc<ListenerMetrics>);

impl Arrival {
    /// Serves it to its end. `service` is what is in force as it comes.
    pub(super) async fn serve(self, service: Arc<Service>, addresses: Addresses) {
        // Both are held until the end, and counted by that.
        let Some(_seat) = self.lease(&service, &addresses).await else {
            return;
        };
        let open = Open::new(&self.metrics);
        let (listener, peer) = (Arc::clone(&self.listener), self.peer);
        tracing::debug!(listener = &*listener, %peer, "connected");
        // Boxed: a waiting stream must not carry what its handshake took.
        let connection = match Box::pin(self.connection(service)).await {
            Ok(connection) => connection,
            Err(reason) => return open.0.closed(reason),
        };
        // Without an end, the listener was gone before it began.
        if let Some(end) = connection.serve().await {
            open.0.closed(end.label());
            log_end(&listener, peer, &end);
        }
    }

    /// A seat for its address, when that may have one more. Clients on this machine, by a Unix
    /// socket, have no address and no limit.
    async fn lease(&self, service: &Service, addresses: &Addresses) -> Option<Option<Lease>> {
        let Some(address) = self.peer.ip() else {
            return Some(None);
        };
        let limit = service.max_per_address.unwrap_or(usize::MAX);
        if let Some(lease) = addresses.enter(address, limit) {
            return Some(Some(lease));
        }
        sleep(PATIENCE).await;
        if let Some(lease) = addresses.enter(address, limit) {
            return Some(Some(lease));
        }
        self.metrics.refused(Refused::Address);
        if let Some(held) = self.gates.address.pass() {
            let listener = &*self.listener;
            tracing::warn!(listener, %address, limit, not_logged = held, "connection refused: max_per_address are open");
        }
        None
    }

    /// Its lines, after a handshake where there is TLS; or why there are none.
    async fn connection(
        mut self,
        service: Arc<Service>,
    ) -> Result<Connection<ReadHalf, WriteHalf>, &'static str> {
        let (reader, writer) = match &service.tls {
            None => self.plain.into_split(),
            Some(tls) => {
                let hurry = async {
                    let draining = self
                        .snapshot
                        .wait_for(|snapshot| snapshot.drain_until(&self.listener).is_some());
                    // Whoever gave the orders is gone: the process ends.
                    drop(draining.await);
                    sleep(HURRY).await;
                };
                tokio::select! {
                    biased;
                    shaken = tls.accept(self.plain) => shaken.map_err(|error| {
                        if let Some(held) = self.gates.handshake.pass() {
                            tracing::warn!(listener = &*self.listener, peer = %self.peer, not_logged = held, "{error}");
                        }
                        "handshake"
                    })?,
                    () = hurry => return Err(End::Drained.label()),
                }
            }
        };
        Ok(Connection::new(
            reader,
            writer,
            self.destinations,
            self.listener,
            self.snapshot,
            self.metrics,
        )
        .with(self.peer.socket()))
    }
}

impl Open {
    fn new(metrics: &Arc<ListenerMetrics>) -> Self {
        metrics.accepted.inc();
        metrics.connections.inc();
        Self(Arc::clone(metrics))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

fn log_end(listener: &str, peer: Peer, end: &End) {
    let reason = end.label();
    match end {
        End::Broken(error) | End::Unwritable(error) | End::NextHop(error) => {
            tracing::debug!(listener, %peer, reason, %error, "disconnected")
        }
        _ => tracing::debug!(listener, %peer, reason, "disconnected"),
    }
}
