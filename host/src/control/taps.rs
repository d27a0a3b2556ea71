//! Taps: clients of the admin address that watch lines at the stages of chains.
//!
//! In: what a client wants to see ([`Selection`]), and what stages did with lines ([`Observation`]). Out:
//! the observations, in a queue for each tap. A line never waits for a tap: an observation that finds the
//! queue full is dropped and counted, and while a queue is full nothing is copied for it.
//!
//! `selection` says what a tap wants to see, `query` reads that from a request, `reader` writes lines
//! for the client in a thread of its own, which `pace` keeps from taking much, and `event` is what it
//! writes. `text` and `recorded` are what `linemill tap` makes of that: text for people, and tests.
//! Not here: HTTP (`admin::tap`), what stages do (`linemill_sandbox::chain`).

pub mod event;
pub mod metrics;
mod pace;
pub mod query;
pub(crate) mod reader;
pub mod recorded;
pub mod selection;
#[cfg(test)]
mod tests;
pub mod text;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc;

use linemill_budget::{Budget, Holder, Lease, NoRoom, Urgency};
use linemill_sandbox::chain::observation::Observation;
use linemill_sandbox::chain::observer::{Observed, Observer, Place, See};
use metrics::TapMetrics;
use selection::Selection;

/// Taps that may be open at the same time.
pub const MOST: usize = 8;
/// Bytes of observations that may wait for one tap.
const QUEUE: usize = 1 << 20;
/// Bytes that a single observation may have. It finds room only in an empty queue if that is more than
/// the queue holds.
const LARGEST: usize = 4 << 20;

/// The taps of a host.
pub struct Taps {
    /// Whether there is one; stages look at this only.
    attended: Arc<AtomicBool>,
    open: RwLock<Vec<Arc<Tap>>>,
    metrics: TapMetrics,
}

/// A tap, as the way of the lines sees it.
pub(crate) struct Tap {
    selection: Selection,
    /// Lines at stages that it covers, so far. Samples are taken by this number.
    offered: AtomicU64,
    /// Bytes that wait in its queue.
    queued: AtomicUsize,
    /// Lines that found the queue full.
    missed: AtomicU64,
    queue: mpsc::UnboundedSender<Delivery>,
    metrics: TapMetrics,
}

/// An observation for one tap.
pub(crate) struct Delivery {
    observation: Arc<Observation>,
    /// The number of its first line among those that the tap was offered.
    first: u64,
}

/// An open tap; closed when dropped.
pub(crate) struct OpenTap {
    tap: Arc<Tap>,
    deliveries: mpsc::UnboundedReceiver<Delivery>,
    taps: Arc<Taps>,
    /// The memory of its queue.
    _memory: Lease,
}

/// Why no tap can be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotOpened {
    #[error("{MOST} taps are open, and more may not be")]
    Full,
    #[error("{0}")]
    NoRoom(#[from] NoRoom),
}

impl Taps {
    /// No tap yet.
    pub fn new(metrics: TapMetrics) -> Arc<Self> {
        Arc::new(Self {
            attended: Arc::default(),
            open: RwLock::default(),
            metrics,
        })
    }

    /// What chains need to be observed by these taps.
    pub fn observed(self: &Arc<Self>) -> Observed {
        Observed {
            attended: Arc::clone(&self.attended),
            observer: Arc::clone(self) as Arc<dyn Observer>,
        }
    }

    /// What they count.
    pub(crate) fn metrics(&self) -> &TapMetrics {
        &self.metrics
    }

    /// Opens a tap, with memory from `budget`.
    pub(crate) fn open(
        self: &Arc<Self>,
        selection: Selection,
        budget: &Arc<Budget>,
    ) -> Result<OpenTap, NotOpened> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MOST {
            return Err(NotOpened::Full);
        }
        let memory = budget.try_lease(Holder::Queues, QUEUE as u64, Urgency::New)?;
        let (queue, deliveries) = mpsc::unbounded_channel();
        let tap = Arc::new(Tap {
            selection,
            offered: AtomicU64::new(0),
            queued: AtomicUsize::new(0),
            missed: AtomicU64::new(0),
            queue,
            metrics: self.metrics.clone(),
        });
        open.push(Arc::clone(&tap));
        self.count(open.len());
        Ok(OpenTap {
            tap,
            deliveries,
            taps: Arc::clone(self),
            _memory: memory,
        })
    }

    fn close(&self, tap: &Arc<Tap>) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !Arc::ptr_eq(tap, other));
        self.count(open.len());
    }

    fn count(&self, open: usize) {
        self.attended.store(open > 0, Ordering::Relaxed);
        self.metrics.open.set(open as i64);
    }
}

impl Observer for Taps {
    fn look(&self, place: &Place<'_>, lines: usize) -> Option<See> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let offer = |tap: &Arc<Tap>| Some((Arc::clone(tap), tap.offer(place, lines)?));
        let takers: Vec<_> = open.iter().filter_map(offer).collect();
        if takers.is_empty() {
            return None;
        }
        Some(Box::new(move |observation| {
            let observation = Arc::new(observation);
            for (tap, first) in takers {
                tap.take(&observation, first);
            }
        }))
    }
}

impl Tap {
    /// Offers `lines` lines at `place`. Returns the number of the first of them, if the tap has to see them
    /// and there may be room.
    fn offer(&self, place: &Place<'_>, lines: usize) -> Option<u64> {
        if !self.selection.covers(place) {
            return None;
        }
        let first = self.offered.fetch_add(lines as u64, Ordering::Relaxed);
        let sampled = self.selection.sample.count(first, lines as u64);
        if sampled == 0 {
            return None;
        }
        if self.queued.load(Ordering::Relaxed) >= QUEUE {
            self.miss(sampled);
            return None;
        }
        Some(first)
    }

    /// Queues an observation, or counts its lines as missed.
    fn take(&self, observation: &Arc<Observation>, first: u64) {
        if observation.is_plain() && !self.selection.only.plain() {
            return;
        }
        let size = observation.size();
        let before = self.queued.fetch_add(size, Ordering::Relaxed);
        let delivery = Delivery {
            observation: Arc::clone(observation),
            first,
        };
        let fits = size <= LARGEST && (before == 0 || before + size <= QUEUE);
        if !fits {
            self.queued.fetch_sub(size, Ordering::Relaxed);
            let lines = observation.len() as u64;
            self.miss(self.selection.sample.count(first, lines));
            return;
        }
        // It fails if the tap has just been closed.
        let _ = self.queue.send(delivery);
    }

    fn miss(&self, lines: u64) {
        self.missed.fetch_add(lines, Ordering::Relaxed);
        self.metrics.missed.inc_by(lines);
    }
}

impl OpenTap {
    /// Waits for the next observation; `None` is never returned while the tap is open.
    async fn next(&mut self) -> Option<Delivery> {
        self.deliveries.recv().await
    }

    /// An observation has been looked at, and is no longer in the queue.
    fn done(&self, delivery: &Delivery) {
        let size = delivery.observation.size();
        self.tap.queued.fetch_sub(size, Ordering::Relaxed);
    }

    /// The next observation, if one waits.
    fn waiting(&mut self) -> Option<Delivery> {
        self.deliveries.try_recv().ok()
    }

    /// How many taps are open, this one included.
    fn open(&self) -> u32 {
        let open = self.taps.metrics.open.get();
        u32::try_from(open).unwrap_or(1).max(1)
    }

    /// Lines that found the queue full, so far.
    fn missed(&self) -> u64 {
        self.tap.missed.load(Ordering::Relaxed)
    }
}

impl Drop for OpenTap {
    fn drop(&mut self) {
        self.taps.close(&self.tap);
    }
}
