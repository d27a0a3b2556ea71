//! What one direction of a connection takes of the host's memory, and what it does when there is no
//! memory left.
//!
//! In: the sizes of its blocks, its partial line and its queue. Out: whether to read. A line that has
//! begun waits for memory, and its client with it, until others have given some back; one line at a time
//! may take the last of it, so that lines that wait for each other come to an end.
//! Not here: how much there is for whom (`linemill_budget`).

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::Pump;
use crate::connections::source::Source;
use linemill_budget::{Budget, Holder, LastOne, Lease, Urgency};
use linemill_framing::SMALL;
use linemill_sandbox::chain::{Chain, Rooms};

/// How long a line waits for memory before its connection ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a direction holds.
#[derive(Debug)]
pub(super) struct Memory {
    /// For the block whose lines are on their way, or for a long partial line.
    lines: Lease,
    /// For output that the socket has not taken.
    output: Lease,
    /// When the direction gives up waiting for memory; `None` while it has what it needs.
    gives_up_at: Option<Instant>,
    /// Its partial line takes the last of the memory.
    last: Option<LastOne>,
}

impl Memory {
    pub(super) fn of(budget: &Arc<Budget>) -> Self {
        Self {
            lines: budget.lease(Holder::Lines),
            output: budget.lease(Holder::Queues),
            gives_up_at: None,
            last: None,
        }
    }

    /// Notes what lines take now.
    #[inline]
    pub(super) fn hold_lines(&mut self, bytes: usize) {
        self.lines.hold(bytes as u64);
        if bytes == 0 && self.last.is_some() {
            self.last = None;
        }
    }

    /// Notes what queued output takes now.
    #[inline]
    pub(super) fn hold_output(&mut self, bytes: usize) {
        self.output.hold(bytes as u64);
    }

    /// When the direction gives up waiting for memory; `None` while it does not wait.
    pub(super) fn gives_up_at(&self) -> Option<Instant> {
        self.gives_up_at
    }

    /// Waits until there may be memory.
    pub(super) async fn room(&self) {
        self.lines.budget().room().await;
    }

    /// Whether there is memory for the next read: `needed` for a long partial line that it continues.
    fn suffices(&mut self, needed: Option<u64>) -> bool {
        let Some(needed) = needed else {
            return !self.lines.budget().is_full();
        };
        if needed <= self.lines.bytes() || self.lines.fits(needed, Urgency::More) {
            return true;
        }
        if self.last.is_none() {
            self.last = self.lines.budget().last();
        }
        self.last.is_some() && self.lines.fits(needed, Urgency::Last)
    }

    /// Whether the next read may begin. Counts a wait when it begins.
    fn may_read(&mut self, needed: Option<u64>) -> bool {
        let suffices = self.suffices(needed);
        match (suffices, self.gives_up_at) {
            (true, _) => self.gives_up_at = None,
            (false, None) => {
                self.lines.count_refusal();
                self.gives_up_at = Some(Instant::now() + PATIENCE);
            }
            (false, Some(_)) => {}
        }
        suffices
    }
}

impl<R: Source, W: AsyncWrite + Unpin> Pump<R, W> {
    /// Whether there is memory for the next read.
    pub(super) fn has_memory(&mut self) -> bool {
        let waited = self.memory.gives_up_at.is_some();
        let needed = self.framer.next_capacity().map(|bytes| bytes as u64);
        let may_read = self.memory.may_read(needed);
        if may_read && waited {
            // The wait does not count as the peer's silence.
            self.resume_reading();
        }
        may_read
    }

    /// The most bytes to read at a time. When memory is short, so few that a partial line remains short.
    pub(super) fn most(&self) -> usize {
        let most = self.throttle.most();
        let is_short = self.memory.lines.budget().is_pressed(Holder::Lines);
        if is_short { most.min(SMALL) } else { most }
    }

    /// Notes how much output is queued. Beyond the high watermark, or when memory is short, nothing is
    /// read until the socket has taken enough.
    pub(super) fn note_queued(&mut self) {
        self.memory.hold_output(self.sink.held());
        let queued = self.sink.queued();
        self.stalled |= queued > self.service.watermarks.high
            || queued > 0 && self.service.budget.is_pressed(Holder::Queues);
    }

    /// Uses the room that has been reserved for instances, if the stream is still in that chain.
    pub(in crate::connections) fn take_rooms(&mut self, rooms: Option<(Arc<Chain>, Rooms)>) {
        if let Some((chain, rooms)) = rooms {
            self.stream_state.take_rooms(&chain, rooms);
        }
    }
}
