//! What a direction does next: read, write, follow a new snapshot, or end.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::Pump;
use crate::connections::end::End;
use crate::connections::read::{Block, read};
use crate::connections::timer::Waiting;
use crate::generation::Direction;
use crate::sinks::write_queue::Taken;

/// What has happened while a direction waited.
pub(super) enum Event {
    /// Bytes have been read.
    Block(Block),
    /// The socket has taken output.
    Taken(Taken),
    /// There is a new snapshot; it is marked as seen.
    Snapshot,
    /// The direction ends.
    End(End),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Pump<R, W> {
    /// Waits until the socket takes output, bytes have come (if it `reads`), there is a new
    /// snapshot, or a timeout has passed; in this order when several are ready.
    pub(super) async fn event(&mut self, reads: bool) -> Event {
        loop {
            let reads = reads && !self.stalled && self.paused_until.is_none();
            let timed = match self.waiting(reads).due(&self.service) {
                Some((at, due)) if at <= Instant::now() => match due.end() {
                    Some(end) => return Event::End(end),
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
            let (writes, most) = (!self.sink.is_done(), self.throttle.most());
            tokio::select! {
                biased;
                taken = self.sink.write(), if writes => return match taken {
                    Ok(taken) => Event::Taken(taken),
                    Err(error) => Event::End(End::Unwritable(error)),
                },
                block = read(&mut self.reader, &mut self.framer, most), if reads => {
                    return match block {
                        Ok(Some(block)) => Event::Block(block),
                        Ok(None) => Event::End(End::Eof),
                        Err(error) => Event::End(End::Broken(error)),
                    };
                }
                changed = self.snapshot.changed() => {
                    // Without a publisher the process is ending.
                    return if changed.is_ok() { Event::Snapshot } else { Event::End(End::Drained) };
                }
                () = self.timer.fires(), if timed => {}
            }
        }
    }

    /// What this direction waits for, for its timeouts.
    fn waiting(&self, reads: bool) -> Waiting {
        Waiting {
            active: self.activity.last(),
            line_began: self.line_began.filter(|_| reads),
            writing_since: (!self.sink.is_done()).then_some(self.write_progress),
            paused_until: self.paused_until,
            drain_until: self.drain_until,
            // Answers may take their time: they end when the client's direction does.
            done: reads
                && self.direction == Direction::Forward
                && self.sink.is_done()
                && !self.framer.has_partial(),
        }
    }
}
