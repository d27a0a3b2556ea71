//! The store of a filter: values by key, which all its instances share.
//!
//! In: keys and values from guests, within the bounds of `wit/store.wit`. Out: values, or why nothing was
//! written. Entries are divided by their keys into parts with a lock each, so that threads rarely wait for
//! each other; a lock is never held across two keys. What is stored is a part of the host's memory.
//! Not here: the functions that guests call (`imports::store`).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::metrics::StoreMetrics;
use linemill_budget::{Budget, Holder, Lease, NoRoom, Urgency};
use linemill_config::settings::StoreLimits;
use linemill_telemetry::{Families, Held};

#[cfg(test)]
mod tests;

/// How many locks there are.
const PARTS: usize = 16;
/// What an entry takes besides its key and value, in bytes.
const OVERHEAD: u64 = 96;
/// In steps of this many bytes a store asks for memory.
const STEP: u64 = 64 << 10;
/// How much more memory it keeps than it needs.
const SLACK: u64 = 4 * STEP;
/// The time of an entry that does not expire.
const NEVER: u64 = u64::MAX;

/// Why nothing was written: `error` of `wit/store.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotStored {
    Full,
    NotANumber,
}

/// When something happens, and when what it writes expires, in nanoseconds of one clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) now: u64,
    pub(crate) expiry: Option<u64>,
}

/// The store of one filter.
pub(crate) struct Store {
    parts: [Mutex<HashMap<Box<[u8]>, Entry>>; PARTS],
    hasher: RandomState,
    keys: AtomicU64,
    /// Of all keys and values.
    bytes: AtomicU64,
    /// No entry expires before.
    earliest: AtomicU64,
    memory: Mutex<Lease>,
    metrics: Held<StoreMetrics>,
}

#[derive(Debug)]
struct Entry {
    value: Box<[u8]>,
    /// When it expires.
    until: u64,
}

type Part<'a> = MutexGuard<'a, HashMap<Box<[u8]>, Entry>>;

impl Store {
    fn new(budget: &Arc<Budget>, metrics: Held<StoreMetrics>) -> Self {
        Self {
            parts: Default::default(),
            hasher: RandomState::new(),
            keys: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            earliest: AtomicU64::new(NEVER),
            memory: Mutex::new(budget.lease(Holder::Stores)),
            metrics,
        }
    }

    /// The value of an entry.
    pub(crate) fn get(&self, key: &[u8], now: u64) -> Option<Vec<u8>> {
        let part = self.part(key);
        let entry = part.get(key).filter(|entry| entry.until > now)?;
        Some(entry.value.to_vec())
    }

    /// Writes an entry.
    pub(crate) fn set(
        &self,
        key: &[u8],
        value: &[u8],
        times: Times,
        limits: StoreLimits,
    ) -> Result<(), NotStored> {
        self.write(key, times.now, limits, |_| {
            Ok(((), Some((value.into(), times.until()))))
        })
    }

    /// Writes an entry if its value is `expected`. Returns whether it was written.
    pub(crate) fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        value: &[u8],
        times: Times,
        limits: StoreLimits,
    ) -> Result<bool, NotStored> {
        self.write(key, times.now, limits, |entry| {
            let same = entry.map(|entry| &*entry.value) == expected;
            Ok((same, same.then(|| (value.into(), times.until()))))
        })
    }

    /// Adds to a number. Returns the sum.
    pub(crate) fn add(
        &self,
        key: &[u8],
        amount: i64,
        times: Times,
        limits: StoreLimits,
    ) -> Result<i64, NotStored> {
        self.write(key, times.now, limits, |entry| {
            let (number, until) = match entry {
                None => (0, times.until()),
                Some(entry) => {
                    let bytes = (*entry.value).try_into();
                    let bytes = bytes.map_err(|_| NotStored::NotANumber)?;
                    (i64::from_le_bytes(bytes), entry.until)
                }
            };
            let sum = number.checked_add(amount).ok_or(NotStored::NotANumber)?;
            Ok((sum, Some((sum.to_le_bytes().into(), until))))
        })
    }

    /// Removes an entry. Returns whether there was one.
    pub(crate) fn delete(&self, key: &[u8], now: u64) -> bool {
        let mut part = self.part(key);
        let Some(entry) = part.remove(key) else {
            return false;
        };
        self.release(key, &entry);
        entry.until > now
    }

    /// Writes the value and its expiry that `decide` returns for the entry that exists, if it returns any.
    /// Returns the other half of its decision.
    fn write<T>(
        &self,
        key: &[u8],
        now: u64,
        limits: StoreLimits,
        mut decide: impl FnMut(Option<&Entry>) -> Result<(T, Option<(Box<[u8]>, u64)>), NotStored>,
    ) -> Result<T, NotStored> {
        for attempt in [Attempt::First, Attempt::Last] {
            let mut part = self.part(key);
            let old = part.get_mut(key);
            let (decided, written) = decide(old.as_deref().filter(|entry| entry.until > now))?;
            let Some((value, until)) = written else {
                return Ok(decided);
            };
            let (keys, before, after) = match &old {
                Some(entry) => (0, entry.value.len(), value.len()),
                None => (1, 0, key.len() + value.len()),
            };
            if self.reserve(keys, before as u64, after as u64, limits) {
                self.earliest.fetch_min(until, Ordering::Relaxed);
                match old {
                    Some(entry) => *entry = Entry { value, until },
                    None => drop(part.insert(key.into(), Entry { value, until })),
                }
                return Ok(decided);
            }
            drop(part);
            if attempt == Attempt::Last || !self.expire(now) {
                break;
            }
        }
        self.metrics.full.inc();
        Err(NotStored::Full)
    }

    /// Counts `keys` new keys, and an entry that had `before` bytes and will have `after`. Returns `false` if
    /// that exceeds the limits; then nothing has changed.
    fn reserve(&self, keys: u64, before: u64, after: u64, limits: StoreLimits) -> bool {
        // The counters wrap, so this also works for an entry that shrinks.
        let more = after.wrapping_sub(before);
        let all = self.keys.fetch_add(keys, Ordering::Relaxed) + keys;
        let bytes = self.bytes.fetch_add(more, Ordering::Relaxed);
        let bytes = bytes.wrapping_add(more);
        let grows = keys > 0 || after > before;
        let fits = !grows
            || (all <= limits.keys && bytes <= limits.bytes && self.hold(all, bytes).is_ok());
        if !fits {
            self.keys.fetch_sub(keys, Ordering::Relaxed);
            self.bytes.fetch_sub(more, Ordering::Relaxed);
        }
        self.show();
        fits
    }

    fn release(&self, key: &[u8], entry: &Entry) {
        let keys = self.keys.fetch_sub(1, Ordering::Relaxed) - 1;
        let size = (key.len() + entry.value.len()) as u64;
        let bytes = self.bytes.fetch_sub(size, Ordering::Relaxed) - size;
        self.show();
        let (needed, mut memory) = (memory_for(keys, bytes), self.memory());
        if memory.bytes() > needed + SLACK {
            memory.hold(needed);
        }
    }

    /// Holds memory for that many keys and bytes.
    fn hold(&self, keys: u64, bytes: u64) -> Result<(), NoRoom> {
        let (needed, mut memory) = (memory_for(keys, bytes), self.memory());
        if needed > memory.bytes() {
            memory.try_hold(needed, Urgency::More)?;
        }
        Ok(())
    }

    /// Removes what has expired. Returns whether anything had.
    fn expire(&self, now: u64) -> bool {
        if self.earliest.load(Ordering::Relaxed) > now {
            return false;
        }
        // Entries that others write meanwhile lower it again.
        self.earliest.store(NEVER, Ordering::Relaxed);
        let mut removed = false;
        for part in &self.parts {
            let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
            let mut earliest = NEVER;
            part.retain(|key, entry| {
                let stays = entry.until > now;
                if stays {
                    earliest = earliest.min(entry.until);
                } else {
                    self.release(key, entry);
                    removed = true;
                }
                stays
            });
            let kept = 2 * part.len();
            part.shrink_to(kept);
            self.earliest.fetch_min(earliest, Ordering::Relaxed);
        }
        removed
    }

    fn memory(&self) -> MutexGuard<'_, Lease> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let shown = |count: &AtomicU64| count.load(Ordering::Relaxed).cast_signed();
        self.metrics.keys.set(shown(&self.keys));
        self.metrics.bytes.set(shown(&self.bytes));
    }

    fn part(&self, key: &[u8]) -> Part<'_> {
        let part = &self.parts[self.hasher.hash_one(key) as usize % PARTS];
        part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the host asks its budget for, for that many keys and bytes.
fn memory_for(keys: u64, bytes: u64) -> u64 {
    (bytes + keys * OVERHEAD).next_multiple_of(STEP)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Last,
}

impl Times {
    fn until(self) -> u64 {
        self.expiry
            .map_or(NEVER, |expiry| self.now.saturating_add(expiry))
    }
}

/// The stores of all filters, by their names. A store lives as long as a filter of its name.
#[derive(Default)]
pub(crate) struct Stores {
    stores: Mutex<HashMap<String, Weak<Store>>>,
    metrics: Families<StoreMetrics>,
}

impl Stores {
    /// Stores whose metrics are `metrics`.
    pub(crate) fn new(metrics: Families<StoreMetrics>) -> Self {
        Self {
            stores: Mutex::default(),
            metrics,
        }
    }

    /// The metrics of the store of the filter of this name.
    pub(crate) fn metrics(&self, filter: &str) -> Held<StoreMetrics> {
        self.metrics.of(filter)
    }

    /// The store of the filter of this name.
    pub(crate) fn of(&self, filter: &str, budget: &Arc<Budget>) -> Arc<Store> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.retain(|_, store| store.strong_count() > 0);
        if let Some(store) = stores.get(filter).and_then(Weak::upgrade) {
            return store;
        }
        let store = Arc::new(Store::new(budget, self.metrics(filter)));
        stores.insert(filter.to_owned(), Arc::downgrade(&store));
        store
    }
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}
