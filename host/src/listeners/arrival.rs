//! A connection from its arrival to its end: whether it may stay, TLS, and then its lines.
//!
//! In: a socket just accepted, and the service in force. Out: a connection served and counted, or
//! refused and counted. Each runs in a task of its own. What is logged of it is inside a tracing span
//! that has its listener, its peer and the generation it is on.
//! Not here: what happens to its bytes (`connections`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::Instrument as _;

use super::address_counts::{AddressCounts, AddressSlot};
use super::connection_span::ConnectionSpan;
use crate::connections::connection::Connection;
use crate::connections::end::EndReason;
use crate::connections::metrics::LineMetrics;
use crate::generation::{Service, Snapshot};
use crate::listeners::metrics::{ListenerMetrics, RefusalReason};
use crate::net::transport::{HandshakeError, HandshakeFailure, Peer, Plain, ReadHalf, WriteHalf};
use crate::sinks::egress::Egress;
use linemill_telemetry::Gate;

/// How long a connection over a limit waits for another to end before it is closed: the host may
/// not have noticed yet that a client has just closed one.
pub(super) const PATIENCE: Duration = Duration::from_millis(5);
/// How long a handshake may continue once the host drains.
const LAST_HANDSHAKE: Duration = Duration::from_secs(1);

/// A connection that has been accepted.
pub(super) struct Arrival {
    pub(super) plain: Plain,
    pub(super) peer: Peer,
    /// The listener's name.
    pub(super) listener: Arc<str>,
    pub(super) egress: Arc<Egress>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
    pub(super) metrics: Arc<ListenerMetrics>,
    pub(super) line_metrics: Arc<LineMetrics>,
    pub(super) gates: Arc<Gates>,
}

/// Limit the log lines that clients can cause, for all connections of a listener.
#[derive(Debug, Default)]
pub(super) struct Gates {
    address: Gate,
    /// By kind of failure.
    handshake: [Gate; HandshakeFailure::COUNT],
}

/// Counts a connection for as long as it is open, however it ends.
struct Open(Arc<ListenerMetrics>);

impl Arrival {
    /// Serves it to its end. `service` is in force as it arrives.
    pub(super) fn serve(
        self,
        service: Arc<Service>,
        addresses: AddressCounts,
    ) -> impl Future<Output = ()> {
        // Not an `async fn`: its future would have room for the arrival twice, for as long as the
        // connection lasts.
        let span = self.span().of_connection();
        self.serve_in_span(service, addresses).instrument(span)
    }

    fn span(&self) -> ConnectionSpan {
        ConnectionSpan {
            listener: Arc::clone(&self.listener),
            peer: self.peer,
            generation: self.snapshot.borrow().generation().number,
        }
    }

    async fn serve_in_span(self, service: Arc<Service>, addresses: AddressCounts) {
        // Both count the connection until they are dropped.
        let Ok(_slot) = self.enter(&service, &addresses).await else {
            return;
        };
        let open = Open::new(&self.metrics);
        self.plain.set_user_timeout(service.write_timeout);
        tracing::debug!("connected");
        // Boxed: an idle connection must not have room for what its handshake took.
        let connection = match Box::pin(self.connection(service)).await {
            Ok(connection) => connection,
            Err(reason) => {
                open.0.closed.of(reason).inc();
                return;
            }
        };
        // Without an end, the listener was removed before the connection began.
        if let Some(end) = connection.serve().await {
            let reason = end.reason();
            open.0.closed.of(reason).inc();
            match end.error() {
                Some(error) => tracing::debug!(reason = reason.label(), %error, "disconnected"),
                None => tracing::debug!(reason = reason.label(), "disconnected"),
            }
        }
    }

    /// Counts it as a connection of its address. `Ok(None)` for a Unix socket: its clients have no
    /// address and no limit.
    ///
    /// # Errors
    /// When `max_per_address` are open; this has been counted and logged.
    async fn enter(
        &self,
        service: &Service,
        addresses: &AddressCounts,
    ) -> Result<Option<AddressSlot>, ()> {
        let Some(address) = self.peer.ip() else {
            return Ok(None);
        };
        let limit = service.max_per_address.unwrap_or(usize::MAX);
        if let Some(slot) = addresses.enter(address, limit) {
            return Ok(Some(slot));
        }
        sleep(PATIENCE).await;
        if let Some(slot) = addresses.enter(address, limit) {
            return Ok(Some(slot));
        }
        self.metrics.refused.of(RefusalReason::MaxPerAddress).inc();
        if let Some(not_logged) = self.gates.address.pass() {
            self.span().in_scope(|| {
                tracing::warn!(%address, limit, not_logged, "connection refused: max_per_address are open");
            });
        }
        Err(())
    }

    /// The connection, after a TLS handshake where the listener has TLS.
    ///
    /// # Errors
    /// Why the handshake did not succeed.
    async fn connection(
        mut self,
        service: Arc<Service>,
    ) -> Result<Connection<ReadHalf, WriteHalf>, EndReason> {
        let (reader, writer) = match &service.tls {
            None => self.plain.into_split(),
            Some(tls) => {
                let span = self.span();
                let drained = async {
                    let draining = self
                        .snapshot
                        .wait_for(|snapshot| snapshot.drain_until(&self.listener).is_some());
                    // Without a publisher the process is ending.
                    drop(draining.await);
                    sleep(LAST_HANDSHAKE).await;
                };
                tokio::select! {
                    biased;
                    accepted = tls.accept(self.plain) => {
                        accepted.map_err(|error| self.gates.failed_handshake(&error, &span))?
                    }
                    () = drained => return Err(EndReason::Drain),
                }
            }
        };
        Ok(Connection::new(
            reader,
            writer,
            self.egress,
            self.listener,
            self.snapshot,
            self.line_metrics,
        )
        .with_peer(self.peer.socket()))
    }
}

impl Gates {
    /// Logs a failed handshake. Returns the reason by which it counts.
    fn failed_handshake(&self, error: &HandshakeError, span: &ConnectionSpan) -> EndReason {
        let Some(failure) = error.failure() else {
            tracing::debug!("{error}");
            return EndReason::NoHandshake;
        };
        if let Some(not_logged) = self.handshake[failure as usize].pass() {
            span.in_scope(|| tracing::warn!(not_logged, "{error}"));
        }
        EndReason::Handshake
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
