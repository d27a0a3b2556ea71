//! The budget: what is held, what still fits, and who waits for room.
//!
//! In: requests for memory. Out: whether they fit. Each thread keeps a little of what it gave back for
//! its next request, so that threads do not change the same counter for each block of lines.
//! Not here: holding on to memory (`lease`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::holder::Holder;
use crate::lease::Lease;
use crate::mappings::Mappings;
use crate::metrics::MemoryMetrics;
use linemill_telemetry::Shards;

/// The largest amount that a thread takes from the common counters ahead of its needs.
const STEP: u64 = 256 << 10;
/// How often those who wait are woken at most: they may be many.
const WAKE: Duration = Duration::from_millis(5);
/// After this time somebody who waits looks again, woken or not.
const LOOK: Duration = Duration::from_millis(100);

/// The memory of a host.
#[derive(Debug)]
pub struct Budget {
    /// `u64::MAX`: no limit.
    limit: AtomicU64,
    /// Bytes held by all, including what threads keep.
    total: AtomicU64,
    /// The most that `total` has been.
    pub(crate) peak: AtomicU64,
    /// The most that was used since somebody last asked.
    recent: AtomicU64,
    /// By holder, in the order of [`Holder::ALL`].
    parts: [Part; Holder::ALL.len()],
    pub(crate) mappings: Mappings,
    /// The process has more resident than the limit, whatever was counted.
    over: AtomicBool,
    /// Resident memory of the process when it was last looked at.
    pub(crate) resident: AtomicU64,
    /// How many wait for room.
    waiting: AtomicUsize,
    room: Notify,
    began: Instant,
    /// When those who wait were woken last, in milliseconds since `began`.
    woken: AtomicU64,
    /// Lets one partial line at a time take the last of the memory.
    last: AtomicBool,
    pub(crate) metrics: MemoryMetrics,
}

/// What one holder has.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Bytes held, including what threads keep.
    pub(crate) used: AtomicU64,
    /// What each thread has taken and does not use now. Negative only for a moment.
    pub(crate) kept: Shards<AtomicI64>,
    /// Requests refused.
    pub(crate) refused: AtomicU64,
}

/// How much of the budget a request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// For something that has not begun: a connection.
    New,
    /// For something that has begun and grows, such as a guest or a partial line.
    More,
    /// For what frees memory when it is done.
    Last,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The budget, or the holder's share of it, is used up.
    #[error("the memory of the host is used up (`memory` of `[host]`)")]
    Memory,
    /// There may not be more memory mappings.
    #[error(
        "the host has as many instances as the system's limits on memory mappings (vm.max_map_count) and address space allow"
    )]
    Mappings,
}

impl Budget {
    /// A budget of `limit` bytes, and of `mappings` memory mappings for instances. It is shown in
    /// `metrics`.
    pub fn new(limit: u64, mappings: u64, metrics: MemoryMetrics) -> Arc<Self> {
        let budget = Self {
            limit: AtomicU64::new(limit),
            total: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            recent: AtomicU64::new(0),
            parts: Default::default(),
            mappings: Mappings::new(mappings),
            over: AtomicBool::new(false),
            resident: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            room: Notify::new(),
            began: Instant::now(),
            woken: AtomicU64::new(0),
            last: AtomicBool::new(false),
            metrics,
        };
        budget.show();
        Arc::new(budget)
    }

    /// A budget without limits.
    pub fn unlimited() -> Arc<Self> {
        Self::new(
            u64::MAX,
            u64::MAX,
            MemoryMetrics::register(&mut linemill_telemetry::Registry::default()),
        )
    }

    /// The limit in bytes; `u64::MAX` stands for no limit.
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Changes the limit. What is held already stays held.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
        self.freed();
    }

    /// Changes how many mappings instances may have.
    pub fn set_mappings(&self, count: u64) {
        self.mappings.limit.store(count, Ordering::Relaxed);
    }

    /// A lease of nothing yet.
    pub fn lease(self: &Arc<Self>, holder: Holder) -> Lease {
        Lease::empty(Arc::clone(self), holder)
    }

    /// A lease of `bytes`.
    ///
    /// # Errors
    /// When there is no room.
    pub fn try_lease(
        self: &Arc<Self>,
        holder: Holder,
        bytes: u64,
        urgency: Urgency,
    ) -> Result<Lease, NoRoom> {
        let mut lease = self.lease(holder);
        lease.try_hold(bytes, urgency)?;
        Ok(lease)
    }

    /// Whether somebody who holds memory for this should not begin to hold more: its share is used up,
    /// or nearly the whole budget is.
    pub fn is_pressed(&self, holder: Holder) -> bool {
        let limit = self.limit();
        self.over.load(Ordering::Relaxed)
            || self.part(holder).used.load(Ordering::Relaxed) >= self.most(holder)
            || self.total.load(Ordering::Relaxed) >= of(limit, Urgency::More.share())
    }

    /// Whether the whole budget is used up: then nothing is read at all. That what is resident exceeds the
    /// limit does not count here: nobody could be sure that it ends.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.total.load(Ordering::Relaxed) >= self.limit()
    }

    /// Waits until memory was given back, or for a moment.
    pub async fn room(&self) {
        let waiting = Waiting::of(&self.waiting);
        let woken = self.room.notified();
        drop(timeout(LOOK, woken).await);
        drop(waiting);
    }

    /// The permission to use the last of the memory; only one has it at a time, and it should end by
    /// giving memory back.
    pub fn last(self: &Arc<Self>) -> Option<LastOne> {
        let taken = self.last.swap(true, Ordering::Relaxed);
        (!taken).then(|| LastOne(Arc::clone(self)))
    }

    /// The most that was used since this was last called.
    pub fn recent_peak(&self) -> u64 {
        self.recent.swap(0, Ordering::Relaxed)
    }

    fn note_peak(&self, used: u64) {
        self.peak.fetch_max(used, Ordering::Relaxed);
        self.recent.fetch_max(used, Ordering::Relaxed);
    }

    /// Notes how much of the process is resident, and whether that exceeds the limit.
    pub fn note_resident(&self, bytes: u64) {
        self.resident.store(bytes, Ordering::Relaxed);
        let limit = self.limit();
        if bytes > limit {
            self.over.store(true, Ordering::Relaxed);
        } else if bytes < of(limit, 97) && self.over.swap(false, Ordering::Relaxed) {
            self.freed();
        }
        self.show();
    }

    /// What is counted as held, including what threads keep.
    #[cfg(test)]
    pub(crate) fn parts_total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(crate) fn part(&self, holder: Holder) -> &Part {
        &self.parts[holder as usize]
    }

    /// Takes `bytes`, if they fit; counts a refusal.
    pub(crate) fn try_take(
        &self,
        holder: Holder,
        bytes: u64,
        urgency: Urgency,
    ) -> Result<(), NoRoom> {
        if self.take_if_fits(holder, bytes, urgency) {
            return Ok(());
        }
        self.count_refusal(holder);
        Err(NoRoom::Memory)
    }

    pub(crate) fn count_refusal(&self, holder: Holder) {
        self.part(holder).refused.fetch_add(1, Ordering::Relaxed);
        self.metrics.refused.of(holder).inc();
    }

    /// Takes `bytes`, if they fit. Returns whether they do.
    pub(crate) fn take_if_fits(&self, holder: Holder, bytes: u64, urgency: Urgency) -> bool {
        let limit = self.limit();
        let part = self.part(holder);
        let fits = |used: u64, most: u64| used.checked_add(bytes).filter(|used| *used <= most);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let over = self.over.load(Ordering::Relaxed) && urgency != Urgency::Last;
        let share = match urgency {
            Urgency::Last => limit,
            Urgency::New | Urgency::More => self.most(holder),
        };
        let taken = !over
            && part
                .used
                .fetch_update(set, fetch, |used| fits(used, share))
                .is_ok();
        let most = of(limit, urgency.share());
        if taken && let Ok(before) = self.total.fetch_update(set, fetch, |used| fits(used, most)) {
            self.note_peak(before + bytes);
            return true;
        }
        if taken {
            part.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        false
    }

    /// The most that `holder` may hold, in bytes: its share of what the host itself leaves. Otherwise filters
    /// could take all that a small budget has for new connections.
    pub fn most(&self, holder: Holder) -> u64 {
        let (limit, percent) = (self.limit(), holder.share());
        if percent == 100 || limit == u64::MAX {
            return limit;
        }
        let host = self.part(Holder::Host).used.load(Ordering::Relaxed);
        of(limit.saturating_sub(host), percent)
    }

    /// Takes `bytes` that are in use already: of what the calling thread keeps, if that is enough.
    #[inline]
    pub(crate) fn take(&self, holder: Holder, bytes: u64) {
        let part = self.part(holder);
        let bytes = signed(bytes);
        let left = part.kept.own().fetch_sub(bytes, Ordering::Relaxed) - bytes;
        if left < 0 {
            self.take_more(part, left.unsigned_abs());
        }
    }

    #[cold]
    fn take_more(&self, part: &Part, missing: u64) {
        let more = missing + self.step();
        part.kept.own().fetch_add(signed(more), Ordering::Relaxed);
        part.used.fetch_add(more, Ordering::Relaxed);
        let before = self.total.fetch_add(more, Ordering::Relaxed);
        self.note_peak(before + more);
    }

    /// Gives `bytes` back. The calling thread keeps a few.
    #[inline]
    pub(crate) fn give_back(&self, holder: Holder, bytes: u64) {
        let part = self.part(holder);
        let bytes = signed(bytes);
        let kept = part.kept.own().fetch_add(bytes, Ordering::Relaxed) + bytes;
        if kept > signed(2 * self.step()) {
            self.keep_less(part);
        }
    }

    #[cold]
    fn keep_less(&self, part: &Part) {
        // Another thread with the same shard may have taken them in between.
        let all = |kept: i64| (kept > 0).then_some(0);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let Ok(kept) = part.kept.own().fetch_update(set, fetch, all) else {
            return;
        };
        let kept = kept.unsigned_abs();
        part.used.fetch_sub(kept, Ordering::Relaxed);
        self.total.fetch_sub(kept, Ordering::Relaxed);
        self.freed();
    }

    /// How much a thread takes ahead: little of a small budget.
    fn step(&self) -> u64 {
        (self.limit() >> 12).min(STEP)
    }

    /// Wakes those who wait for room.
    pub(crate) fn freed(&self) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.woken.load(Ordering::Relaxed);
        if now.saturating_sub(last) < WAKE.as_millis() as u64 {
            return;
        }
        self.woken.store(now, Ordering::Relaxed);
        self.room.notify_waiters();
    }
}

/// The permission to use the last of the memory. Dropping it lets another have it.
#[derive(Debug)]
pub struct LastOne(Arc<Budget>);

impl Drop for LastOne {
    fn drop(&mut self) {
        self.0.last.store(false, Ordering::Relaxed);
        self.0.freed();
    }
}

/// Counts somebody who waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Urgency {
    /// The share of the budget that such a request may use up, in percent.
    fn share(self) -> u64 {
        match self {
            Self::New => 85,
            Self::More => 93,
            Self::Last => 100,
        }
    }
}

/// `percent` of `limit`, rounded down.
pub(crate) fn of(limit: u64, percent: u64) -> u64 {
    if percent == 100 || limit == u64::MAX {
        limit
    } else {
        limit / 100 * percent
    }
}

pub(crate) fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
