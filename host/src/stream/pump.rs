//! One direction of a connection: read, frame, filter, pass on.
//!
//! In: a reader, a place for the lines, and the [`Snapshot`] in force. Out: an [`End`], after which
//! all that could be written has been. While more is owed than the high watermark nothing is read,
//! so a slow reader slows its own sender and memory stays bounded. Snapshot are followed between two
//! batches only.
//! Not here: when to stop waiting (`timer`), how the directions of a connection end each other
//! (`connection`).

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

use super::activity::Activity;
use super::end::End;

use super::outlet::Outlet;
use super::read::{Block, read};
use super::timer::{Timer, Waiting};
use super::write_queue::Taken;
use crate::generation::{Lease, Service, Side, Snapshot};
use crate::rate::Throttle;
use crate::telemetry::metrics::{ListenerMetrics, PumpMetrics};
use linemill_framing::{Closed, Framer, Lines};
use linemill_sandbox::chain::{ChainOutput, StreamState};
use linemill_sandbox::supervise::quarantine::Origin;
use linemill_sandbox::trial::Cohort;

/// A direction being served.
pub(super) struct Pump<R, W> {
    pub(super) reader: R,
    pub(super) outlet: Outlet<W>,
    side: Side,
    /// The outlet's socket leads to a next hop, not to the client.
    to_next_hop: bool,
    listener: Arc<str>,
    snapshot: watch::Receiver<Snapshot>,
    drain_until: Option<Instant>,
    service: Arc<Service>,
    framer: Framer,
    passage: StreamState,
    /// Held where service and passage are from; dropped after them.
    lease: Lease,
    throttle: Throttle,
    /// Set while a rate wants nothing to be read.
    paused_until: Option<Instant>,
    /// More was owed than the high watermark, and not yet as little as the low one.
    stalled: bool,
    metrics: Arc<ListenerMetrics>,
    counts: PumpMetrics,
    /// Last byte either way, of both directions.
    active: Arc<Activity>,
    /// When the output last took something, or began to owe something.
    took: Instant,
    /// When the first byte of the partial line came; `None` when there is none.
    line_began: Option<Instant>,
    timer: Timer,
}

/// What both directions of a connection have.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) listener: Arc<str>,
    pub(super) snapshot: watch::Receiver<Snapshot>,
    pub(super) metrics: Arc<ListenerMetrics>,
    pub(super) active: Arc<Activity>,
    /// By which versions of filters it is served.
    pub(super) lot: Cohort,
    /// Its client's address, if that has one.
    pub(super) peer: Option<SocketAddr>,
}

/// What a waiting stream wakes up to.
enum Event {
    Block(Block),
    Taken(Taken),
    Snapshot,
    End(End),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Pump<R, W> {
    /// The direction `side` of a connection of listener `listener`, or `None` when the orders know
    /// no such listener.
    pub(super) fn new(
        reader: R,
        outlet: Outlet<W>,
        side: Side,
        to_next_hop: bool,
        context: Context,
    ) -> Option<Self> {
        let Context {
            listener,
            mut snapshot,
            metrics,
            active,
            lot,
            peer,
        } = context;
        let (now, lease) = Snapshot::subscribe(&mut snapshot, side == Side::Forward);
        let service = Arc::clone(now.generation().services.get(&*listener)?);
        let origin = Origin {
            listener: Some(Arc::clone(&listener)),
            peer,
        };
        Some(Self {
            reader,
            outlet,
            side,
            to_next_hop,
            drain_until: now.drain_until(&listener),
            listener,
            snapshot,
            framer: Framer::new(service.lines(side)),
            passage: StreamState::new(Arc::clone(service.chain(side)), service.rules(side))
                .with(lot, origin),
            throttle: service.throttle(side),
            service,
            lease,
            paused_until: None,
            stalled: false,
            counts: metrics.way(side).clone(),
            metrics,
            active,
            took: Instant::now(),
            line_began: None,
            timer: Timer::default(),
        })
    }

    /// Serves the direction to its end.
    pub(super) async fn serve(&mut self) -> End {
        let mut end = self.run().await;
        if end.finishes_chain() {
            let last = if matches!(end, End::Eof) {
                self.framer.finish()
            } else {
                Lines::default()
            };
            self.count_framed(&last);
            let flow = Box::pin(self.passage.finish(last)).await;
            if let Err(worse) = self.deliver(flow).await {
                end = worse;
            }
        }
        if end.flushes()
            && let Err(worse) = self.flush().await
        {
            end = worse;
        }
        // A line begun and not ended is lost with the stream, unless that ended cleanly.
        if !matches!(end, End::Eof) && self.framer.has_partial() {
            self.metrics.dropped_partial.inc();
        }
        end
    }

    /// Gives up what is still owed, and counts it.
    pub(super) fn discard(&mut self) {
        let (taken, lost) = self.outlet.discard();
        self.counts.lines_out.inc_by(taken);
        let dropped = if self.to_next_hop {
            &self.metrics.dropped_next_hop
        } else {
            &self.metrics.dropped_closed
        };
        dropped.inc_by(lost);
    }

    async fn run(&mut self) -> End {
        self.pause_if_unpaid();
        let mut told = false;
        loop {
            let changed = std::mem::take(&mut told) || self.snapshot.has_changed().unwrap_or(false);
            if changed && let Err(end) = self.follow().await {
                return end;
            }
            let block = match self.event(true).await {
                Event::Block(block) => block,
                Event::Taken(taken) => {
                    self.note_taken(taken);
                    continue;
                }
                Event::Snapshot => {
                    // Waiting for them has marked them as seen.
                    told = true;
                    continue;
                }
                Event::End(end) => return end,
            };
            if let Err(end) = self.take(block).await {
                return end;
            }
        }
    }

    /// Leads a block that was read through framing and filters to the output.
    async fn take(&mut self, block: Block) -> Result<(), End> {
        self.active.touch();
        self.counts.bytes_in.inc_by(block.new as u64);
        let lines = self.framer.frame(block.bytes);
        self.note_partial(!lines.is_empty());
        self.throttle.charge(block.new, lines.len());
        self.pause_if_unpaid();
        self.count_framed(&lines);
        if !lines.is_empty() {
            // Boxed: its future is large, and a waiting stream must not carry it.
            let flow = Box::pin(self.passage.process(lines)).await;
            // While filters worked the peer was not heard: that is no silence of its own.
            self.active.touch();
            self.deliver(flow).await?;
        }
        self.framer.closed().map_or(Ok(()), |closed| {
            Err(match closed {
                Closed::Oversize => End::Oversize,
                Closed::BadLength => End::BadLength,
            })
        })
    }

    /// Writes what is owed to the last byte, and reads nothing more.
    async fn flush(&mut self) -> Result<(), End> {
        while !self.outlet.is_done() {
            match self.event(false).await {
                Event::Taken(taken) => self.note_taken(taken),
                Event::Snapshot => {
                    let until = self
                        .snapshot
                        .borrow_and_update()
                        .drain_until(&self.listener);
                    self.note_drain(until);
                }
                Event::End(end) => return Err(end),
                Event::Block(_) => {}
            }
        }
        Ok(())
    }

    /// Waits for room in the output, bytes if they are wanted, new orders, or a timeout.
    async fn event(&mut self, reads: bool) -> Event {
        loop {
            let reads = reads && !self.stalled && self.paused_until.is_none();
            let due = self.waiting(reads).due(&self.service);
            let timed = match due {
                Some((at, due)) if at <= Instant::now() => match due.end() {
                    Some(end) => return Event::End(end),
                    None => {
                        self.hear_again();
                        continue;
                    }
                },
                Some((at, _)) => {
                    self.timer.arm(at);
                    true
                }
                None => false,
            };
            let (owes, most) = (!self.outlet.is_done(), self.throttle.most());
            tokio::select! {
                biased;
                taken = self.outlet.write(), if owes => return match taken {
                    Ok(taken) => Event::Taken(taken),
                    Err(error) => Event::End(End::Unwritable(error)),
                },
                block = read(&mut self.reader, &mut self.framer, most), if reads => return match block {
                    Ok(Some(block)) => Event::Block(block),
                    Ok(None) => Event::End(End::Eof),
                    Err(error) => Event::End(End::Broken(error)),
                },
                changed = self.snapshot.changed() => {
                    // An error means that whoever gave the orders is gone: the process ends.
                    return if changed.is_ok() { Event::Snapshot } else { Event::End(End::Drained) };
                }
                () = self.timer.fires(), if timed => {}
            }
        }
    }

    /// What this direction waits for, for its timeouts.
    fn waiting(&self, reads: bool) -> Waiting {
        Waiting {
            active: self.active.last(),
            line_began: self.line_began.filter(|_| reads),
            owes_since: (!self.outlet.is_done()).then_some(self.took),
            paused_until: self.paused_until,
            drain_until: self.drain_until,
            // Answers may take their time: they end when the other side does.
            done: reads
                && self.side == Side::Forward
                && self.outlet.is_done()
                && !self.framer.has_partial(),
        }
    }

    /// Goes over to the orders in force. What filters that leave the chain held back goes out.
    async fn follow(&mut self) -> Result<(), End> {
        let side = self.side;
        let (now, lease) = Snapshot::subscribe(&mut self.snapshot, side == Side::Forward);
        self.note_drain(now.drain_until(&self.listener));
        // A listener that is gone keeps its last service until its connections end.
        let Some(service) = now.generation().services.get(&*self.listener) else {
            return Ok(());
        };
        if Arc::ptr_eq(service, &self.service) {
            self.lease = lease;
            return Ok(());
        }
        self.framer.set_settings(service.lines(side));
        self.throttle = service.throttle(side);
        self.pause_if_unpaid();
        self.service = Arc::clone(service);
        let (chain, rules) = (Arc::clone(service.chain(side)), service.rules(side));
        let moved = Box::pin(self.passage.move_to(chain, rules)).await;
        self.lease = lease;
        self.deliver(moved).await
    }

    /// Passes all lines of `flow` on; what goes to a socket is owed from here on.
    async fn deliver(&mut self, flow: ChainOutput) -> Result<(), End> {
        if self.outlet.queued() == 0 {
            self.took = Instant::now();
        }
        let framings = self.service.framings(self.side);
        if let Some(flow) = self.outlet.enqueue(flow, framings, &self.metrics)? {
            let snapshot = self.snapshot.clone();
            Box::pin(
                self.outlet
                    .hand_over(flow, framings, snapshot, &self.counts, &self.metrics),
            )
            .await?;
            self.hear_again();
        }
        self.stalled |= self.outlet.queued() > self.service.watermarks.high;
        Ok(())
    }

    fn note_taken(&mut self, taken: Taken) {
        self.counts.bytes_out.inc_by(taken.bytes as u64);
        self.counts.lines_out.inc_by(taken.lines);
        self.active.touch();
        self.took = Instant::now();
        if self.stalled && self.outlet.queued() <= self.service.watermarks.low {
            self.stalled = false;
            self.hear_again();
        }
    }

    /// Ends no later than `until`, and than it was to end anyway.
    fn note_drain(&mut self, until: Option<Instant>) {
        match (self.drain_until, until) {
            (None, Some(_)) => {
                self.drain_until = until;
                self.active.touch();
            }
            (Some(set), Some(until)) => self.drain_until = Some(set.min(until)),
            (_, None) => {}
        }
    }

    /// After a time in which the peer was not heard: that was no silence of its own.
    fn hear_again(&mut self) {
        self.active.touch();
        self.line_began = self.line_began.map(|_| Instant::now());
        self.pause_if_unpaid();
    }

    fn pause_if_unpaid(&mut self) {
        self.paused_until = self.throttle.settle().map(|wait| Instant::now() + wait);
    }

    fn note_partial(&mut self, lines_ended: bool) {
        if !self.framer.has_partial() {
            self.line_began = None;
        } else if lines_ended || self.line_began.is_none() {
            self.line_began = Some(self.active.last());
        }
    }

    fn count_framed(&mut self, lines: &Lines) {
        self.counts.lines_in.inc_by(lines.len() as u64);
        let counts = self.framer.take_counts();
        if counts.oversized > 0 {
            self.metrics.oversized.inc_by(counts.oversized);
            self.metrics
                .dropped_oversize
                .inc_by(counts.oversized_dropped);
        }
        if counts.partial_dropped > 0 {
            self.metrics.dropped_partial.inc_by(counts.partial_dropped);
        }
    }
}
