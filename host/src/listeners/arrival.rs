//! A connection from its arrival to its end: whether it may stay, TLS, and then its lines.
//!
//! In: an accepted socket, and the service in force. Out: a connection that was served and counted, or
//! refused and counted. Each runs in its own task. Its log lines are inside a tracing span that has its
//! listener, its peer and the generation it is on.
//! Not here: who may stay (`admission`), what happens to its bytes (`connections`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::Instrument as _;

use super::address_counts::AddressCounts;
use super::connection_span::ConnectionSpan;
use super::loops::Loops;
use super::opening::Opening;
use super::seats::Seat;
use crate::connections::connection::Connection;
use crate::connections::end::EndReason;
use crate::connections::metrics::LineMetrics;
use crate::connections::source::Source;
use crate::generation::{Service, Snapshot};
use crate::listeners::metrics::ListenerMetrics;
use crate::net::transport::{Peer, Plain, WriteHalf};
use crate::panics::contain;
use linemill_sandbox::chain::Rooms;

/// How long a connection over a limit waits for another to end before it is closed: the host may
/// not have noticed yet that a client has just closed one.
pub(super) const PATIENCE: Duration = Duration::from_millis(5);
/// How long a handshake may continue once the host drains.
const LAST_HANDSHAKE: Duration = Duration::from_secs(1);

/// An accepted connection.
pub(super) struct Arrival {
    pub(super) plain: Plain,
    /// The client; until a PROXY protocol header has been read, the proxy.
    pub(super) peer: Peer,
    /// The listener's name.
    pub(super) listener: Arc<str>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
    pub(super) metrics: Arc<ListenerMetrics>,
    pub(super) line_metrics: Arc<LineMetrics>,
    pub(super) loops: Loops,
    pub(super) seat: Seat,
    /// Its number among the connections of the process.
    pub(super) number: u64,
}

/// A client's reader, and the connection's seat.
struct Seated {
    reader: Opening,
    seat: Seat,
}

/// Counts a connection for as long as it is open, however it ends.
struct Open {
    metrics: Arc<ListenerMetrics>,
    /// Why it ends. A connection that is cut has no other reason.
    reason: EndReason,
}

impl Arrival {
    /// Serves it to its end, in a task among `connections`. `service` is in force as it arrives.
    pub(super) fn spawn_on(
        self,
        connections: &mut JoinSet<()>,
        service: Arc<Service>,
        addresses: AddressCounts,
    ) {
        if service.proxies.is_none() {
            connections.spawn(self.serve(service, addresses));
            return;
        }
        connections.spawn(async move {
            // Boxed: an open connection must not have room for what its header took.
            if let Some(arrival) = Box::pin(self.after_header(&service)).await {
                Box::pin(arrival.serve(service, addresses)).await;
            }
        });
    }

    /// The same connection once the header of its proxy has been read; `None` if it has ended.
    async fn after_header(self, service: &Service) -> Option<Self> {
        let (whose, mut arrival) = (self.span(), None);
        let reading = async { arrival = self.behind_proxy(service).await };
        contain(reading, |panic| complain_of(panic, &whose)).await;
        arrival
    }

    fn serve(self, service: Arc<Service>, addresses: AddressCounts) -> impl Future<Output = ()> {
        // Not an `async fn`: its future would have room for the arrival twice, for as long as the
        // connection lasts.
        let whose = self.span();
        let span = whose.of_connection();
        let served = self.serve_in_span(service, addresses).instrument(span);
        contain(served, move |panic| complain_of(panic, &whose))
    }

    pub(super) fn span(&self) -> ConnectionSpan {
        ConnectionSpan {
            listener: Arc::clone(&self.listener),
            peer: self.peer,
            generation: self.snapshot.borrow().generation().number,
            number: Some(self.number),
        }
    }

    async fn serve_in_span(mut self, service: Arc<Service>, addresses: AddressCounts) {
        if self.check_address(&service).is_err() {
            return;
        }
        // Boxed: hardly any connection has one.
        let Ok(_step) = self
            .check_loop(&service)
            .await
            .map(|step| step.map(Box::new))
        else {
            return;
        };
        match self.enter(&service, &addresses).await {
            Ok(address) => self.seat.address = address,
            Err(()) => return,
        }
        let Ok(rooms) = self.rooms(&service).await else {
            return;
        };
        let mut open = Open::new(&self.metrics);
        self.plain.set_user_timeout(service.write_timeout);
        tracing::debug!("connected");
        // Boxed: an idle connection must not have room for what its handshake took.
        let connection = match Box::pin(self.connection(service, rooms)).await {
            Ok(connection) => connection,
            Err(reason) => {
                open.reason = reason;
                return;
            }
        };
        if let Some(end) = connection.serve().await {
            let reason = end.reason();
            open.reason = reason;
            match end.error() {
                Some(error) => tracing::debug!(reason = reason.label(), %error, "disconnected"),
                None => tracing::debug!(reason = reason.label(), "disconnected"),
            }
        }
    }

    /// The connection, after a TLS handshake if the listener has TLS.
    ///
    /// # Errors
    /// Why the handshake failed.
    async fn connection(
        mut self,
        service: Arc<Service>,
        rooms: Rooms,
    ) -> Result<Connection<Seated, WriteHalf>, EndReason> {
        let mut names = None;
        let (reader, writer) = match &service.tls {
            None => {
                let span = self.span();
                let (reader, writer) = self.plain.into_split();
                let complaints = Arc::clone(&service.complaints);
                (Opening::plain(reader, span, complaints), writer)
            }
            Some(tls) => {
                let span = self.span();
                let drained = last_handshake(&mut self.snapshot, &self.listener);
                let (reader, writer) = tokio::select! {
                    biased;
                    accepted = tls.accept(self.plain, service.handshake_timeout) => {
                        let complaints = &service.complaints;
                        accepted.map_err(|error| complaints.failed_handshake(&error, &span))?
                    }
                    () = drained => return Err(EndReason::Drain),
                };
                names = reader.names(tls).map(Arc::new);
                (Opening::tls(reader), writer)
            }
        };
        let seat = self.seat;
        Ok(Connection::new(
            Seated { reader, seat },
            writer,
            self.listener,
            self.snapshot,
            self.line_metrics,
        )
        .with_peer(self.peer.socket())
        .with_identity(self.number, names)
        .with_rooms(&service.chain, rooms)
        .with_service(service))
    }
}

/// Logs that a bug has ended a connection.
fn complain_of(panic: &str, whose: &ConnectionSpan) {
    whose.in_scope(|| tracing::error!(panic, "connection ended by a bug in linemill"));
}

/// Waits until the connections of `listener` are to end, and then as long as what precedes the first
/// line may still take.
pub(super) async fn last_handshake(snapshot: &mut watch::Receiver<Snapshot>, listener: &str) {
    let draining = snapshot.wait_for(|snapshot| snapshot.drain_until(listener).is_some());
    // Without a publisher the process is ending.
    drop(draining.await);
    sleep(LAST_HANDSHAKE).await;
}

impl Open {
    fn new(metrics: &Arc<ListenerMetrics>) -> Self {
        metrics.accepted.inc();
        metrics.connections.inc();
        Self {
            metrics: Arc::clone(metrics),
            reason: EndReason::Drain,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.connections.dec();
        if std::thread::panicking() {
            self.reason = EndReason::Panic;
        }
        self.metrics.closed.of(self.reason).inc();
    }
}

impl AsyncRead for Seated {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().reader).poll_read(cx, buffer)
    }
}

impl Source for Seated {
    fn gone(&self) -> impl Future<Output = ()> + Send {
        self.reader.closed()
    }

    fn broken(&self) -> impl Future<Output = ()> + Send {
        self.reader.reset()
    }

    fn has_input(&self) -> bool {
        self.reader.has_input()
    }

    fn leave(&mut self) {
        self.seat.leave();
    }
}
