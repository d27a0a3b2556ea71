//! One connection from its first byte to its last: one direction, or two with a next hop.
//!
//! In: the client's reader and writer, where its lines go, and the [`Snapshot`] in force. Out: an
//! [`End`], with everything written that could be and the rest counted. The ends of both
//! directions hang together: a FIN of one side goes on to the other once all before it is written,
//! and an error of one ends both.
//! Not here: accepting, what happens to lines on their way (`way`).

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::activity::Activity;
use super::end::End;
use super::hop::Hop;
use super::outlet::{Destinations, Outlet, Target, grace_ends};
use super::pump::{Context, Pump};
use super::transport::{ReadHalf, WriteHalf};
use crate::generation::{Side, Snapshot};
use crate::telemetry::metrics::ListenerMetrics;
use linemill_framing::Framing;
use linemill_framing::blocks;
use linemill_sandbox::trial::Cohort;

/// How long the host waits, after its own FIN, for the client's: closing a socket with unread
/// bytes would reset it and take back answers that are on their way (RFC 9293, 3.6.1).
const LINGER: Duration = Duration::from_secs(1);

/// A client's stream, to be served.
pub struct Connection<R, W> {
    reader: R,
    writer: W,
    destinations: Arc<Destinations>,
    context: Context,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// A stream of listener `listener`, whose lines go to `destinations`.
    pub fn new(
        reader: R,
        writer: W,
        destinations: Arc<Destinations>,
        listener: Arc<str>,
        snapshot: watch::Receiver<Snapshot>,
        metrics: Arc<ListenerMetrics>,
    ) -> Self {
        let active = Arc::new(Activity::new());
        Self {
            reader,
            writer,
            destinations,
            context: Context {
                listener,
                snapshot,
                metrics,
                active,
                lot: Cohort::NONE,
                peer: None,
            },
        }
    }

    /// With the address of its client, or none, which decides about versions of filters that are on
    /// trial.
    pub fn with(mut self, peer: Option<SocketAddr>) -> Self {
        self.context.lot = Cohort::of(peer);
        self.context.peer = peer;
        self
    }

    /// Serves the stream to its end; `None` when the orders know no such listener.
    pub async fn serve(self) -> Option<End> {
        match &self.destinations.to {
            Target::Reply => self.alone(true).await,
            Target::Shared(_) => self.alone(false).await,
            Target::Hop(hop) => {
                let hop = hop.clone();
                // Boxed: a connection without a next hop must not carry it.
                Box::pin(self.between(hop)).await
            }
        }
    }

    /// One direction: what comes goes back, or to outputs that connections share.
    async fn alone(self, replies: bool) -> Option<End> {
        let Self {
            reader,
            writer,
            destinations,
            context,
        } = self;
        let (socket, mut client) = if replies {
            (Some(writer), None)
        } else {
            (None, Some(writer))
        };
        let outlet = Outlet::new(socket, Some(&destinations));
        let rest = Rest::of(&context)?;
        let mut way = Pump::new(reader, outlet, Side::Forward, false, context)?;
        let end = way.serve().await;
        way.discard();
        let closing = async {
            match &mut client {
                Some(client) => client.shutdown().await,
                None => way.outlet.close().await,
            }
        };
        let dropped = &rest.metrics.dropped_closed;
        rest.part(&end, closing, &mut way.reader, dropped).await;
        Some(end)
    }

    /// Two directions: lines go on to the next hop, its answers come back.
    async fn between(self, hop: Hop) -> Option<End> {
        let Self {
            mut reader,
            mut writer,
            destinations,
            context,
        } = self;
        let rest = Rest::of(&context)?;
        let (from_hop, to_hop) = match reach(&hop, &context).await {
            Ok(halves) => halves,
            Err(end) => {
                let dropped = &rest.metrics.dropped_next_hop;
                rest.part(&end, writer.shutdown(), &mut reader, dropped)
                    .await;
                return Some(end);
            }
        };
        context.active.touch();
        let there = Outlet::new(Some(to_hop), Some(&destinations));
        let mut forward = Pump::new(reader, there, Side::Forward, true, context.clone())?;
        let back = Outlet::new(Some(writer), None);
        let mut back = Pump::new(from_hop, back, Side::Back, false, context.clone())?;
        let end = both(&mut forward, &mut back).await;
        forward.discard();
        back.discard();
        let dropped = &rest.metrics.dropped_closed;
        let closing = back.outlet.close();
        rest.part(&end, closing, &mut forward.reader, dropped).await;
        Some(end)
    }
}

/// Connects to the next hop, for as long as a write may make no progress.
async fn reach(hop: &Hop, context: &Context) -> Result<(ReadHalf, WriteHalf), End> {
    let limit = {
        let snapshot = context.snapshot.borrow();
        let service = snapshot.generation().services.get(&*context.listener);
        service.and_then(|service| service.write_timeout)
    };
    let deadline = limit.map(|limit| Instant::now() + limit);
    tokio::select! {
        reached = hop.connect_within(deadline) => reached.map_err(|error| End::NextHop(io::Error::other(error))),
        () = grace_ends(context.snapshot.clone(), &context.listener) => Err(End::Drained),
    }
}

/// Serves both directions until both have ended, or one with an error.
async fn both<R, W>(forward: &mut Pump<R, WriteHalf>, back: &mut Pump<ReadHalf, W>) -> End
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut there, mut answered) = (None, false);
    let mut forward = pin!(async {
        let end = forward.serve().await;
        // What the hop was sent is whole: it may answer the last of it.
        if end.flushes() {
            drop(timeout(LINGER, forward.outlet.close()).await);
        }
        end
    });
    let mut back = pin!(async {
        let end = back.serve().await;
        if matches!(end, End::Eof) {
            drop(timeout(LINGER, back.outlet.close()).await);
        }
        end
    });
    loop {
        // A client that is done may wait for answers as long as they come; after any other end
        // they have a moment.
        let brief = there
            .as_ref()
            .is_some_and(|end| !matches!(end, End::Eof | End::Drained));
        tokio::select! {
            end = &mut forward, if there.is_none() => match end {
                End::Unwritable(error) => return End::NextHop(error),
                end if answered || !end.flushes() => return end,
                end => there = Some(end),
            },
            end = &mut back, if !answered => match (end, there.take()) {
                (_, Some(end)) if brief => return end,
                (End::Eof, Some(end)) => return end,
                (End::Eof, None) => answered = true,
                (End::Broken(error), _) => return End::NextHop(error),
                (end, _) => return end,
            },
            () = sleep(LINGER), if brief => return there.unwrap_or(End::Eof),
        }
    }
}

/// What a stream needs after its end.
struct Rest {
    framing: Framing,
    metrics: Arc<ListenerMetrics>,
}

impl Rest {
    fn of(context: &Context) -> Option<Self> {
        let snapshot = context.snapshot.borrow();
        let service = snapshot.generation().services.get(&*context.listener)?;
        Some(Self {
            framing: service.lines.framing,
            metrics: Arc::clone(&context.metrics),
        })
    }

    /// Tells the client of the end by `closing` its side, and hears it out: lines that it had sent
    /// meanwhile are `dropped`.
    async fn part<R: AsyncRead + Unpin>(
        &self,
        end: &End,
        closing: impl Future<Output = io::Result<()>>,
        reader: &mut R,
        dropped: &Counter,
    ) {
        if !end.closes_politely() {
            return;
        }
        let closed = timeout(LINGER, closing).await;
        // After its own FIN a client has nothing left to say.
        if closed.is_ok_and(|closed| closed.is_ok()) && !matches!(end, End::Eof) {
            self.linger(reader, dropped).await;
        }
    }

    /// Reads on, to no end, until the client has seen ours. Lines that come are `dropped`.
    async fn linger<R: AsyncRead + Unpin>(&self, reader: &mut R, dropped: &Counter) {
        let mut block = blocks::take(0);
        let reading = async {
            while reader.read_buf(&mut block).await.is_ok_and(|read| read > 0) {
                let lines = self.framing.count_in(&block);
                dropped.inc_by(lines as u64);
                block.clear();
            }
        };
        // Either way the stream is over.
        drop(timeout(LINGER, reading).await);
    }
}
