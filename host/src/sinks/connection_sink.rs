//! Where one direction of a connection puts its lines.
//!
//! In: the output of a chain. Out: bytes queued for the connection's own socket, and batches handed
//! to sinks that connections share. Not here: how long a write may take (`connections::pump`), how
//! shared sinks write (`shared_sink`).

use std::borrow::Cow;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::batch::Batch;
use super::egress::{Egress, Sink};
use super::metrics::{DropReason, Dropped, Written};
use super::shared_sink::SharedSink;
use super::write_queue::{Taken, WriteQueue};
use crate::generation::{Framings, Snapshot, grace_ends};
use linemill_framing::Lines;
use linemill_sandbox::chain::ChainOutput;
use linemill_sandbox::verdict::Close;

/// Where one direction of a connection puts its lines. `W` is the writer of the connection's own
/// socket: the client's or its upstream's.
pub(crate) struct ConnectionSink<W> {
    /// `None` when a shared sink takes all lines.
    socket: Option<W>,
    /// Output for `socket`; stays empty without one.
    queue: WriteQueue,
    /// `None` unless it has shared sinks: answers go to the client only.
    egress: Option<Arc<Egress>>,
}

/// Why no more lines go through a connection's sink.
#[derive(Debug)]
pub(crate) enum DeliveryEnd {
    /// A filter closed the stream. The lines before have been delivered.
    Filter(Close),
    /// A shared sink takes no more lines.
    SinkClosed,
    /// The grace period of a drain ended first.
    Drained,
}

impl<W: AsyncWrite + Unpin> ConnectionSink<W> {
    pub(crate) fn new(socket: Option<W>, egress: Option<&Arc<Egress>>) -> Self {
        let egress = egress.filter(|egress| egress.has_shared());
        Self {
            socket,
            queue: WriteQueue::default(),
            egress: egress.cloned(),
        }
    }

    /// Bytes queued for the socket.
    pub(crate) fn queued(&self) -> usize {
        self.queue.bytes()
    }

    /// Whether the socket has taken everything, down to the last byte.
    pub(crate) fn is_done(&self) -> bool {
        self.queue.is_done()
    }

    /// The fast path: queues all lines for the socket. Gives `output` back when some of it is for
    /// shared sinks; [`Self::deliver`] takes it then.
    pub(crate) fn enqueue(
        &mut self,
        output: ChainOutput,
        framings: Framings,
        dropped: &Dropped,
    ) -> Result<Option<ChainOutput>, DeliveryEnd> {
        if self.egress.is_some() {
            return Ok(Some(output));
        }
        let batch = encode(output.lines, framings, dropped);
        self.queue.push(batch.bytes, batch.lines, batch.framing);
        ended(output.close).map(|()| None)
    }

    /// The slow path: waits until every shared sink has taken its lines. When the grace period of a
    /// drain ends first, the remaining lines are lost.
    pub(crate) async fn deliver(
        &mut self,
        mut output: ChainOutput,
        framings: Framings,
        snapshot: watch::Receiver<Snapshot>,
        listener: &str,
        written: &Written,
        dropped: &Dropped,
    ) -> Result<(), DeliveryEnd> {
        let Some(egress) = self.egress.clone() else {
            return Ok(());
        };
        let mut waiting: Vec<(&SharedSink, Batch)> = Vec::new();
        for (route, lines) in std::mem::take(&mut output.routed) {
            let sink = egress.routes.iter().find(|(name, _)| **name == *route);
            // A chain lets lines leave by the routes of its listener only.
            if let Some((_, sink)) = sink {
                waiting.push((sink, encode_terminated(lines, framings, dropped)));
            }
        }
        match &egress.to {
            Sink::Shared(sink) => {
                // Lines of other connections follow, so the last one needs a terminator.
                let batch = encode_terminated(output.lines, framings, dropped);
                copy_to(&egress.tee, &batch, dropped);
                waiting.push((sink, batch));
            }
            Sink::Reply | Sink::Upstream(_) => {
                let batch = encode(output.lines, framings, dropped);
                copy_to(&egress.tee, &batch, dropped);
                self.queue.push(batch.bytes, batch.lines, batch.framing);
            }
        }
        let mut left: u64 = waiting.iter().map(|(_, batch)| batch.lines).sum();
        let mut grace_over = pin!(grace_ends(snapshot, listener));
        for (sink, batch) in waiting.into_iter().filter(|(_, batch)| batch.lines > 0) {
            let (lines, bytes) = (batch.lines, batch.bytes.len() as u64);
            tokio::select! {
                biased;
                sent = sink.send(batch) => if sent.is_err() {
                    // The sink has counted this batch.
                    dropped.of(DropReason::NextHop).inc_by(left - lines);
                    return Err(DeliveryEnd::SinkClosed);
                },
                () = &mut grace_over => {
                    dropped.of(DropReason::NextHop).inc_by(left);
                    return Err(DeliveryEnd::Drained);
                }
            }
            left -= lines;
            written.lines.inc_by(lines);
            written.bytes.inc_by(bytes);
        }
        ended(output.close)
    }

    /// Writes some of the queued output to the socket. Cancelling it loses nothing.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) async fn write(&mut self) -> io::Result<Taken> {
        match &mut self.socket {
            Some(socket) => self.queue.write(socket).await,
            None => Ok(Taken::default()),
        }
    }

    /// Shuts the socket's sending side down, so that its peer sees the end of the stream.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        match &mut self.socket {
            Some(socket) => socket.shutdown().await,
            None => Ok(()),
        }
    }

    /// Discards the queued output. Returns how many of its lines the socket had taken whole without
    /// their being counted, and how many are lost.
    pub(crate) fn discard(&mut self) -> (u64, u64) {
        self.queue.discard()
    }
}

fn ended(close: Option<Close>) -> Result<(), DeliveryEnd> {
    close.map_or(Ok(()), |close| Err(DeliveryEnd::Filter(close)))
}

/// Offers a copy of `batch` to each tee; one without room loses it.
fn copy_to(tee: &[SharedSink], batch: &Batch, dropped: &Dropped) {
    let mut terminated = Cow::Borrowed(batch);
    if !tee.is_empty() && !batch.is_terminated() {
        terminated.to_mut().terminate();
    }
    for sink in tee {
        if !sink.offer(&terminated) {
            dropped.of(DropReason::Tee).inc_by(batch.lines);
        }
    }
}

/// Frames lines for the wire. Lines that the framing cannot represent are dropped and counted.
fn encode(lines: Lines, framings: Framings, dropped: &Dropped) -> Batch {
    let encoded = lines.encode(framings.from, framings.to);
    if encoded.unfit > 0 {
        dropped.of(DropReason::Framing).inc_by(encoded.unfit);
    }
    Batch {
        bytes: encoded.bytes,
        lines: encoded.lines,
        framing: framings.to,
    }
}

/// Frames lines for a sink that others write to as well: the last one has its terminator, too.
fn encode_terminated(lines: Lines, framings: Framings, dropped: &Dropped) -> Batch {
    let mut batch = encode(lines, framings, dropped);
    batch.terminate();
    batch
}
