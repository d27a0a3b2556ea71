//! The last N different hashes of lines, with what is known of each.
//!
//! In: hashes one by one, and the time. Out: whether each is new, and the entries that are forgotten. Not
//! here: hashing lines, and what is said about the lines that were dropped.
//!
//! A map leads from each hash to its slot. Slots are in two rings: one by when the hash was last seen, to
//! forget the one that was not seen for longest, and one by when the hash was new, to forget it after some
//! time. Each step takes constant time, and memory grows with the number of hashes up to N.

mod ring;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use ring::{HEAD, Links, RINGS, Ring};

/// The last N different hashes.
pub(crate) struct Window {
    /// The maximum number of entries.
    limit: usize,
    /// The slot of each hash. It has exactly one entry per slot that is in use.
    indices: HashMap<u128, u32, Seed>,
    /// The first is the head of both rings and has no entry.
    slots: Vec<Slot>,
    /// Slots that are not in use.
    free: Vec<u32>,
}

struct Slot {
    entry: Entry,
    links: [Links; RINGS],
}

/// What is known of a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) hash: u128,
    /// How often it was seen again.
    pub(crate) repeats: u64,
    /// When it was new, in nanoseconds; [`UNTIMED`] until the tick after it.
    pub(crate) since: u64,
}

/// The time of an entry that no tick has followed yet.
pub(crate) const UNTIMED: u64 = u64::MAX;

/// What became of a hash.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It was known. The slot of its entry, and how often it was seen again.
    Known(u32, u64),
    /// It is new, and there was room for it.
    New,
    /// It is new. The entry of this slot was forgotten to make room for it.
    Instead(u32, Entry),
}

impl Window {
    pub(crate) fn new(limit: usize) -> Self {
        let mut window = Self {
            limit,
            indices: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
        };
        window.slots.push(Slot {
            entry: Entry {
                hash: 0,
                repeats: 0,
                since: UNTIMED,
            },
            links: Default::default(),
        });
        window
    }

    /// Makes `hash` the one seen last.
    pub(crate) fn insert(&mut self, hash: u128) -> Inserted {
        if let Some(&index) = self.indices.get(&hash) {
            Ring::SEEN.unlink(&mut self.slots, index);
            Ring::SEEN.link_last(&mut self.slots, index);
            let entry = &mut self.slots[index as usize].entry;
            entry.repeats += 1;
            return Inserted::Known(index, entry.repeats);
        }
        let forgotten = if self.len() >= self.limit {
            self.forget_unseen()
        } else {
            None
        };
        self.add(Entry {
            hash,
            repeats: 0,
            since: UNTIMED,
        });
        match forgotten {
            None => Inserted::New,
            Some((slot, entry)) => Inserted::Instead(slot, entry),
        }
    }

    /// Adds an entry as the one that was seen last and was new last, even beyond the limit. Returns its slot;
    /// `None` if its hash is known.
    pub(crate) fn put(&mut self, entry: Entry) -> Option<u32> {
        let is_new = !self.indices.contains_key(&entry.hash);
        is_new.then(|| self.add(entry))
    }

    /// Adds an entry whose hash is not known.
    fn add(&mut self, entry: Entry) -> u32 {
        let hash = entry.hash;
        let slot = Slot {
            entry,
            links: Default::default(),
        };
        let index = self.free.pop().unwrap_or(self.slots.len() as u32);
        if index as usize == self.slots.len() {
            if self.slots.len() == self.slots.capacity() {
                // Twice as many, but no more than the limit and the head.
                let room = (self.limit + 1).saturating_sub(self.slots.len()).max(1);
                self.slots.reserve_exact(self.slots.len().min(room));
            }
            self.slots.push(slot);
        } else {
            self.slots[index as usize] = slot;
        }
        Ring::SEEN.link_last(&mut self.slots, index);
        Ring::NEW.link_last(&mut self.slots, index);
        self.indices.insert(hash, index);
        index
    }

    /// Whether there are more entries than the limit allows, as after [`put`](Self::put).
    pub(crate) fn is_over_limit(&self) -> bool {
        self.len() > self.limit
    }

    /// Forgets the entry that was not seen for longest.
    pub(crate) fn forget_unseen(&mut self) -> Option<(u32, Entry)> {
        let first = Ring::SEEN.first(&self.slots);
        (first != HEAD).then(|| (first, self.remove(first)))
    }

    /// Says that the entries without a time were new now.
    pub(crate) fn set_time(&mut self, now: Duration) {
        let now = u64::try_from(now.as_nanos())
            .unwrap_or(UNTIMED)
            .min(UNTIMED - 1);
        let mut index = Ring::NEW.last(&self.slots);
        while index != HEAD && self.slots[index as usize].entry.since == UNTIMED {
            self.slots[index as usize].entry.since = now;
            index = Ring::NEW.before(&self.slots, index);
        }
    }

    /// The time of the entry that was new first; `None` if it has none yet, or there is no entry.
    pub(crate) fn earliest(&self) -> Option<Duration> {
        let first = Ring::NEW.first(&self.slots);
        let since = self.slots[first as usize].entry.since;
        (first != HEAD && since != UNTIMED).then(|| Duration::from_nanos(since))
    }

    /// Forgets the entry that was new first.
    pub(crate) fn forget_first(&mut self) -> Option<(u32, Entry)> {
        let first = Ring::NEW.first(&self.slots);
        (first != HEAD).then(|| (first, self.remove(first)))
    }

    /// Uses a seed that no author of lines can know. They could otherwise choose lines that the map
    /// can hardly tell apart.
    pub(crate) fn set_seed(&mut self, seed: u64) {
        let entries = self.len();
        // The former map is gone before there is another.
        self.indices = HashMap::with_hasher(Seed(seed));
        self.indices.reserve(entries);
        let hashes = Ring::SEEN.iter(&self.slots);
        self.indices
            .extend(hashes.map(|(index, entry)| (entry.hash, index)));
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.indices.len()
    }

    /// All entries with their slots, by when they were last seen.
    pub(crate) fn by_seen(&self) -> impl Iterator<Item = (u32, &Entry)> {
        Ring::SEEN.iter(&self.slots)
    }

    /// All entries with their slots, by when they were new.
    pub(crate) fn by_new(&self) -> impl Iterator<Item = (u32, &Entry)> {
        Ring::NEW.iter(&self.slots)
    }

    /// Makes the hash in a slot the one seen last, without a repeat.
    pub(crate) fn see(&mut self, slot: u32) {
        Ring::SEEN.unlink(&mut self.slots, slot);
        Ring::SEEN.link_last(&mut self.slots, slot);
    }

    fn remove(&mut self, index: u32) -> Entry {
        Ring::SEEN.unlink(&mut self.slots, index);
        Ring::NEW.unlink(&mut self.slots, index);
        let entry = self.slots[index as usize].entry.clone();
        self.indices.remove(&entry.hash);
        self.free.push(index);
        entry
    }
}

/// Hashes keys that are hashes already, with a seed.
#[derive(Clone, Copy, Default)]
struct Seed(u64);

/// The seed, then the result.
struct Folded(u64);

impl BuildHasher for Seed {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(self.0)
    }
}

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        let (low, high) = (hash as u64, (hash >> 64) as u64);
        // Odd, so that neither factor of the product is likely to be 0.
        let mixed = u128::from(low ^ self.0) * u128::from((high ^ self.0.rotate_left(32)) | 1);
        self.0 = (mixed as u64) ^ ((mixed >> 64) as u64);
    }
}

#[cfg(test)]
mod tests;
