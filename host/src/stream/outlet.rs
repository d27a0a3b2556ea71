//! Where one direction's lines go after its chain.
//!
//! In: what came out of a chain. Out: bytes owed to a socket, and batches for outputs that
//! connections share. Not here: how long a write may take (`way`), the writers of outputs
//! (`output`).

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::end::End;
use super::hop::Hop;
use super::output::{Batch, SharedOutput};
use super::write_queue::{Taken, WriteQueue};
use crate::generation::{Framings, Snapshot};
use crate::telemetry::metrics::{ListenerMetrics, PumpMetrics};
use linemill_framing::Lines;
use linemill_sandbox::chain::ChainOutput;

/// Where the lines of a listener's connections go.
#[derive(Debug)]
pub struct Destinations {
    /// The lines that no filter sends by a route.
    pub to: Target,
    /// The lines of each route.
    pub routes: Vec<(String, SharedOutput)>,
    /// Copies of what goes on to `to`.
    pub tee: Vec<SharedOutput>,
}

/// Where lines go.
#[derive(Debug, Clone)]
pub enum Target {
    /// Back to the client.
    Reply,
    /// To a server, by a connection of the client's own.
    Hop(Hop),
    /// To an output that connections share.
    Shared(SharedOutput),
}

/// Where one direction of a connection puts its lines. `W` is a socket's writer.
pub(super) struct Outlet<W> {
    /// `None` when an output that connections share takes the lines.
    socket: Option<W>,
    queue: WriteQueue,
    /// Routes, copies and that output; `None` for answers, which have nothing of the kind.
    beside: Option<Arc<Destinations>>,
}

impl Destinations {
    /// All next hops among them.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        let (own, shared) = match &self.to {
            Target::Reply => (None, None),
            Target::Hop(hop) => (Some(hop), None),
            Target::Shared(output) => (None, Some(output)),
        };
        let outputs = self.routes.iter().map(|(_, output)| output);
        let outputs = outputs.chain(&self.tee).chain(shared);
        own.into_iter().chain(outputs.filter_map(SharedOutput::hop))
    }

    /// Whether lines go anywhere but to a socket of their own connection.
    fn is_shared(&self) -> bool {
        matches!(self.to, Target::Shared(_)) || !self.routes.is_empty() || !self.tee.is_empty()
    }
}

impl<W: AsyncWrite + Unpin> Outlet<W> {
    pub(super) fn new(socket: Option<W>, destinations: Option<&Arc<Destinations>>) -> Self {
        let beside = destinations.filter(|destinations| destinations.is_shared());
        Self {
            socket,
            queue: WriteQueue::default(),
            beside: beside.cloned(),
        }
    }

    /// Bytes owed to the socket.
    pub(super) fn queued(&self) -> usize {
        self.queue.bytes()
    }

    /// Whether the socket has all, down to the last byte.
    pub(super) fn is_done(&self) -> bool {
        self.queue.is_done()
    }

    /// The quick way: puts all lines among what is queue. Gives `flow` back when it takes another.
    pub(super) fn enqueue(
        &mut self,
        flow: ChainOutput,
        framings: Framings,
        metrics: &ListenerMetrics,
    ) -> Result<Option<ChainOutput>, End> {
        if self.beside.is_some() {
            return Ok(Some(flow));
        }
        let batch = encode(flow.lines, framings, metrics);
        self.queue.push(batch.bytes, batch.lines, batch.framing);
        flow.close.map_or(Ok(None), |close| Err(End::Filter(close)))
    }

    /// The long way: waits until every output has taken its lines. When the host's grace period
    /// ends first, what is left is lost.
    pub(super) async fn hand_over(
        &mut self,
        mut flow: ChainOutput,
        framings: Framings,
        snapshot: watch::Receiver<Snapshot>,
        counts: &PumpMetrics,
        metrics: &ListenerMetrics,
    ) -> Result<(), End> {
        let Some(beside) = self.beside.clone() else {
            return Ok(());
        };
        let mut waiting: Vec<(&SharedOutput, Batch)> = Vec::new();
        for (route, lines) in std::mem::take(&mut flow.routed) {
            let output = beside.routes.iter().find(|(name, _)| **name == *route);
            // A chain lets lines leave by the routes of its listener only.
            if let Some((_, output)) = output {
                waiting.push((output, encode_whole(lines, framings, metrics)));
            }
        }
        let shared = match &beside.to {
            Target::Shared(output) => Some(output),
            Target::Reply | Target::Hop(_) => None,
        };
        let batch = match shared {
            // Among the lines of others none may go without a terminator.
            Some(_) => encode_whole(flow.lines, framings, metrics),
            None => encode(flow.lines, framings, metrics),
        };
        copy_to(&beside.tee, &batch, metrics);
        match shared {
            Some(output) => waiting.push((output, batch)),
            None => self.queue.push(batch.bytes, batch.lines, batch.framing),
        }
        let mut left: u64 = waiting.iter().map(|(_, batch)| batch.lines).sum();
        let mut cut = std::pin::pin!(grace_ends(snapshot, metrics.name()));
        for (output, batch) in waiting.into_iter().filter(|(_, batch)| batch.lines > 0) {
            let (lines, bytes) = (batch.lines, batch.bytes.len() as u64);
            tokio::select! {
                biased;
                sent = output.send(batch) => if sent.is_err() {
                    // The output has counted this batch.
                    metrics.dropped_next_hop.inc_by(left - lines);
                    return Err(End::Unwritable(io::ErrorKind::BrokenPipe.into()));
                },
                () = &mut cut => {
                    metrics.dropped_next_hop.inc_by(left);
                    return Err(End::Drained);
                }
            }
            left -= lines;
            counts.lines_out.inc_by(lines);
            counts.bytes_out.inc_by(bytes);
        }
        flow.close.map_or(Ok(()), |close| Err(End::Filter(close)))
    }

    /// Writes some of what is queue.
    pub(super) async fn write(&mut self) -> io::Result<Taken> {
        match &mut self.socket {
            Some(socket) => self.queue.write(socket).await,
            None => Ok(Taken::default()),
        }
    }

    /// Ends the way to the socket: its peer sees the end of the stream.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        match &mut self.socket {
            Some(socket) => socket.shutdown().await,
            None => Ok(()),
        }
    }

    /// Gives up what is owed: lines taken whole that have not been counted yet, and lines lost.
    pub(super) fn discard(&mut self) -> (u64, u64) {
        self.queue.discard()
    }
}

/// Copies what is going on to whoever has room for it.
fn copy_to(tee: &[SharedOutput], batch: &Batch, metrics: &ListenerMetrics) {
    let mut whole = std::borrow::Cow::Borrowed(batch);
    if !tee.is_empty() && !batch.is_terminated() {
        whole.to_mut().terminate();
    }
    for tee in tee {
        if !tee.offer(&whole) {
            metrics.dropped_tee.inc_by(batch.lines);
        }
    }
}

/// Lines as they go on the wire; those that its framing cannot hold are left out and counted.
fn encode(lines: Lines, framings: Framings, metrics: &ListenerMetrics) -> Batch {
    let encoded = lines.encode(framings.from, framings.to);
    if encoded.unfit > 0 {
        metrics.dropped_framing.inc_by(encoded.unfit);
    }
    Batch {
        bytes: encoded.bytes,
        lines: encoded.lines,
        framing: framings.to,
    }
}

/// Lines as they go on the wire among others, each with its terminator.
fn encode_whole(lines: Lines, framings: Framings, metrics: &ListenerMetrics) -> Batch {
    let mut batch = encode(lines, framings, metrics);
    batch.terminate();
    batch
}

/// Waits until the connections of `listener` are to end, because the host drains or the listener
/// is gone, and their grace period is over.
pub(super) async fn grace_ends(mut snapshot: watch::Receiver<Snapshot>, listener: &str) {
    let mut until = None;
    loop {
        let now = snapshot.borrow_and_update().drain_until(listener);
        until = [until, now].into_iter().flatten().min();
        let over = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => return,
            changed = snapshot.changed() => if changed.is_err() {
                return;
            }
        }
    }
}
