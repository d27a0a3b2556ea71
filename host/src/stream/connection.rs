//! One stream from its first byte to its last: read, frame, filter, write, in turn.
//!
//! In: a reader, a sink, and the [`Orders`] in force. Out: an [`End`]. While output is owed
//! nothing is read, so a slow reader slows its own sender and memory stays at one batch. Orders
//! are followed between two batches only.
//! Not here: accepting, framing, filtering.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::end::End;
use super::line::Framer;
use super::read::{Block, read};
use super::sink::Sink;
use crate::blocks;
use crate::filter::chain::{Flow, Passage};
use crate::generation::{Orders, Service};
use crate::lines::Lines;
use crate::telemetry::metrics::ListenerMetrics;

/// How long a stream under drain must be silent to count as done.
const QUIET: Duration = Duration::from_millis(50);
/// How long the host waits, after its own FIN, for the client's: closing a socket with unread
/// bytes would reset it and take back answers that are on their way (RFC 9293, 3.6.1).
const LINGER: Duration = Duration::from_secs(1);

/// A stream being served.
pub struct Connection<R, W> {
    reader: R,
    sink: Sink<W>,
    listener: Arc<str>,
    orders: watch::Receiver<Orders>,
    drain_until: Option<Instant>,
    service: Arc<Service>,
    framer: Framer,
    passage: Passage,
    metrics: ListenerMetrics,
    /// Last byte either way.
    active: Instant,
    /// When the first byte of the partial line came; `None` when there is none.
    line_began: Option<Instant>,
    /// Armed no later than the next timeout; made when the stream first waits. Timeouts mostly
    /// move away before they come, so it is only moved when it fires.
    timer: Option<Pin<Box<Sleep>>>,
}

/// What a waiting stream wakes up to.
enum Event {
    Block(Block),
    Orders,
    End(End),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// A stream of listener `listener`, or `None` when the orders know no such listener.
    pub fn new(
        reader: R,
        sink: Sink<W>,
        listener: Arc<str>,
        mut orders: watch::Receiver<Orders>,
        metrics: ListenerMetrics,
    ) -> Option<Self> {
        let now = orders.borrow_and_update().clone();
        let service = Arc::clone(now.generation.services.get(&*listener)?);
        Some(Self {
            reader,
            sink,
            listener,
            orders,
            drain_until: now.drain_until,
            framer: Framer::new(service.lines),
            passage: Passage::new(Arc::clone(&service.chain), service.rules()),
            service,
            metrics,
            active: Instant::now(),
            line_began: None,
            timer: None,
        })
    }

    /// Serves the stream to its end.
    pub async fn serve(mut self) -> End {
        let mut end = self.run().await;
        if end.flushes() {
            let last = if matches!(end, End::Eof) {
                self.framer.finish()
            } else {
                Lines::default()
            };
            self.count_framed(&last);
            let flow = Box::pin(self.passage.finish(last)).await;
            if let Err(worse) = self.write(flow).await {
                end = worse;
            }
        }
        self.count_rest(&end);
        if end.closes_politely() {
            let closing = timeout(LINGER, self.sink.close()).await;
            if closing.is_ok_and(|closed| closed.is_ok()) && !matches!(end, End::Eof) {
                self.linger().await;
            }
        }
        end
    }

    async fn run(&mut self) -> End {
        let mut told = false;
        loop {
            let changed = std::mem::take(&mut told) || self.orders.has_changed().unwrap_or(false);
            if changed && let Err(end) = self.follow().await {
                return end;
            }
            let block = match self.wait().await {
                Event::Block(block) => block,
                Event::Orders => {
                    // Waiting for them has marked them as seen.
                    told = true;
                    continue;
                }
                Event::End(end) => return end,
            };
            self.active = Instant::now();
            self.metrics.bytes_in.inc_by(block.new as u64);
            let lines = self.framer.frame(block.bytes);
            self.note_partial(!lines.is_empty());
            self.count_framed(&lines);
            if !lines.is_empty() {
                // Boxed: its future is large, and a waiting stream must not carry it.
                let flow = Box::pin(self.passage.process(lines)).await;
                // While filters worked the peer was not heard: that is no silence of its own.
                self.active = Instant::now();
                if let Err(end) = self.write(flow).await {
                    return end;
                }
            }
            if self.framer.is_closed() {
                return End::Oversize;
            }
        }
    }

    /// Waits for bytes, new orders, or a timeout.
    async fn wait(&mut self) -> Event {
        loop {
            let now = Instant::now();
            let (deadline, expires) = self.deadline();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Event::End(expires);
            }
            if let Some(deadline) = deadline {
                match &mut self.timer {
                    Some(timer) if timer.is_elapsed() || deadline < timer.deadline() => {
                        timer.as_mut().reset(deadline)
                    }
                    Some(_) => {}
                    None => self.timer = Some(Box::pin(sleep_until(deadline))),
                }
            }
            tokio::select! {
                biased;
                block = read(&mut self.reader, &mut self.framer) => return match block {
                    Ok(Some(block)) => Event::Block(block),
                    Ok(None) => Event::End(End::Eof),
                    Err(error) => Event::End(End::Broken(error)),
                },
                changed = self.orders.changed(), if self.drain_until.is_none() => {
                    // An error means that whoever gave the orders is gone: the process ends.
                    return if changed.is_ok() { Event::Orders } else { Event::End(End::Drained) };
                }
                () = async { if let Some(timer) = &mut self.timer { timer.await } }, if deadline.is_some() => {}
            }
        }
    }

    /// The next timeout, and what it ends the stream with.
    fn deadline(&self) -> (Option<Instant>, End) {
        let idle = self.service.idle_timeout.map(|limit| self.active + limit);
        let line = self
            .service
            .line_timeout
            .zip(self.line_began)
            .map(|(limit, began)| began + limit);
        let drain = self.drain_until.map(|until| {
            if self.framer.has_partial() {
                until
            } else {
                until.min(self.active + QUIET)
            }
        });
        let all = [
            (idle, End::IdleTimeout),
            (line, End::LineTimeout),
            (drain, End::Drained),
        ];
        all.into_iter()
            .filter(|(at, _)| at.is_some())
            .min_by_key(|(at, _)| *at)
            .unwrap_or((None, End::IdleTimeout))
    }

    /// Goes over to the orders in force. What filters that leave the chain held back goes out.
    async fn follow(&mut self) -> Result<(), End> {
        let now = self.orders.borrow_and_update().clone();
        if self.drain_until.is_none() && now.drain_until.is_some() {
            self.drain_until = now.drain_until;
            self.active = Instant::now();
        }
        // A listener that is gone keeps its last service until its connections end.
        let Some(service) = now.generation.services.get(&*self.listener) else {
            return Ok(());
        };
        if Arc::ptr_eq(service, &self.service) {
            return Ok(());
        }
        self.service = Arc::clone(service);
        self.framer.set_settings(service.lines);
        let moved = Box::pin(
            self.passage
                .move_to(Arc::clone(&service.chain), service.rules()),
        )
        .await;
        self.write(moved).await
    }

    /// Writes all lines of `flow`. Until that is done, nothing else happens on this stream.
    async fn write(&mut self, flow: Flow) -> Result<(), End> {
        let count = flow.lines.len() as u64;
        let bytes = self.sink.prepare(flow.lines, self.service.lines.framing);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let limit = [self.service.write_timeout, self.service.idle_timeout]
                .into_iter()
                .flatten()
                .min();
            let limit = limit.map(|limit| self.active + limit);
            tokio::select! {
                biased;
                written = self.sink.write(rest) => match written {
                    Ok(0) => return Err(End::Unwritable(io::ErrorKind::WriteZero.into())),
                    Ok(written) => {
                        rest = &rest[written..];
                        self.metrics.bytes_out.inc_by(written as u64);
                        self.active = Instant::now();
                    }
                    Err(error) => return Err(End::Unwritable(error)),
                },
                () = sleep_until(limit.unwrap_or(self.active)), if limit.is_some() => return Err(End::WriteTimeout),
            }
        }
        if !bytes.is_empty() {
            self.sink.flush().await.map_err(End::Unwritable)?;
            self.metrics.lines_out.inc_by(count);
        }
        blocks::give_back(bytes);
        flow.close.map_or(Ok(()), |close| Err(End::Filter(close)))
    }

    /// Reads on, to no end, until the client has seen ours.
    async fn linger(&mut self) {
        let framing = self.service.lines.framing;
        let mut block = blocks::take(0);
        let reading = async {
            while self
                .reader
                .read_buf(&mut block)
                .await
                .is_ok_and(|read| read > 0)
            {
                self.metrics
                    .dropped_closed
                    .inc_by(framing.count_in(&block) as u64);
                block.clear();
            }
        };
        // Either way the stream is over.
        drop(timeout(LINGER, reading).await);
    }

    fn note_partial(&mut self, lines_ended: bool) {
        if !self.framer.has_partial() {
            self.line_began = None;
        } else if lines_ended || self.line_began.is_none() {
            self.line_began = Some(self.active);
        }
    }

    fn count_framed(&mut self, lines: &Lines) {
        self.metrics.lines_in.inc_by(lines.len() as u64);
        let counts = self.framer.take_counts();
        if counts.oversized > 0 {
            self.metrics.oversized.inc_by(counts.oversized);
            self.metrics
                .dropped_oversize
                .inc_by(counts.oversized_dropped);
        }
        self.metrics.dropped_partial.inc_by(counts.partial_dropped);
    }

    /// A line begun and not ended is lost with the stream, unless it ended cleanly.
    fn count_rest(&mut self, end: &End) {
        if !matches!(end, End::Eof) && self.framer.has_partial() {
            self.metrics.dropped_partial.inc();
        }
    }
}
