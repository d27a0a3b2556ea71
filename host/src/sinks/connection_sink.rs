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

use super::batch::Batch;
use super::egress::{Egress, Sink};
use super::framings::Framings;
use super::metrics::{DropReason, Dropped, Written};
use super::shared_sink::SharedSink;
use super::upstream::Upstream;
use super::write_queue::{Taken, WriteQueue};
use linemill_framing::Lines;
use linemill_sandbox::chain::ChainOutput;
use linemill_sandbox::verdict::Close;

/// Where one direction of a connection puts its lines. `W` is the writer of the connection's own
/// socket: the client's or its upstream's.
pub(crate) struct ConnectionSink<W> {
    socket: W,
    /// The upstream behind `socket`; `None` when that is the client's.
    upstream: Option<Upstream>,
    /// Output for `socket`.
    queue: WriteQueue,
    /// Takes the lines that no route takes; `None` when these go to `socket`.
    to: Option<SharedSink>,
    /// Has routes or tees; `None` when there are none.
    egress: Option<Arc<Egress>>,
    /// How the first line begins that a framing could not contain, since [`Self::take_unfit`] was
    /// called.
    unfit: Option<Vec<u8>>,
}

/// How lines are framed for the places that they go to. They come in one framing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SinkFramings {
    /// To the connection's own socket.
    pub(crate) socket: Framings,
    /// To sinks that connections share.
    pub(crate) shared: Framings,
}

/// Lines that shared sinks have not taken yet. They count as dropped if nobody waits for that any more.
struct Left<'a> {
    lines: u64,
    dropped: &'a Dropped,
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
    /// Lines go to the client behind `socket`, and nowhere else.
    pub(crate) fn of_client(socket: W) -> Self {
        Self {
            socket,
            upstream: None,
            queue: WriteQueue::default(),
            to: None,
            egress: None,
            unfit: None,
        }
    }

    /// Lines go to `upstream`, behind `socket`, until [`Self::follow`].
    pub(crate) fn of_upstream(socket: W, upstream: Upstream) -> Self {
        Self {
            upstream: Some(upstream),
            ..Self::of_client(socket)
        }
    }

    /// From now on lines go to the sinks of `egress`. Returns whether the connection keeps another
    /// destination than `egress` has, because that would take another connection to a server.
    pub(crate) fn follow(&mut self, egress: &Arc<Egress>) -> bool {
        let more = egress.has_more_than_to();
        self.egress = more.then(|| Arc::clone(egress));
        match (&self.upstream, &egress.to) {
            (None, Sink::Reply) => self.to = None,
            (None, Sink::Shared(sink)) => self.to = Some(sink.clone()),
            (Some(own), Sink::Upstreams(next)) => return !next.contains(own),
            (None, Sink::Upstreams(_)) | (Some(_), Sink::Reply | Sink::Shared(_)) => return true,
        }
        false
    }

    /// Whether the lines that no route takes go to the connection's own socket.
    pub(crate) fn writes_to_socket(&self) -> bool {
        self.to.is_none()
    }

    /// How the first line begins that a framing could not contain since the last call.
    pub(crate) fn take_unfit(&mut self) -> Option<Vec<u8>> {
        self.unfit.take()
    }

    /// Bytes queued for the socket.
    pub(crate) fn queued(&self) -> usize {
        self.queue.bytes()
    }

    /// Bytes of memory that hold what is queued for the socket.
    pub(crate) fn held(&self) -> usize {
        self.queue.held()
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
        if self.to.is_some() || self.egress.is_some() {
            return Ok(Some(output));
        }
        let batch = encode(output.lines, framings, dropped, &mut self.unfit);
        self.queue.push(batch.bytes, batch.lines, batch.framing);
        ended(output.close).map(|()| None)
    }

    /// The slow path: waits until every shared sink has taken its lines, which are `queued` then. When
    /// `grace_over` resolves first, the remaining lines are lost.
    pub(crate) async fn deliver(
        &mut self,
        mut output: ChainOutput,
        framings: SinkFramings,
        grace_over: impl Future<Output = ()>,
        queued: &Written,
        dropped: &Dropped,
    ) -> Result<(), DeliveryEnd> {
        let (to, egress) = (self.to.clone(), self.egress.clone());
        let mut waiting: Vec<(&SharedSink, Batch)> = Vec::new();
        for (route, lines) in std::mem::take(&mut output.routed) {
            let mut routes = egress.iter().flat_map(|egress| &egress.routes);
            // A chain lets lines leave by the routes of its listener only.
            let Some((_, sink)) = routes.find(|(name, _)| **name == *route) else {
                dropped.of(DropReason::NextHop).inc_by(lines.len() as u64);
                continue;
            };
            waiting.push((
                sink,
                encode_terminated(lines, framings.shared, dropped, &mut self.unfit),
            ));
        }
        let tee = egress.as_ref().map_or(&[][..], |egress| &egress.tee);
        if let Some(sink) = &to {
            // Lines of other connections follow, so the last one needs a terminator.
            let batch = encode_terminated(output.lines, framings.shared, dropped, &mut self.unfit);
            copy_to(tee, &batch, dropped);
            waiting.push((sink, batch));
        } else {
            if !tee.is_empty() && framings.shared != framings.socket {
                let copies = encode_terminated(
                    output.lines.clone(),
                    framings.shared,
                    dropped,
                    &mut self.unfit,
                );
                copy_to(tee, &copies, dropped);
            }
            let batch = encode(output.lines, framings.socket, dropped, &mut self.unfit);
            if framings.shared == framings.socket {
                copy_to(tee, &batch, dropped);
            }
            self.queue.push(batch.bytes, batch.lines, batch.framing);
        }
        let mut left = Left {
            lines: waiting.iter().map(|(_, batch)| batch.lines).sum(),
            dropped,
        };
        let mut grace_over = pin!(grace_over);
        for (sink, batch) in waiting.into_iter().filter(|(_, batch)| batch.lines > 0) {
            let (lines, bytes) = (batch.lines, batch.bytes.len() as u64);
            let sent = tokio::select! {
                biased;
                sent = sink.send(batch) => sent,
                () = &mut grace_over => return Err(DeliveryEnd::Drained),
            };
            // If it was not sent, the sink has counted this batch.
            left.lines -= lines;
            if sent.is_err() {
                return Err(DeliveryEnd::SinkClosed);
            }
            queued.lines.inc_by(lines);
            queued.bytes.inc_by(bytes);
        }
        ended(output.close)
    }

    /// Writes some of the queued output to the socket. Cancelling it loses nothing.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) async fn write(&mut self) -> io::Result<Taken> {
        self.queue.write(&mut self.socket).await
    }

    /// Shuts the socket's sending side down, so that its peer sees the end of the stream.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        self.socket.shutdown().await
    }
}

impl<W> ConnectionSink<W> {
    /// Discards the queued output. Returns how many of its lines the socket had taken whole without
    /// their being counted, and how many are lost.
    pub(crate) fn discard(&mut self) -> (u64, u64) {
        self.queue.discard()
    }
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if self.lines > 0 {
            self.dropped.of(DropReason::NextHop).inc_by(self.lines);
        }
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
fn encode(
    lines: Lines,
    framings: Framings,
    dropped: &Dropped,
    unfit: &mut Option<Vec<u8>>,
) -> Batch {
    let encoded = lines.encode(framings.from, framings.to, framings.unfit);
    if encoded.unfit > 0 {
        dropped.of(DropReason::Framing).inc_by(encoded.unfit);
        unfit.get_or_insert(encoded.sample);
    }
    Batch {
        bytes: encoded.bytes,
        lines: encoded.lines,
        framing: framings.to,
    }
}

/// Frames lines for a sink that others write to as well: the last one has its terminator, too.
fn encode_terminated(
    lines: Lines,
    framings: Framings,
    dropped: &Dropped,
    unfit: &mut Option<Vec<u8>>,
) -> Batch {
    let mut batch = encode(lines, framings, dropped, unfit);
    batch.terminate();
    batch
}
