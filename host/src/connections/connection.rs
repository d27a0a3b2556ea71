//! One connection from its first byte to its last: one direction, or two with an upstream.
//!
//! In: the client's reader and writer, and the [`Snapshot`]s in force. Out:
//! an [`End`], with everything written that could be and the rest counted. The ends of both
//! directions depend on each other: a FIN of one side is passed on to the other once everything
//! before it has been written, and an error on one ends both.
//! Not here: accepting (`listeners`), what happens to lines on their way (`pump`).

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::activity::Activity;
use super::closing::{LINGER, discard, send_fin};
use super::context::Context;
use super::end::End;
use super::pump::Pump;
use super::source::Source;
use crate::connections::metrics::LineMetrics;
use crate::generation::{Direction, Service, Snapshot, grace_ends};
use crate::net::descriptors;
use crate::net::transport::{ReadHalf, WriteHalf};
use crate::sinks::connection_sink::ConnectionSink;
use crate::sinks::egress::Sink;
use crate::sinks::metrics::DropReason;
use crate::sinks::upstream::{PROVEN, Upstream, UpstreamList};
use linemill_framing::Framer;
use linemill_sandbox::chain::{Chain, Rooms};
use linemill_sandbox::origin::{Origin, TlsNames};
use linemill_sandbox::trial::Cohort;

/// How long to wait before looking again for a descriptor.
const PAUSE: Duration = Duration::from_millis(100);

/// A client's stream that has not been served yet.
pub struct Connection<R, W> {
    reader: R,
    writer: W,
    context: Context,
    /// How long its own upstream may be unreachable, if not `write_timeout`.
    patience: Option<Duration>,
    /// Room for the instances that it will own in a chain.
    rooms: Option<(Arc<Chain>, Rooms)>,
}

impl<R: Source, W: AsyncWrite + Unpin> Connection<R, W> {
    /// A stream of listener `listener`.
    pub fn new(
        reader: R,
        writer: W,
        listener: Arc<str>,
        snapshot: watch::Receiver<Snapshot>,
        metrics: Arc<LineMetrics>,
    ) -> Self {
        let activity = Arc::new(Activity::new());
        let origin = Origin {
            listener: Some(Arc::clone(&listener)),
            ..Origin::default()
        };
        Self {
            reader,
            writer,
            context: Context {
                listener,
                snapshot,
                metrics,
                activity,
                cohort: Cohort::NONE,
                origin: Arc::new(origin),
                last: None,
            },
            patience: None,
            rooms: None,
        }
    }

    /// Hands over the room that has been reserved for its instances in `chain`.
    pub fn with_rooms(mut self, chain: &Arc<Chain>, rooms: Rooms) -> Self {
        self.rooms = (!rooms.is_empty()).then(|| (Arc::clone(chain), rooms));
        self
    }

    /// Sets how long its own upstream may be unreachable before the connection ends; without it,
    /// `write_timeout` says so.
    pub fn giving_up_after(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the address of its client, if it has one. The address decides which versions of filters
    /// on trial serve it.
    pub fn with_peer(mut self, peer: Option<SocketAddr>) -> Self {
        self.context.cohort = Cohort::of(peer);
        Arc::make_mut(&mut self.context.origin).peer = peer;
        self
    }

    /// Sets its number among the connections of the process, and the names in its TLS handshake.
    pub fn with_identity(mut self, number: u64, tls: Option<Arc<TlsNames>>) -> Self {
        let origin = Arc::make_mut(&mut self.context.origin);
        (origin.connection, origin.tls) = (number, tls);
        self
    }

    /// Sets the service that was in force when the client connected. It applies if the listener has been
    /// removed since.
    pub fn with_service(mut self, service: Arc<Service>) -> Self {
        self.context.last = Some(service);
        self
    }

    /// Serves the stream to its end; `None` when its listener is not in force and never was.
    pub async fn serve(self) -> Option<End> {
        let service = self.context.service()?;
        match &service.egress.to {
            Sink::Reply | Sink::Shared(_) => {
                drop(service);
                self.serve_one_way().await
            }
            Sink::Upstreams(upstreams) => {
                let upstreams = upstreams.clone();
                drop(service);
                // Boxed: the future of a connection without an upstream must not have room for it.
                Box::pin(self.serve_both_ways(upstreams)).await
            }
        }
    }

    /// Serves one direction: lines go back to the client, or to shared sinks.
    async fn serve_one_way(self) -> Option<End> {
        let Self {
            reader,
            writer,
            context,
            rooms,
            ..
        } = self;
        let sink = ConnectionSink::of_client(writer);
        let mut pump = Pump::new(reader, sink, Direction::Forward, false, context)?;
        pump.take_rooms(rooms);
        let end = pump.run().await;
        if end.reads_on() && !pump.sink.writes_to_socket() {
            // Answers from before `to` was changed may be left.
            drop(timeout(LINGER, pump.flush()).await);
            // Nothing has to be answered: what the client sends until it has seen the FIN is
            // delivered, too.
            if send_fin(&end, pump.sink.close()).await {
                let last = pump.linger().await;
                pump.finish(last).await;
            }
            return Some(end);
        }
        let end = pump.finish(end).await;
        pump.discard();
        if send_fin(&end, pump.sink.close()).await && !matches!(end, End::Undelivered) {
            pump.discard_input(DropReason::Closed).await;
        }
        Some(end)
    }

    /// Serves two directions: lines go on to one of `upstreams`, its answers come back.
    async fn serve_both_ways(self, upstreams: UpstreamList) -> Option<End> {
        let Self {
            mut reader,
            mut writer,
            context,
            patience,
            rooms,
        } = self;
        // The list is kept to the end: a reload that returns to it finds the upstream in use.
        let connected = connect(&upstreams, &context, patience).await;
        let (upstream, from_upstream, to_upstream) = match connected {
            Ok(connected) => connected,
            Err(end) => {
                if send_fin(&end, writer.shutdown()).await {
                    discard_unserved(&mut reader, &context).await;
                }
                return Some(end);
            }
        };
        let activity = Arc::clone(&context.activity);
        activity.touch();
        let mut own = upstream.opened();
        let sink = ConnectionSink::of_upstream(to_upstream, upstream);
        let mut forward = Pump::new(reader, sink, Direction::Forward, true, context.clone())?;
        forward.take_rooms(rooms);
        let sink = ConnectionSink::of_client(writer);
        let mut reply = Pump::new(from_upstream, sink, Direction::Reply, false, context)?;
        let mut upstream_first = false;
        let end = {
            let mut pair = pin!(serve_pair(&mut forward, &mut reply, &mut upstream_first));
            tokio::select! {
                biased;
                end = &mut pair => end,
                () = sleep(PROVEN) => {
                    own.works();
                    pair.await
                }
            }
        };
        match &end {
            _ if activity.answered() => own.works(),
            End::NextHop(error) => own.failed(error),
            _ if upstream_first => own.failed(&"it closed the connection without an answer"),
            // It has taken all lines of the client.
            End::Eof => own.works(),
            _ => {}
        }
        if end.reads_on() && !matches!(end, End::Settled) {
            close_pair(&end, &mut forward, &mut reply).await;
            return Some(end);
        }
        forward.discard();
        reply.discard();
        if send_fin(&end, reply.sink.close()).await {
            let reason = match end {
                End::NextHop(_) => DropReason::NextHop,
                _ => DropReason::Closed,
            };
            forward.discard_input(reason).await;
        }
        Some(end)
    }
}

/// Connects to one of the upstreams. Gives up after `patience`, or else `write_timeout`: until then
/// lines make no progress.
async fn connect(
    upstreams: &UpstreamList,
    context: &Context,
    patience: Option<Duration>,
) -> Result<(Upstream, ReadHalf, WriteHalf), End> {
    let limit = patience.or(context.service().and_then(|service| service.write_timeout));
    let deadline = limit.map(|limit| Instant::now() + limit);
    let connecting = async {
        wait_for_descriptors(deadline).await?;
        let connected = upstreams.connect_within(deadline).await;
        connected.map_err(|error| End::NextHop(io::Error::other(error)))
    };
    tokio::select! {
        connected = connecting => connected,
        () = grace_ends(context.snapshot.clone(), &context.listener) => Err(End::Drained),
    }
}

/// Waits until there is a descriptor for the connection to an upstream, among those that clients may use.
async fn wait_for_descriptors(deadline: Option<Instant>) -> Result<(), End> {
    while descriptors::are_short() {
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let error = io::Error::other("no file descriptor is left for the connection");
            return Err(End::NextHop(error));
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Discards the lines of a client that no upstream could be reached for, and counts them.
async fn discard_unserved<R: Source>(reader: &mut R, context: &Context) {
    let Some(service) = context.service() else {
        return;
    };
    let counts = context.metrics.pump(Direction::Forward);
    let dropped = &context.metrics.dropped;
    let count = |bytes, lines| {
        counts.bytes_in.inc_by(bytes);
        counts.lines_in.inc_by(lines);
        dropped.of(DropReason::NextHop).inc_by(lines);
    };
    let mut framer = Framer::new(service.lines);
    discard(reader, &mut framer, service.lines, count).await;
    if framer.has_partial() && !framer.has_dropped_partial() {
        dropped.of(DropReason::Partial).inc();
    }
}

/// Serves both directions until both have ended, or one with an error. After an end that
/// [reads on](End::reads_on), other than [`End::Settled`], the client's direction is not finished.
/// Sets `upstream_first` if the upstream ends its answers before the client has ended.
async fn serve_pair<R, W>(
    forward: &mut Pump<R, WriteHalf>,
    reply: &mut Pump<ReadHalf, W>,
    upstream_first: &mut bool,
) -> End
where
    R: Source,
    W: AsyncWrite + Unpin,
{
    // How the client's direction ended, and whether the upstream has ended its answers cleanly.
    let (mut forward_end, mut answered) = (None, false);
    let mut forward = pin!(async {
        let end = forward.run().await;
        if end.reads_on() && !matches!(end, End::Settled) {
            return end;
        }
        let end = forward.finish(end).await;
        // The upstream has every line whole, and may still answer the last of them.
        if end.flushes() {
            drop(timeout(LINGER, forward.sink.close()).await);
        }
        end
    });
    let mut reply = pin!(async {
        let end = reply.serve().await;
        if matches!(end, End::Eof) {
            drop(timeout(LINGER, reply.sink.close()).await);
        }
        end
    });
    loop {
        // After its FIN a client may wait for answers as long as they come. After any other end the
        // answers have a moment.
        let hurries = forward_end
            .as_ref()
            .is_some_and(|end| !matches!(end, End::Eof | End::Settled));
        tokio::select! {
            end = &mut forward, if forward_end.is_none() => match end {
                End::Unwritable(error) => return End::NextHop(error),
                end @ (End::IdleTimeout | End::Drained) => return end,
                end if answered || !end.flushes() => return end,
                end => forward_end = Some(end),
            },
            end = &mut reply, if !answered => match (end, forward_end.take()) {
                (_, Some(end)) if hurries => return end,
                (End::Eof, Some(end)) => return end,
                // The client's direction ends at the same time, once it is between two blocks.
                (end @ (End::Eof | End::Drained), None) => {
                    answered = true;
                    *upstream_first = matches!(end, End::Eof);
                }
                (End::Broken(error), _) => return End::NextHop(error),
                (end, _) => return end,
            },
            () = sleep(LINGER), if hurries => return forward_end.unwrap_or(End::Eof),
        }
    }
}

/// Closes both directions when the grace period is over or nothing has come for too long: the client
/// gets its FIN first, and what it sends until it has seen that still goes on to the upstream.
async fn close_pair<R, W>(
    end: &End,
    forward: &mut Pump<R, WriteHalf>,
    reply: &mut Pump<ReadHalf, W>,
) where
    R: Source,
    W: AsyncWrite + Unpin,
{
    drop(timeout(LINGER, reply.flush()).await);
    let lingers = send_fin(end, reply.sink.close()).await;
    let mut last_lines = pin!(async {
        let last = if lingers {
            forward.linger().await
        } else {
            End::Drained
        };
        forward.finish(last).await;
        drop(timeout(LINGER, forward.sink.close()).await);
    });
    // Nobody takes answers any more, but an upstream that cannot send them might not read on.
    tokio::select! {
        () = &mut last_lines => {}
        () = reply.discard_input(DropReason::Closed) => last_lines.await,
    }
    reply.discard_input(DropReason::Closed).await;
}
