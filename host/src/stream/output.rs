//! Outputs that connections share: standard output, files, and next hops with `shared = true`.
//!
//! In: batches of whole lines from many connections. Out: their bytes, batch after batch, by one
//! writer each, and counts of what was delivered and what was lost. A bounded queue stands before
//! each writer: who cannot wait is told so, and who can, waits.
//! Not here: what a connection does meanwhile (`outlet`).

mod blocking;
mod outputs;
mod relay;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

pub use outputs::{Key, Outputs};

use super::hop::Hop;
use crate::config::settings::{Destination, Framing};
use crate::telemetry::metrics::OutputMetrics;

/// Whole lines, framed for the wire.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The lines with their terminators, or lengths.
    pub bytes: Vec<u8>,
    /// How many they are.
    pub lines: u64,
    /// How they are framed.
    pub framing: Framing,
}

/// The output is gone for good, and the batch with it; it has been counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the output is closed")]
pub struct Lost;

/// An output, shared by all who have a clone of it.
#[derive(Debug, Clone)]
pub struct SharedOutput(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    queue: mpsc::UnboundedSender<Item>,
    /// One permit for each byte that the queue has room for.
    room: Arc<Semaphore>,
    capacity: u32,
    state: Arc<State>,
    metrics: OutputMetrics,
}

/// What the writer and those who write to it tell each other.
#[derive(Debug, Default)]
struct State {
    /// Lines in the queue or in the writer's hands.
    waiting: AtomicU64,
    /// The file is to be opened anew.
    reopen: AtomicBool,
}

/// What is in the queue.
#[derive(Debug)]
enum Item {
    Batch(Batch, OwnedSemaphorePermit),
    /// Everything before it is to be written, then this told.
    Finish(oneshot::Sender<()>),
}

impl SharedOutput {
    /// Opens `to` and starts its writer. At most `capacity` bytes wait for it, or one batch.
    ///
    /// # Errors
    /// When a file cannot be opened, or `to` is no output.
    fn open(
        to: &Destination,
        hop: Option<Hop>,
        capacity: usize,
        metrics: OutputMetrics,
    ) -> io::Result<Self> {
        let (queue, items) = mpsc::unbounded_channel();
        let state = Arc::new(State::default());
        let (shared, counts) = (Arc::clone(&state), metrics.clone());
        match (to, hop) {
            (Destination::Stdout, _) => blocking::stdout(items, shared, counts)?,
            (Destination::File(path), _) => blocking::file(path, items, shared, counts)?,
            (_, Some(hop)) => drop(tokio::spawn(relay::run(hop, items, shared, counts))),
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
        let capacity = u32::try_from(capacity)
            .unwrap_or(u32::MAX)
            .min(Semaphore::MAX_PERMITS as u32);
        Ok(Self(Arc::new(Inner {
            name: to.to_string(),
            queue,
            room: Arc::new(Semaphore::new(capacity as usize)),
            capacity,
            state,
            metrics,
        })))
    }

    /// Its destination, as a configuration names it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Queues a batch, waiting for room. Cancelling it queues nothing.
    ///
    /// # Errors
    /// When nothing can be written any more.
    pub async fn send(&self, batch: Batch) -> Result<(), Lost> {
        let room = Arc::clone(&self.0.room)
            .acquire_many_owned(self.size(&batch))
            .await;
        room.map_or(Err(Lost), |room| self.queue(batch, room))
    }

    /// Queues a batch if there is room for it now, and says whether there was.
    pub fn offer(&self, batch: Batch) -> bool {
        let room = Arc::clone(&self.0.room).try_acquire_many_owned(self.size(&batch));
        room.is_ok_and(|room| self.queue(batch, room).is_ok())
    }

    /// Opens a file anew, after a log rotation, before the next batch.
    pub fn reopen(&self) {
        self.0.state.reopen.store(true, Ordering::Release);
    }

    /// Waits until all that is queued has been written, or `deadline`; what is left then is lost.
    pub async fn finish(&self, deadline: Instant) {
        let (told, written) = oneshot::channel();
        // A writer that is gone has counted what it lost.
        if self.0.queue.send(Item::Finish(told)).is_ok()
            && timeout_at(deadline, written).await.is_err()
        {
            let lines = self.0.state.waiting.swap(0, Ordering::Relaxed);
            self.0.metrics.lost("drain", lines);
            tracing::warn!(
                output = self.name(),
                lines,
                "lines lost: the output did not take them in time"
            );
        }
    }

    /// Bytes of room that a batch takes: one that is larger than the queue takes all of it.
    fn size(&self, batch: &Batch) -> u32 {
        u32::try_from(batch.bytes.len())
            .unwrap_or(u32::MAX)
            .min(self.0.capacity)
    }

    fn queue(&self, batch: Batch, room: OwnedSemaphorePermit) -> Result<(), Lost> {
        let (lines, bytes) = (batch.lines, batch.bytes.len());
        self.0.state.waiting.fetch_add(lines, Ordering::Relaxed);
        self.0.metrics.queued.inc_by(bytes as i64);
        if self.0.queue.send(Item::Batch(batch, room)).is_err() {
            self.0.state.waiting.fetch_sub(lines, Ordering::Relaxed);
            self.0.metrics.queued.dec_by(bytes as i64);
            self.0.metrics.lost("closed", lines);
            return Err(Lost);
        }
        Ok(())
    }
}

impl State {
    /// Notes that lines have been delivered or lost.
    fn left(&self, lines: u64) {
        // What `finish` gave up has been counted as lost already.
        let less = |waiting: u64| Some(waiting.saturating_sub(lines));
        let _always = self
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}
