//! The writer's end of a queue: which byte is next, and what has been handed over.
//!
//! In: chunks from the queue. Out: their bytes, in order, and counts of whole lines.
//! Not here: where bytes go.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use super::queue::{Chunk, Queue};
use crate::sinks::metrics::OutputMetrics;

/// The only reader of a [`Queue`].
#[derive(Debug)]
pub(super) struct QueueReader {
    queue: Arc<Queue>,
    /// The chunk that is being written. `None` between two chunks.
    current: Option<Current>,
}

/// A chunk that is being written. `counted <= sent < chunk.bytes.len()`.
#[derive(Debug)]
struct Current {
    chunk: Chunk,
    /// Bytes before this index are whole lines that have been counted, and taken from
    /// `chunk.lines`.
    counted: usize,
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

impl QueueReader {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self {
            queue,
            current: None,
        }
    }

    pub(super) fn metrics(&self) -> &OutputMetrics {
        self.queue.metrics()
    }

    /// Waits until there is something to write; `false` means that nothing more will come.
    pub(super) async fn ready(&mut self) -> bool {
        if self.current.is_none() {
            self.current = self.queue.next().await.map(|chunk| Current {
                chunk,
                counted: 0,
                sent: 0,
            });
        }
        self.current.is_some()
    }

    /// Whether a chunk has been begun and not been written whole.
    pub(super) fn has_output(&self) -> bool {
        self.current.is_some()
    }

    /// The bytes to write next: those of the block from the index on. Empty unless
    /// [`Self::ready`].
    pub(super) fn bytes(&self) -> (Arc<Vec<u8>>, usize) {
        match &self.current {
            Some(current) => (Arc::clone(&current.chunk.bytes), current.sent),
            None => Default::default(),
        }
    }

    /// Notes that the first `count` of [`Self::bytes`] have been handed over.
    pub(super) fn advance(&mut self, count: usize) {
        self.metrics().bytes.inc_by(count as u64);
        let Some(mut current) = self.current.take() else {
            return;
        };
        current.sent += count;
        if current.sent < current.chunk.bytes.len() {
            self.current = Some(current);
            return;
        }
        self.metrics().lines.inc_by(current.chunk.lines);
        self.queue.release(current.chunk);
    }

    /// Goes back to the start of a line that has been handed over in part, to send it again.
    pub(super) fn rewind(&mut self) {
        let metrics = self.queue.metrics();
        if let Some(current) = &mut self.current {
            let sent = &current.chunk.bytes[current.counted..current.sent];
            let (lines, end) = current.chunk.framing.whole_lines(sent);
            current.chunk.lines = current.chunk.lines.saturating_sub(lines);
            current.counted += end;
            current.sent = current.counted;
            metrics.lines.inc_by(lines);
        }
    }

    /// Discards what is left, counts its lines in `lost` and returns how many they are.
    pub(super) fn discard(mut self, lost: &Counter) -> u64 {
        self.rewind();
        self.queue.close();
        let mut lines = 0;
        let current = self.current.take().map(|current| current.chunk);
        for chunk in current.into_iter().chain(self.queue.rest()) {
            lines += chunk.lines;
            self.queue.release(chunk);
        }
        lost.inc_by(lines);
        lines
    }
}
