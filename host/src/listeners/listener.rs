//! Accepting connections and seeing them to their end.
//!
//! In: a bound socket, and the [`Snapshot`]s in force. Out: served connections, counted. Once the
//! host drains or the listener is removed, it stops accepting, and ends with its last connection.
//! Not here: binding (`net::bind`), what happens on a connection (`arrival`, then `connections`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::address_counts::AddressCounts;
use super::arrival::{Arrival, PATIENCE};
use super::datagrams::Datagrams;
use super::loops::Loops;
use super::seats::{Seat, Seats};
use super::view::ListenerView;
use crate::connections::metrics::LineMetrics;
use crate::connections::tally::Tally;
use crate::generation::{Service, Snapshot, grace_ends};
use crate::listeners::metrics::{AcceptError, ListenerMetrics, RefusalReason};
use crate::net::bind::{BACKLOG, LAST_ARRIVALS, Socket, is_of_one_connection};
use crate::net::descriptors;
use crate::net::transport::{Peer, Plain};
use linemill_budget::Lease;
use linemill_telemetry::Gate;

/// Longest pause after the system refused an accept, for example for lack of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// How long new clients wait for descriptors before they are refused.
const SHORTAGE: Duration = Duration::from_secs(5);
/// How long connections have for their last bytes after the grace period.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// How many connections have been accepted by all listeners of the process.
static ACCEPTED: AtomicU64 = AtomicU64::new(0);

/// One listener: a socket, and the connections accepted on it.
pub struct Listener {
    name: Arc<str>,
    socket: Arc<Socket>,
    /// Sockets to accept on from now on, instead of `socket`.
    sockets: mpsc::UnboundedReceiver<Arc<Socket>>,
    /// Tells what receives datagrams on `socket` to take the last ones and end; `None` when nothing does.
    retired: Option<watch::Sender<bool>>,
    snapshot: watch::Receiver<Snapshot>,
    /// The service in force or, when the listener has been removed, its last one.
    service: Option<Arc<Service>>,
    metrics: Arc<ListenerMetrics>,
    line_metrics: Arc<LineMetrics>,
    /// Shows the listener until its last connection has ended.
    _view: Arc<ListenerView>,
    /// A connection that waits for descriptors. Until it has them, no other is accepted.
    held: Option<(Plain, Peer)>,
    /// Since when there are none.
    short_since: Option<Instant>,
    /// The tasks of all connections, including those still in their TLS handshake.
    connections: JoinSet<()>,
    seats: Seats,
    addresses: AddressCounts,
    /// What the listeners of the host send to each other.
    loops: Loops,
    /// For log lines about the listener itself.
    log: Gate,
    /// For those about a lack of descriptors.
    log_short: Gate,
    /// For log lines about connections that there is no memory for.
    no_memory_log: Gate,
}

impl Listener {
    /// A listener named `name` that accepts on `socket`, and later on what `sockets` has.
    pub(super) fn new(
        name: &str,
        socket: Arc<Socket>,
        sockets: mpsc::UnboundedReceiver<Arc<Socket>>,
        snapshot: watch::Receiver<Snapshot>,
        view: Arc<ListenerView>,
        loops: Loops,
    ) -> Self {
        Self {
            name: name.into(),
            socket,
            sockets,
            retired: None,
            snapshot,
            service: None,
            metrics: Arc::new(view.metrics().clone()),
            line_metrics: Arc::new(view.lines().clone()),
            _view: view,
            held: None,
            short_since: None,
            connections: JoinSet::new(),
            seats: Seats::default(),
            addresses: AddressCounts::default(),
            loops,
            log: Gate::default(),
            log_short: Gate::default(),
            no_memory_log: Gate::default(),
        }
    }

    /// Accepts until the listener must drain. When all connections have ended, returns how many lines were
    /// delivered and dropped while the host drained. If the listener was removed before, it has logged its
    /// numbers itself, and returns zeros.
    pub async fn serve(mut self) -> Tally {
        self.receive_datagrams();
        loop {
            while self.connections.try_join_next().is_some() {}
            self.follow();
            let drain_until = self.snapshot.borrow_and_update().drain_until(&self.name);
            if drain_until.is_some() {
                return self.drain().await;
            }
            if let Some((plain, peer)) = self.held.take() {
                self.admit_or_hold(plain, peer).await;
            }
            let is_holding = self.held.is_some();
            tokio::select! {
                Some(socket) = self.sockets.recv() => self.move_to(socket).await,
                accepted = self.socket.accept(), if !is_holding => match accepted {
                    Ok((plain, peer)) => self.admit_or_hold(plain, peer).await,
                    Err(error) => self.pause(&error).await,
                },
                // Connections that end free descriptors, and so may others.
                () = sleep(PAUSE), if is_holding => {}
                _ = self.snapshot.changed() => {}
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    /// Accepts on `socket` from now on. What waits in the old one is still accepted or received.
    async fn move_to(&mut self, socket: Arc<Socket>) {
        self.accept_last().await;
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
            outlives: self.socket.outlives(),
            listener: Arc::clone(&self.name),
            snapshot: self.snapshot.clone(),
            metrics: Arc::clone(&self.metrics),
            line_metrics: Arc::clone(&self.line_metrics),
        };
        self.connections.spawn(datagrams.serve());
    }

    /// Stops accepting, and waits for the connections, which follow the same snapshots.
    async fn drain(mut self) -> Tally {
        let before = self.line_metrics.tally();
        self.accept_last().await;
        let Self {
            name,
            socket,
            snapshot,
            line_metrics,
            mut connections,
            ..
        } = self;
        drop(socket);
        let ending = async { while connections.join_next().await.is_some() {} };
        let over = async {
            grace_ends(snapshot.clone(), &name).await;
            sleep(LAST_BYTES).await;
        };
        tokio::select! {
            () = ending => {}
            () = over => {
                let left = connections.len();
                tracing::warn!(
                    listener = &*name,
                    left,
                    "connections cut at the end of the grace period"
                );
                // They count what they lose.
                connections.shutdown().await;
            }
        }
        let tally = line_metrics.tally().since(&before);
        if snapshot.borrow().drain_until.is_some() {
            return tally;
        }
        log_removed(&name, &tally);
        Tally::default()
    }

    /// Serves the connections that the system has accepted ahead of the host: closing the socket would
    /// reset them. Those of a socket that another listener or another host goes on with are left to it.
    async fn accept_last(&mut self) {
        if let Some((plain, peer)) = self.held.take() {
            self.admit(plain, peer).await;
        }
        let is_last = Arc::strong_count(&self.socket) == 1;
        if !is_last || !self.socket.accept_no_more() {
            return;
        }
        let until = Instant::now() + LAST_ARRIVALS;
        while let Ok(accepted) = timeout_at(until, self.socket.accept()).await {
            match accepted {
                Ok((plain, peer)) => self.admit(plain, peer).await,
                Err(error) => self.pause(&error).await,
            }
        }
        for _ in 0..BACKLOG {
            match self.socket.accept_now() {
                Some((plain, peer)) => self.admit(plain, peer).await,
                None => return,
            }
        }
    }

    /// Serves a connection, or holds it while descriptors are short, so that it and those behind it wait.
    /// When they have been short for too long, refuses it.
    async fn admit_or_hold(&mut self, plain: Plain, peer: Peer) {
        if !descriptors::are_short_for(&plain) {
            self.short_since = None;
            return self.admit(plain, peer).await;
        }
        let now = Instant::now();
        let since = *self.short_since.get_or_insert(now);
        let refused = now >= since + SHORTAGE;
        if refused {
            self.metrics.refused.of(RefusalReason::Descriptors).inc();
        } else {
            self.held = Some((plain, peer));
        }
        if let Some(not_logged) = self.log_short.pass() {
            let clients = if refused { "are refused" } else { "wait" };
            tracing::warn!(
                listener = &*self.name,
                not_logged,
                "new clients {clients}: nearly all file descriptors are in use; raise the limit (LimitNOFILE=, ulimit -n), or lower `max_connections`"
            );
        }
    }

    /// Serves a connection in a task of its own, so that no client can delay the next one; or
    /// refuses it when `max_connections` are open.
    async fn admit(&mut self, plain: Plain, peer: Peer) {
        self.follow();
        let Some(service) = self.service.clone() else {
            return;
        };
        let limit = service.max_connections;
        let Some(seat) = self.seat(limit).await else {
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
        };
        let Some(memory) = self.memory(&service) else {
            return;
        };
        let arrival = Arrival {
            plain,
            peer,
            listener: Arc::clone(&self.name),
            snapshot: self.snapshot.clone(),
            metrics: Arc::clone(&self.metrics),
            line_metrics: Arc::clone(&self.line_metrics),
            loops: self.loops.clone(),
            seat: seat.with_memory(memory),
            number: 1 + ACCEPTED.fetch_add(1, Ordering::Relaxed),
        };
        arrival.spawn_on(&mut self.connections, service, self.addresses.clone());
    }

    /// A seat among `limit`. If all are taken, waits a moment for one.
    async fn seat(&self, limit: usize) -> Option<Seat> {
        if let Some(seat) = self.seats.take(limit) {
            return Some(seat);
        }
        let freed = async {
            loop {
                self.seats.given_back().await;
                if let Some(seat) = self.seats.take(limit) {
                    return seat;
                }
            }
        };
        timeout(PATIENCE, freed).await.ok()
    }

    /// Memory for a connection; `None` if there is none, which has been counted and logged.
    fn memory(&self, service: &Service) -> Option<Lease> {
        if let Ok(memory) = service.connection_memory() {
            return Some(memory);
        }
        self.metrics.refused.of(RefusalReason::Memory).inc();
        if let Some(not_logged) = self.no_memory_log.pass() {
            let limit = service.budget.limit();
            tracing::warn!(
                listener = &*self.name,
                limit,
                not_logged,
                "connection refused: the memory of the host is used up"
            );
        }
        None
    }

    /// Notes the service in force, if there is one.
    fn follow(&mut self) {
        let snapshot = self.snapshot.borrow();
        if let Some(service) = snapshot.generation().services.get(&*self.name) {
            self.service = Some(Arc::clone(service));
        }
    }

    /// Waits a moment after the system refused an accept. An error that concerns only the one
    /// connection needs no pause.
    async fn pause(&mut self, error: &io::Error) {
        if is_of_one_connection(error) {
            return;
        }
        self.metrics.accept_errors.of(AcceptError::of(error)).inc();
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

/// Logs how many lines of a removed listener were delivered and dropped.
fn log_removed(listener: &str, tally: &Tally) {
    let (delivered, dropped) = (tally.delivered, tally.dropped());
    if dropped == 0 {
        tracing::info!(listener, delivered, "removed listener drained");
    } else {
        let reasons = tally.reasons();
        tracing::warn!(listener, delivered, dropped, %reasons, "removed listener drained; lines were dropped");
    }
}
