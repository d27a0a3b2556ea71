//! What a shared sink's writer still owes: lines to hand over, and lines handed over that have not
//! been acknowledged.
//!
//! In: chunks from a queue, and how much of them the writer has handed over, knows to be
//! acknowledged, or gives up with a connection. Out: the bytes to write next; exact counts of lines
//! delivered and lost. A chunk keeps its room in the queue until it is acknowledged, so that senders
//! wait for a sink that acknowledges nothing.
//! Not here: writing, and knowing what is acknowledged (`file`, `upstream`).

use std::collections::VecDeque;
use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use super::queue::{Chunk, Queue};
use crate::sinks::metrics::{LossReason, OutputMetrics};
use linemill_framing::Framing;

/// The only reader of a [`Queue`].
#[derive(Debug)]
pub(super) struct QueueReader {
    queue: Arc<Queue>,
    /// Handed over whole and not acknowledged, in order.
    in_flight: VecDeque<Part>,
    /// Being handed over; it comes after those in flight.
    current: Option<Current>,
    /// To be handed over before anything else in the queue.
    kept: VecDeque<Part>,
    /// Bytes handed over of `in_flight` and `current`, from the `from` of each.
    unacknowledged: usize,
}

/// The lines of a chunk that are neither delivered nor lost.
#[derive(Debug)]
struct Part {
    /// `chunk.lines` counts the lines after `from`.
    chunk: Chunk,
    /// Where the first of them starts.
    from: usize,
}

/// A part that is being handed over. `part.from <= sent < part.chunk.bytes.len()`.
#[derive(Debug)]
struct Current {
    part: Part,
    /// Bytes before this index have been handed over.
    sent: usize,
}

/// Why a writer has stopped reading its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriterEnd {
    /// Everything has been written, and nothing more will come.
    Done,
    /// Nobody reads what is written.
    Closed,
    /// The deadline has passed.
    TooLate,
}

/// What is known, when a connection ends, of the bytes handed over to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outstanding {
    /// The last so many bytes have not been acknowledged.
    pub(super) unacknowledged: usize,
    /// The last so many bytes have certainly not arrived: they never left this machine, or the peer
    /// refused them. Not more than `unacknowledged`.
    pub(super) unsent: usize,
}

/// What happens to lines that may have arrived and were not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubtful {
    /// They are lost and counted, so that none goes twice.
    Lost,
    /// They are sent again, so that none is lost.
    Resent,
}

/// How many of the lines in flight when a connection ended are lost or sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Lines counted as lost.
    pub(super) lost: u64,
    /// Lines that may have arrived and are sent again.
    pub(super) resent: u64,
}

impl QueueReader {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self {
            queue,
            in_flight: VecDeque::new(),
            current: None,
            kept: VecDeque::new(),
            unacknowledged: 0,
        }
    }

    pub(super) fn metrics(&self) -> &OutputMetrics {
        self.queue.metrics()
    }

    /// Bytes that wait, including those not acknowledged.
    pub(super) fn queued(&self) -> u64 {
        self.queue.queued()
    }

    /// Waits until there is something to write; `false` means that nothing more will come. Dropping
    /// the future loses nothing.
    pub(super) async fn ready(&mut self) -> bool {
        if self.current.is_none() {
            let part = match self.kept.pop_front() {
                Some(part) => Some(part),
                None => self.queue.next().await.map(|chunk| Part { chunk, from: 0 }),
            };
            self.current = part.map(|part| Current {
                sent: part.from,
                part,
            });
        }
        self.current.is_some()
    }

    /// Waits until nothing more will come and everything has been handed over.
    pub(super) async fn finished(&mut self) {
        if self.ready().await {
            std::future::pending().await
        }
    }

    /// Whether there is nothing to hand over now.
    pub(super) fn is_idle(&self) -> bool {
        !self.has_output() && self.queue.is_empty()
    }

    /// The most bytes that wait.
    pub(super) fn bound(&self) -> usize {
        self.queue.bound()
    }

    /// Whether senders may be waiting for room.
    pub(super) fn is_full(&self) -> bool {
        self.queue.is_full()
    }

    /// Whether something was begun, or kept, and has not been handed over whole.
    pub(super) fn has_output(&self) -> bool {
        self.current.is_some() || !self.kept.is_empty()
    }

    /// Bytes handed over and not acknowledged.
    pub(super) fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    /// The bytes to write next: those of the block from the index on. Empty unless
    /// [`Self::ready`].
    pub(super) fn bytes(&self) -> (Arc<Vec<u8>>, usize) {
        match &self.current {
            Some(current) => (Arc::clone(&current.part.chunk.bytes), current.sent),
            None => Default::default(),
        }
    }

    /// How [`Self::bytes`] are framed, if there are any.
    pub(super) fn framing(&self) -> Option<Framing> {
        let current = self.current.as_ref();
        current.map(|current| current.part.chunk.framing)
    }

    /// How many of [`Self::bytes`] end the line that comes next; 0 unless [`Self::ready`].
    pub(super) fn line(&self) -> usize {
        let Some(Current { part, sent }) = &self.current else {
            return 0;
        };
        let bytes = &part.chunk.bytes;
        let start = self.line_start(part, *sent);
        let line = part.chunk.framing.first_line(&bytes[start..]);
        line.map_or(bytes.len(), |length| start + length) - sent
    }

    /// Whether a line has been handed over in part.
    pub(super) fn is_inside_line(&self) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|Current { part, sent }| self.line_start(part, *sent) < *sent)
    }

    /// Where the line starts that is to be handed over next, or has been in part.
    fn line_start(&self, part: &Part, sent: usize) -> usize {
        let begun = &part.chunk.bytes[part.from..sent];
        part.from + part.chunk.framing.whole_lines(begun).1
    }

    /// Notes that the first `count` of [`Self::bytes`] have been handed over.
    pub(super) fn hand_over(&mut self, count: usize) {
        self.queue.count_written(count);
        let Some(mut current) = self.current.take() else {
            return;
        };
        current.sent += count;
        self.unacknowledged += count;
        if current.sent < current.part.chunk.bytes.len() {
            self.current = Some(current);
        } else {
            self.in_flight.push_back(current.part);
        }
    }

    /// Notes that all bytes handed over have been acknowledged, but for the last `but`.
    pub(super) fn acknowledge(&mut self, but: usize) {
        while let Some(part) = self.in_flight.front() {
            let length = part.chunk.bytes.len() - part.from;
            if self.unacknowledged < length + but {
                return;
            }
            self.unacknowledged -= length;
            if let Some(part) = self.in_flight.pop_front() {
                self.queue.count_delivered(part.chunk.lines);
                self.queue.release(part.chunk);
            }
        }
    }

    /// Hands over the first `count` of [`Self::bytes`] to something that acknowledges at once.
    pub(super) fn advance(&mut self, count: usize) {
        self.hand_over(count);
        self.acknowledge(0);
    }

    /// Goes back to the start of a line that has been handed over in part, to send it again. The lines
    /// before it are delivered.
    pub(super) fn rewind(&mut self) {
        let all_arrived = Outstanding {
            unacknowledged: 0,
            unsent: 0,
        };
        self.settle(all_arrived, Doubtful::Lost);
    }

    /// Accounts for all that was handed over, because its connection has ended. Acknowledged lines
    /// are delivered. Lines whose end has certainly not arrived are kept, to be sent whole. `doubtful`
    /// says what happens to those in between.
    pub(super) fn settle(&mut self, known: Outstanding, doubtful: Doubtful) -> Settled {
        let all = self.unacknowledged;
        // Positions in what was handed over: up to here it was acknowledged; up to here it may have
        // arrived.
        let acknowledged = all.saturating_sub(known.unacknowledged);
        let arrived = all.saturating_sub(known.unsent);
        let parts = std::mem::take(&mut self.in_flight);
        let whole = parts.into_iter().map(|part| {
            let sent = part.chunk.bytes.len();
            Current { part, sent }
        });
        let (mut settled, mut kept, mut position) = (Settled::default(), VecDeque::new(), 0);
        for Current { mut part, sent } in whole.chain(self.current.take()) {
            let handed_over = sent - part.from;
            let until = |to: usize| to.saturating_sub(position).min(handed_over);
            let (delivered, length) = part.take_lines(until(acknowledged));
            self.queue.count_delivered(delivered);
            let left = until(arrived).saturating_sub(length);
            match doubtful {
                Doubtful::Lost => settled.lost += part.take_lines(left).0,
                Doubtful::Resent => settled.resent += part.lines_in(left).0,
            }
            position += handed_over;
            if part.from < part.chunk.bytes.len() {
                kept.push_back(part);
            } else {
                self.queue.release(part.chunk);
            }
        }
        kept.append(&mut self.kept);
        self.kept = kept;
        self.unacknowledged = 0;
        let lost = self.metrics().lost.of(LossReason::Unacknowledged);
        lost.inc_by(settled.lost);
        settled
    }

    /// Discards what is left, counts its lines in `lost` and returns how many they are.
    pub(super) fn discard(mut self, lost: &Counter) -> u64 {
        self.rewind();
        self.queue.close();
        let mut lines = 0;
        let kept = self.kept.drain(..).map(|part| part.chunk);
        for chunk in kept.chain(self.queue.rest()) {
            lines += chunk.lines;
            self.queue.release(chunk);
        }
        lost.inc_by(lines);
        lines
    }
}

impl Part {
    /// The whole lines in the first `count` bytes after `from`, and their length.
    fn lines_in(&self, count: usize) -> (u64, usize) {
        let bytes = &self.chunk.bytes[self.from..self.from + count];
        self.chunk.framing.whole_lines(bytes)
    }

    /// Takes these lines out of the part.
    fn take_lines(&mut self, count: usize) -> (u64, usize) {
        let (lines, length) = self.lines_in(count);
        self.chunk.lines = self.chunk.lines.saturating_sub(lines);
        self.from += length;
        (lines, length)
    }
}

#[cfg(test)]
mod tests;
