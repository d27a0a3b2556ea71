//! One direction of a connection: read, frame, filter, pass on.
//!
//! In: a reader, a sink, and the [`Snapshot`]s in force. Out: an [`End`], after which everything
//! that could be written has been. While more output is queued than the high watermark nothing is
//! read, so a slow receiver slows its own sender and memory stays bounded. A new snapshot takes
//! effect between two blocks only.
//!
//! Here: the life of the direction, and what happens to a block. `wait` says what to do next, `follow`
//! moves to another generation, `memory` holds its part of the host's memory, `record` keeps counts and
//! times.
//! Not here: how the directions of a connection end each other (`connection`).

mod follow;
mod memory;
mod record;
mod wait;

use std::pin::pin;
use std::sync::Arc;

use tokio::io::AsyncWrite;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::activity::Activity;
use super::closing::discard;
use super::context::Context;
use super::end::End;
use super::metrics::{KeptSettings, LineMetrics, PumpMetrics};
use super::read::Block;
use super::source::Source;
use super::timer::Timer;
use super::turn::Turn;
use crate::complaints::{Complaint, FirstBytes};
use crate::generation::{Direction, Ingress, Lease, Service, Snapshot, grace_ends};
use crate::rate::Throttle;
use crate::sinks::connection_sink::{ConnectionSink, DeliveryEnd, SinkFramings};
use crate::sinks::framings::Framings;
use crate::sinks::metrics::DropReason;
use linemill_framing::{Closed, Framer, Lines};
use linemill_sandbox::chain::{ChainOutput, StreamState};
use memory::Memory;
use wait::Event;

/// One direction of a connection.
pub(super) struct Pump<R, W> {
    pub(super) reader: R,
    pub(super) sink: ConnectionSink<W>,
    direction: Direction,
    /// Whether the sink's socket leads to an upstream, not to the client.
    to_upstream: bool,
    listener: Arc<str>,
    snapshot: watch::Receiver<Snapshot>,
    /// When the direction stops reading at the latest, once the host drains or the listener is
    /// gone. Only ever moved to an earlier time.
    drain_until: Option<Instant>,
    /// Half of the time until then.
    drain_half: Option<Instant>,
    /// When the client was sent its FIN while the direction still read from it.
    fin_sent: Option<Instant>,
    /// The service that applies to the next block.
    service: Arc<Service>,
    /// How lines come and how they go to the connection's own socket. The peers do not change their
    /// framing when the settings change.
    framings: Framings,
    /// How the client connected.
    ingress: Arc<Ingress>,
    /// Counts the connection while it keeps settings that are no longer in force.
    kept: Option<KeptSettings>,
    /// Holds the partial line.
    framer: Framer,
    /// The stream's place in the chain of `service`.
    stream_state: StreamState,
    /// On the generation that `service` and `stream_state` are from; declared after them, so that
    /// it is dropped after them.
    lease: Lease,
    throttle: Throttle,
    /// When reading goes on; `None` unless a rate has paused it.
    paused_until: Option<Instant>,
    /// Read and not framed yet, while the direction moves to another generation.
    in_hand: Option<Box<Block>>,
    /// Lines that filters are working on, or that they have just passed.
    in_chain: u64,
    /// Set when more output is queued than the high watermark, until it is down to the low one.
    stalled: bool,
    metrics: Arc<LineMetrics>,
    counts: PumpMetrics,
    /// Last byte in either direction; shared with the other direction.
    activity: Arc<Activity>,
    /// When the socket last took output, or when its queue was last empty.
    write_progress: Instant,
    /// When the first byte of the partial line came; `None` without a partial line.
    line_began: Option<Instant>,
    timer: Timer,
    /// What lines and output take of the host's memory.
    memory: Memory,
}

impl<R: Source, W: AsyncWrite + Unpin> Pump<R, W> {
    /// The `direction` of a connection; `None` when its listener is not in force and never was. If it
    /// has been removed, the connection counts with the generation in force all the same.
    pub(super) fn new(
        reader: R,
        sink: ConnectionSink<W>,
        direction: Direction,
        to_upstream: bool,
        mut context: Context,
    ) -> Option<Self> {
        let is_forward = direction == Direction::Forward;
        let (now, lease) = Snapshot::subscribe(&mut context.snapshot, is_forward);
        let service = context.service_in(now.generation())?;
        let Context {
            listener,
            snapshot,
            metrics,
            activity,
            cohort,
            mut origin,
            last: _,
        } = context;
        let peer = origin.peer;
        if direction == Direction::Reply {
            Arc::make_mut(&mut origin).reply = true;
        }
        let framings = service.framings(direction);
        let (chain, rules) = (service.chain(direction), service.rules(framings.from));
        let drain_until = now.drain_until(&listener);
        let mut pump = Self {
            reader,
            sink,
            direction,
            to_upstream,
            drain_until: None,
            drain_half: None,
            fin_sent: None,
            in_hand: None,
            in_chain: 0,
            listener,
            snapshot,
            framer: Framer::new(service.lines(framings.from)),
            framings,
            ingress: Arc::clone(&service.ingress),
            kept: None,
            stream_state: StreamState::new(Arc::clone(chain), rules).with(cohort, origin),
            throttle: service.throttle(direction, peer),
            memory: Memory::of(&service.budget),
            service,
            lease,
            paused_until: None,
            stalled: false,
            counts: metrics.pump(direction),
            metrics,
            activity,
            write_progress: Instant::now(),
            line_began: None,
            timer: Timer::default(),
        };
        pump.follow_egress();
        pump.note_drain(drain_until);
        Some(pump)
    }

    /// Serves the direction to its end.
    pub(super) async fn serve(&mut self) -> End {
        let end = self.run().await;
        self.finish(end).await
    }

    /// Reads on for a client that has its FIN by now: until its own, or until the end of the grace
    /// period of a drain, but for [`LINGER`] at least.
    pub(super) async fn linger(&mut self) -> End {
        self.fin_sent = Some(Instant::now());
        self.run().await
    }

    /// Passes on what filters hold back, and writes what is queued. `end` says why reading ended.
    pub(super) async fn finish(&mut self, mut end: End) -> End {
        if end.finishes_chain() {
            let first = FirstBytes::of(self.framer.partial());
            let last = if matches!(end, End::Eof) {
                self.framer.finish()
            } else {
                Lines::default()
            };
            self.count_framed(&last, first);
            let output = Box::pin(self.stream_state.finish(last)).await;
            if let Err(worse) = self.deliver(output).await {
                end = worse;
            }
        }
        if end.flushes()
            && let Err(worse) = self.flush().await
        {
            end = worse;
        }
        if matches!(end, End::Settled) {
            self.activity.settle();
        }
        end
    }

    /// Reads and discards until the peer's FIN, for [`LINGER`] at most. Lines count as dropped, for
    /// `reason`.
    pub(super) async fn discard_input(&mut self, reason: DropReason) {
        let dropped = self.metrics.dropped.of(reason);
        let lines = self.service.lines(self.framings.from);
        let counts = &self.counts;
        let count = |bytes, lines| {
            counts.bytes_in.inc_by(bytes);
            counts.lines_in.inc_by(lines);
            dropped.inc_by(lines);
        };
        self.memory.hold_lines(0);
        discard(&mut self.reader, &mut self.framer, lines, count).await;
    }

    /// Reads until there is nothing more to read. Lines that filters hold back and queued output
    /// are left to [`Self::finish`].
    pub(super) async fn run(&mut self) -> End {
        self.pause_if_over_rate();
        // Set when waiting has marked a new snapshot as seen.
        let mut snapshot_seen = false;
        // A block has been processed, and its output may not have been written yet.
        let mut worked = false;
        let mut turn = Turn::default();
        loop {
            let changed =
                std::mem::take(&mut snapshot_seen) || self.snapshot.has_changed().unwrap_or(false);
            // Boxed: its future is large, and an idle stream must not have room for it.
            if changed && let Err(end) = Box::pin(self.follow()).await {
                return end;
            }
            if worked && self.sink.is_done() {
                worked = false;
                if turn.is_over(self.reader.has_input()) {
                    yield_now().await;
                }
            }
            match self.event(true).await {
                Event::Block(block) => {
                    if let Err(end) = self.process_in_force(block).await {
                        return end;
                    }
                    worked = true;
                }
                Event::Taken(taken) => self.note_taken(taken),
                Event::Snapshot => snapshot_seen = true,
                Event::Tick => {
                    if let Err(end) = self.tick().await {
                        return end;
                    }
                }
                Event::End(end) => {
                    if matches!(end, End::LineTimeout) {
                        self.complain(Complaint::LineTimeout, self.framer.partial());
                    }
                    return end;
                }
            }
        }
    }

    /// Calls the filters that have asked for it, and passes the lines on that they return.
    async fn tick(&mut self) -> Result<(), End> {
        // Boxed, as for lines.
        let output = Box::pin(self.stream_state.tick()).await;
        self.deliver(output).await
    }

    /// Processes a block by the generation in force. A client that has seen a reload take effect may have
    /// sent it afterwards, and both may be noticed at once.
    async fn process_in_force(&mut self, block: Block) -> Result<(), End> {
        if !self.snapshot.has_changed().unwrap_or(false) {
            return self.process(block).await;
        }
        // The direction may be cut while it moves, which takes as long as the filters and the sinks that
        // it leaves.
        self.in_hand = Some(Box::new(block));
        if let Err(end) = Box::pin(self.follow()).await {
            self.drop_block();
            return Err(end);
        }
        match self.in_hand.take() {
            Some(block) => self.process(*block).await,
            None => Ok(()),
        }
    }

    /// Frames and filters a block, and passes its lines on.
    async fn process(&mut self, block: Block) -> Result<(), End> {
        self.activity.note_read(self.direction);
        self.counts.bytes_in.inc_by(block.new as u64);
        self.memory.hold_lines(block.bytes.capacity());
        let first = FirstBytes::of(&block.bytes);
        let lines = self.framer.frame(block.bytes);
        self.note_partial(!lines.is_empty());
        self.throttle.charge(block.new, lines.len());
        self.pause_if_over_rate();
        self.count_framed(&lines, first);
        if !lines.is_empty() {
            // Boxed, too.
            self.in_chain = lines.len() as u64;
            let output = Box::pin(self.stream_state.process(lines)).await;
            // Nothing was read while filters worked: that does not count as the peer's silence.
            self.activity.touch();
            self.deliver(output).await?;
        }
        self.memory.hold_lines(self.framer.held());
        match self.framer.closed() {
            None => Ok(()),
            Some(Closed::Oversize) => {
                self.complain(Complaint::Oversize, first.bytes());
                Err(End::Oversize)
            }
            Some(Closed::BadLength) => {
                self.complain(Complaint::BadLength, first.bytes());
                Err(End::BadLength)
            }
        }
    }

    /// Passes the output of the chain on. What is for the socket is queued afterwards; shared sinks
    /// have taken theirs.
    async fn deliver(&mut self, output: ChainOutput) -> Result<(), End> {
        if self.sink.queued() == 0 {
            self.write_progress = Instant::now();
        }
        // Until they are queued, or with the shared sinks, nobody else counts them.
        self.in_chain = output.lines.len() as u64;
        let (framings, dropped) = (self.framings, &self.metrics.dropped);
        if output.cut > 0 {
            dropped.of(DropReason::Host).inc_by(output.cut);
        }
        let queued = self.sink.enqueue(output, framings, dropped);
        self.in_chain = 0;
        if let Some(output) = queued? {
            // Boxed: its future is large.
            Box::pin(self.hand_over(output)).await?;
            self.resume_reading();
        }
        if let Some(first) = self.sink.take_unfit() {
            self.complain(Complaint::Unfit, &first);
        }
        self.note_queued();
        Ok(())
    }

    /// Waits until shared sinks have taken their lines. A client that goes away meanwhile does not keep
    /// others out: its lines still go out, but it no longer counts against the listener's limits.
    async fn hand_over(&mut self, output: ChainOutput) -> Result<(), DeliveryEnd> {
        let framings = SinkFramings {
            socket: self.framings,
            shared: Framings {
                from: self.framings.from,
                to: self.service.to_framing,
                unfit: self.framings.unfit,
            },
        };
        let grace_over = grace_ends(self.snapshot.clone(), &self.listener);
        let (queued, dropped) = (&self.counts.queued, &self.metrics.dropped);
        let mut delivering = pin!(
            self.sink
                .deliver(output, framings, grace_over, queued, dropped)
        );
        tokio::select! {
            biased;
            delivered = &mut delivering => return delivered,
            () = self.reader.gone(), if self.direction == Direction::Forward => {}
        }
        self.reader.leave();
        delivering.await
    }

    /// Writes the queue to its last byte, without reading any more.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        while !self.sink.is_done() {
            match self.event(false).await {
                Event::Taken(taken) => self.note_taken(taken),
                Event::Snapshot => self.follow_drain(),
                Event::End(end) => return Err(end),
                Event::Block(_) | Event::Tick => {}
            }
        }
        Ok(())
    }
}

impl<R, W> Pump<R, W> {
    /// Logs what is wrong with the client's bytes, which begin with `first`.
    fn complain(&self, complaint: Complaint, first: &[u8]) {
        let origin = self.stream_state.origin();
        self.service.complaints.log(complaint, origin, first);
    }

    /// Counts the lines of the block in hand, which cannot be processed any more.
    fn drop_block(&mut self) {
        let Some(block) = self.in_hand.take() else {
            return;
        };
        self.counts.bytes_in.inc_by(block.new as u64);
        let first = FirstBytes::of(&block.bytes);
        let lines = self.framer.frame(block.bytes);
        self.count_framed(&lines, first);
        let dropped = self.metrics.dropped.of(DropReason::Closed);
        dropped.inc_by(lines.len() as u64);
    }

    /// Discards the output that is still queued, and counts it.
    pub(super) fn discard(&mut self) {
        let (taken, lost) = self.sink.discard();
        self.counts.written.lines.inc_by(taken);
        let reason = if self.to_upstream {
            DropReason::NextHop
        } else {
            DropReason::Closed
        };
        self.metrics.dropped.of(reason).inc_by(lost);
    }
}

/// What is left when a direction is over, or is cut, counts as dropped.
impl<R, W> Drop for Pump<R, W> {
    fn drop(&mut self) {
        self.drop_block();
        self.discard();
        let dropped = &self.metrics.dropped;
        dropped.of(DropReason::Closed).inc_by(self.in_chain);
        // A partial line is lost with the stream, unless that ended cleanly.
        if self.framer.has_partial() && !self.framer.has_dropped_partial() {
            dropped.of(DropReason::Partial).inc();
            self.complain(Complaint::Partial, self.framer.partial());
        }
    }
}
