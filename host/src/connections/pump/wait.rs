//! What a direction does next: read, write, follow a new snapshot, or end.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::Pump;
use crate::connections::closing::LINGER;
use crate::connections::end::End;
use crate::connections::read::{Block, read};
use crate::connections::source::Source;
use crate::connections::timer::{Due, QUIET, Silence, Waiting};
use crate::generation::Direction;
use crate::sinks::write_queue::Taken;

/// What has happened while a direction waited.
pub(super) enum Event {
    /// Bytes have been read.
    Block(Block),
    /// The socket has taken output.
    Taken(Taken),
    /// A filter is to be called without lines.
    Tick,
    /// There is a new snapshot; it is marked as seen.
    Snapshot,
    /// The direction ends.
    End(End),
}

impl<R: Source, W: AsyncWrite + Unpin> Pump<R, W> {
    /// Waits until the socket takes output, bytes have come (if it is still `reading`), there is a new
    /// snapshot, or a timeout has passed; in this order when several are ready.
    pub(super) async fn event(&mut self, reading: bool) -> Event {
        loop {
            let may_read = reading && !self.stalled && self.paused_until.is_none();
            let starved = may_read && !self.has_memory();
            let reads = may_read && !starved;
            let timed = match self.waiting(reading, reads).due(&self.service) {
                Some((at, due)) if at <= Instant::now() => match due.end() {
                    Some(end) if reads && due.is_silence() => return self.last_look(end).await,
                    Some(end) => return Event::End(end),
                    None if due == Due::Tick => return Event::Tick,
                    None => {
                        self.resume_reading();
                        continue;
                    }
                },
                Some((at, _)) => {
                    self.timer.arm(at);
                    true
                }
                None => false,
            };
            let (writes, most) = (!self.sink.is_done(), self.most());
            // A client over its rate may be gone: it must not keep its place for what nobody reads.
            let pauses = reading && self.paused_until.is_some();
            let (reader, framer) = (&mut self.reader, &mut self.framer);
            let block = async {
                if pauses {
                    reader.broken().await;
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                read(reader, framer, most).await
            };
            tokio::select! {
                biased;
                taken = self.sink.write(), if writes => return match taken {
                    Ok(taken) => Event::Taken(taken),
                    Err(error) => Event::End(End::Unwritable(error)),
                },
                block = block, if reads || pauses => return Event::of(block),
                changed = self.snapshot.changed() => {
                    // Without a publisher the process is ending.
                    return if changed.is_ok() { Event::Snapshot } else { Event::End(End::Drained) };
                }
                () = self.memory.room(), if starved => {}
                () = self.timer.fires(), if timed => {}
            }
        }
    }

    /// The end by silence, unless bytes have come that nobody has looked for yet.
    async fn last_look(&mut self, end: End) -> Event {
        let most = self.throttle.most();
        tokio::select! {
            biased;
            block = read(&mut self.reader, &mut self.framer, most) => Event::of(block),
            () = std::future::ready(()) => Event::End(end),
        }
    }

    /// What this direction waits for, for its timeouts.
    fn waiting(&self, reading: bool, reads: bool) -> Waiting {
        let fin_sent = self.fin_sent.filter(|_| reading);
        Waiting {
            active: self.activity.last(),
            line_began: self.line_began.filter(|_| reads),
            writing_since: (!self.sink.is_done()).then_some(self.write_progress),
            paused_until: self.paused_until,
            // Lines that are due wait, as others do, for a receiver that does not take what is queued.
            tick_at: self
                .stream_state
                .next_tick()
                .filter(|_| reading && !self.stalled)
                .map(Instant::from_std),
            starves_until: self.memory.gives_up_at().filter(|_| reading),
            // What has been read is still written after the grace period.
            drain_until: self.drain_until.filter(|_| reading),
            silence: self.silence(reads),
            fin_at: self
                .drain_half
                .filter(|_| reading && fin_sent.is_none() && !self.sink.writes_to_socket()),
            lingers_until: fin_sent.map(|sent| {
                let least = sent + LINGER;
                self.drain_until.map_or(least, |until| until.max(least))
            }),
        }
    }

    /// How long after its last sign of life a client may take for the first line: it may have connected
    /// a moment ago.
    fn first_line_in(&self) -> Duration {
        if self.to_upstream || self.activity.asked() {
            return Duration::ZERO;
        }
        // Nothing has been written yet.
        let connected = self.write_progress;
        (connected + LINGER).saturating_duration_since(self.activity.last())
    }

    /// What silence means while the host drains.
    fn silence(&self, reads: bool) -> Silence {
        if !reads || !self.sink.is_done() || self.framer.has_partial() {
            return Silence::Busy;
        }
        match self.direction {
            // The upstream may still answer.
            Direction::Forward if self.to_upstream && self.activity.asked() => Silence::Undecided,
            Direction::Forward => Silence::Done(QUIET.max(self.first_line_in())),
            Direction::Reply if self.activity.settled() => Silence::Done(LINGER),
            Direction::Reply => Silence::Undecided,
        }
    }
}

impl Event {
    /// After a read.
    fn of(block: io::Result<Option<Block>>) -> Self {
        match block {
            Ok(Some(block)) => Self::Block(block),
            Ok(None) => Self::End(End::Eof),
            Err(error) => Self::End(End::Broken(error)),
        }
    }
}
