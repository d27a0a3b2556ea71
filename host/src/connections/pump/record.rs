//! What a direction notes as it goes: counts, times for its timeouts, and what its rate allows.

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::Pump;
use crate::complaints::{Complaint, FirstBytes};
use crate::connections::source::Source;
use crate::sinks::metrics::DropReason;
use crate::sinks::write_queue::Taken;
use linemill_framing::Lines;

impl<R: Source, W: AsyncWrite + Unpin> Pump<R, W> {
    /// Notes what the socket took. Below the low watermark, reading goes on.
    pub(super) fn note_taken(&mut self, taken: Taken) {
        self.counts.written.bytes.inc_by(taken.bytes as u64);
        self.counts.written.lines.inc_by(taken.lines);
        self.activity.touch();
        self.write_progress = Instant::now();
        self.memory.hold_output(self.sink.held());
        if self.stalled && self.sink.queued() <= self.service.watermarks.low {
            self.stalled = false;
            self.resume_reading();
        }
    }

    /// Reads again after a pause. The pause does not count as the peer's silence.
    pub(super) fn resume_reading(&mut self) {
        self.activity.touch();
        self.line_began = self.line_began.map(|_| Instant::now());
        self.pause_if_over_rate();
    }

    /// Pauses reading for as long as the rate asks for.
    pub(super) fn pause_if_over_rate(&mut self) {
        self.paused_until = self.throttle.settle().map(|wait| Instant::now() + wait);
    }

    /// Notes when the partial line began, after a block. `lines_ended` says whether the block ended
    /// any lines.
    pub(super) fn note_partial(&mut self, lines_ended: bool) {
        if !self.framer.has_partial() {
            self.line_began = None;
        } else if lines_ended || self.line_began.is_none() {
            self.line_began = Some(self.activity.last());
        }
    }
}

impl<R, W> Pump<R, W> {
    /// Counts the lines of a block that begins with `first`, and those that the framer left out.
    pub(super) fn count_framed(&mut self, lines: &Lines, first: FirstBytes) {
        self.counts.lines_in.inc_by(lines.len() as u64);
        let counts = self.framer.take_counts();
        if counts.oversized > 0 {
            self.metrics.oversized.inc_by(counts.oversized);
            let dropped = self.metrics.dropped.of(DropReason::Oversize);
            dropped.inc_by(counts.oversized_dropped);
        }
        if counts.partial_dropped > 0 {
            let dropped = self.metrics.dropped.of(DropReason::Partial);
            dropped.inc_by(counts.partial_dropped);
            self.complain(Complaint::Partial, first.bytes());
        }
    }
}
