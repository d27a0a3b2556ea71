//! The lines that wait for a shared sink, bounded by their bytes.
//!
//! In: batches from many senders. Out: chunks for one writer, in order. Small batches that wait
//! together become one chunk, so that they are written together and hold no memory of their own.
//! Not here: writing (`queue_reader` and the sinks).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, TryAcquireError};

use super::batch::Batch;
use super::lifetime::Lifetime;
use super::throughput::Throughput;
use crate::sinks::metrics::{LossReason, OutputMetrics};
use linemill_budget::{Budget, Holder, Lease};
use linemill_framing::Framing;
use linemill_framing::blocks::{self, BLOCK};

/// A sink takes no more lines: it was closed, or the host is stopping. The lines have been counted
/// as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sink takes no more lines")]
pub struct Lost;

/// A queue with many senders and one reader.
#[derive(Debug)]
pub(super) struct Queue {
    /// Who may put lines into it.
    lifetime: Lifetime,
    /// The most bytes that wait.
    bound: AtomicU32,
    /// One permit per byte that there is room for. Permits, the `room` of all chunks that wait or are
    /// being written, and what senders are about to put in add up to `bound` plus `excess`.
    room: Semaphore,
    /// Permits that are to be removed as they come back: what a lowered bound no longer allows.
    excess: AtomicU32,
    waiting: Mutex<Waiting>,
    /// Wakes the reader: a chunk waits, the queue is closed, or nobody holds it any more.
    changed: Notify,
    /// Wakes waiting senders: the bound has changed.
    rebound: Notify,
    metrics: OutputMetrics,
    throughput: Throughput,
    /// The memory of the host; `None` outside a host.
    budget: Option<Arc<Budget>>,
}

/// How much may wait for a sink.
#[derive(Debug)]
pub struct Buffer {
    pub(super) bytes: usize,
    /// The part of the host's memory that what waits takes; `None` outside a host.
    pub(super) memory: Option<Lease>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// In the order in which they came.
    chunks: VecDeque<Chunk>,
    /// What they, and those being written, take of the host's memory.
    memory: Option<Lease>,
    /// Once set, nothing is added.
    closed: bool,
}

/// Whole lines of one framing, written one after the other.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Shared with a write that runs on another thread.
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) lines: u64,
    pub(super) framing: Framing,
    /// Permits that it holds: its bytes or, if it is larger, the whole bound.
    room: u32,
}

impl Queue {
    pub(super) fn new(buffer: impl Into<Buffer>, metrics: OutputMetrics) -> Self {
        let Buffer { bytes, memory } = buffer.into();
        let bound = permits(bytes);
        let budget = memory.as_ref().map(|memory| Arc::clone(memory.budget()));
        Self {
            lifetime: Lifetime::default(),
            bound: AtomicU32::new(bound),
            room: Semaphore::new(bound as usize),
            excess: AtomicU32::new(0),
            waiting: Mutex::new(Waiting {
                memory,
                ..Waiting::default()
            }),
            budget,
            changed: Notify::new(),
            rebound: Notify::new(),
            metrics,
            throughput: Throughput::default(),
        }
    }

    /// Lets `bound` bytes wait. A lower bound than before takes effect as lines are written.
    pub(super) fn set_bound(&self, bound: usize) {
        let _one_at_a_time = self.lock();
        let bound = permits(bound);
        let before = self.bound.swap(bound, Ordering::Relaxed);
        if bound >= before {
            self.give_back(bound - before);
        } else {
            let fewer = before - bound;
            let forgotten = self.room.forget_permits(fewer as usize);
            self.excess
                .fetch_add(fewer - forgotten as u32, Ordering::Relaxed);
        }
        self.rebound.notify_waiters();
    }

    /// Adds permits, except for those that a lowered bound has removed.
    fn give_back(&self, room: u32) {
        let mut removed = 0;
        let fewer = |excess: u32| {
            removed = excess.min(room);
            Some(excess - removed)
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let _previous = self.excess.fetch_update(set, fetch, fewer);
        self.room.add_permits((room - removed) as usize);
    }

    /// The most bytes that wait.
    pub(super) fn bound(&self) -> usize {
        self.bound.load(Ordering::Relaxed) as usize
    }

    /// Who may put lines into it.
    pub(super) fn lifetime(&self) -> &Lifetime {
        &self.lifetime
    }

    /// Drops a hold on the queue. After the last one, its reader gets what waits and then ends.
    pub(super) fn drop_hold(&self) {
        if self.lifetime.drop_hold() {
            self.changed.notify_one();
        }
    }

    pub(super) fn metrics(&self) -> &OutputMetrics {
        &self.metrics
    }

    /// How fast its reader takes lines.
    pub(super) fn throughput(&self) -> &Throughput {
        &self.throughput
    }

    /// Counts lines that have been delivered.
    pub(super) fn count_delivered(&self, lines: u64) {
        self.metrics.lines.inc_by(lines);
        self.throughput.count(lines, 0);
    }

    /// Counts bytes that have been written.
    pub(super) fn count_written(&self, bytes: usize) {
        self.metrics.bytes.inc_by(bytes as u64);
        self.throughput.count(0, bytes as u64);
    }

    /// Waits for room and adds `batch`.
    pub(super) async fn put(&self, batch: Batch) -> Result<(), Lost> {
        if batch.bytes.is_empty() {
            return Ok(());
        }
        self.memory().await;
        let room = loop {
            // Before the bound is read: a change in between must not go unnoticed.
            let rebound = self.rebound.notified();
            let room = self.room_of(&batch);
            tokio::select! {
                biased;
                permits = self.room.acquire_many(room) => match permits {
                    Ok(permits) => {
                        permits.forget();
                        break room;
                    }
                    Err(_) => return self.refuse(&batch),
                },
                // There may never be as much room as it has waited for.
                () = rebound => {}
            }
        };
        let mut waiting = self.lock();
        if waiting.closed {
            return self.refuse(&batch);
        }
        self.metrics.queued.inc_by(batch.bytes.len() as i64);
        waiting.hold(batch.bytes.len(), 0);
        if waiting.join(&batch, room) {
            blocks::give_back(batch.bytes);
        } else {
            waiting.chunks.push_back(batch.into_chunk(room));
        }
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Adds a copy of `batch` if there is room. Returns whether there was.
    pub(super) fn offer(&self, batch: &Batch) -> bool {
        if batch.bytes.is_empty() {
            return true;
        }
        let room = self.room_of(batch);
        if self.lacks_memory() {
            self.count_refusal();
            self.metrics.lost.of(LossReason::Full).inc_by(batch.lines);
            return false;
        }
        match self.room.try_acquire_many(room) {
            Ok(permits) => permits.forget(),
            Err(TryAcquireError::Closed) => return self.refuse(batch).is_ok(),
            Err(TryAcquireError::NoPermits) => {
                self.metrics.lost.of(LossReason::Full).inc_by(batch.lines);
                return false;
            }
        }
        let mut waiting = self.lock();
        if waiting.closed {
            return self.refuse(batch).is_ok();
        }
        self.metrics.queued.inc_by(batch.bytes.len() as i64);
        waiting.hold(batch.bytes.len(), 0);
        if !waiting.join(batch, room) {
            waiting.chunks.push_back(batch.clone().into_chunk(room));
        }
        drop(waiting);
        self.changed.notify_one();
        true
    }

    /// Refuses more lines. Those that wait are still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.changed.notify_one();
    }

    /// Waits for the next chunk. `None` once all have been taken and nothing more will come: the queue
    /// is closed, or nobody holds it. Only one task may call this.
    pub(super) async fn next(&self) -> Option<Chunk> {
        loop {
            {
                let mut waiting = self.lock();
                if let Some(chunk) = waiting.chunks.pop_front() {
                    return Some(chunk);
                }
                if waiting.closed {
                    return None;
                }
            }
            let is_empty = || self.lock().chunks.is_empty();
            if self.lifetime.end_if_unused(is_empty) {
                return None;
            }
            // A chunk added in between has left a permit, so this does not wait in vain.
            self.changed.notified().await;
        }
    }

    /// Bytes that wait or are being written.
    pub(super) fn queued(&self) -> u64 {
        u64::try_from(self.metrics.queued.get()).unwrap_or(0)
    }

    /// Whether there is no room for another block.
    pub(super) fn is_full(&self) -> bool {
        self.room.available_permits() < self.bound().min(BLOCK)
    }

    /// Whether no chunk waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().chunks.is_empty()
    }

    /// Takes all chunks that wait.
    pub(super) fn rest(&self) -> VecDeque<Chunk> {
        std::mem::take(&mut self.lock().chunks)
    }

    /// Gives back the room of a chunk that was taken.
    pub(super) fn release(&self, chunk: Chunk) {
        self.metrics.queued.dec_by(chunk.bytes.len() as i64);
        self.lock().hold(0, chunk.bytes.len());
        self.give_back(chunk.room);
        if let Some(bytes) = Arc::into_inner(chunk.bytes) {
            blocks::give_back(bytes);
        }
    }

    /// Waits until the host has memory for another batch. An empty queue takes one in any case, so that
    /// every sink makes progress.
    async fn memory(&self) {
        let Some(budget) = self.budget.as_ref().filter(|_| self.lacks_memory()) else {
            return;
        };
        self.count_refusal();
        while self.lacks_memory() && !self.lock().closed {
            budget.room().await;
        }
    }

    fn lacks_memory(&self) -> bool {
        let budget = self.budget.as_ref();
        budget.is_some_and(|budget| budget.is_pressed(Holder::Sinks)) && self.queued() > 0
    }

    fn count_refusal(&self) {
        if let Some(memory) = &self.lock().memory {
            memory.count_refusal();
        }
    }

    fn room_of(&self, batch: &Batch) -> u32 {
        debug_assert!(batch.is_terminated());
        let bound = self.bound.load(Ordering::Relaxed);
        u32::try_from(batch.bytes.len()).map_or(bound, |bytes| bytes.min(bound))
    }

    fn refuse(&self, batch: &Batch) -> Result<(), Lost> {
        self.metrics.lost.of(LossReason::Closed).inc_by(batch.lines);
        Err(Lost)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One permit per byte, within what a semaphore can hold; at least one, or nothing could ever wait.
fn permits(bytes: usize) -> u32 {
    let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
    u32::try_from(bytes).unwrap_or(u32::MAX).clamp(1, most)
}

impl From<usize> for Buffer {
    /// A buffer that counts in no budget.
    fn from(bytes: usize) -> Self {
        Self {
            bytes,
            memory: None,
        }
    }
}

impl Waiting {
    /// Notes how many bytes more and fewer wait or are being written.
    fn hold(&mut self, more: usize, fewer: usize) {
        if let Some(memory) = &mut self.memory {
            let held = memory.bytes() + more as u64;
            memory.hold(held.saturating_sub(fewer as u64));
        }
    }

    /// Adds `batch` to the last chunk, if both are small and framed alike. Returns whether it did.
    fn join(&mut self, batch: &Batch, room: u32) -> bool {
        let Some(last) = self.chunks.back_mut() else {
            return false;
        };
        if last.framing != batch.framing || last.bytes.len() + batch.bytes.len() > BLOCK {
            return false;
        }
        // Never shared here: the reader shares only the bytes of chunks that it has taken.
        let Some(bytes) = Arc::get_mut(&mut last.bytes) else {
            return false;
        };
        bytes.extend_from_slice(&batch.bytes);
        last.lines += batch.lines;
        last.room += room;
        true
    }
}

impl Batch {
    /// Copies the bytes out of a block that is mostly empty: the bound counts bytes, not capacity.
    fn into_chunk(self, room: u32) -> Chunk {
        let mut bytes = self.bytes;
        if bytes.capacity() / 2 > bytes.len() {
            let few = bytes.as_slice().to_vec();
            blocks::give_back(std::mem::replace(&mut bytes, few));
        }
        Chunk {
            bytes: Arc::new(bytes),
            lines: self.lines,
            framing: self.framing,
            room,
        }
    }
}

#[cfg(test)]
mod tests;
