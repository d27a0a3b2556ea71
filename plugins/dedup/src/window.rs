//! The last N different hashes of lines.
//!
//! In: hashes, one by one. Out: whether each is new. Not here: hashing lines.
//!
//! A map leads from each hash to its slot. The slots form a linked ring from the latest to the
//! oldest. Each step takes constant time, and memory grows with the number of hashes up to N.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The last N different hashes, in the order in which each was last inserted.
pub(crate) struct Window {
    /// The maximum number of slots.
    limit: usize,
    /// The index of each hash in `slots`. It has exactly one entry per slot.
    indices: HashMap<u128, u32, BuildHasherDefault<Prehashed>>,
    /// A ring: `newer` of the latest slot is the oldest, and `older` of the oldest is the latest.
    slots: Vec<Slot>,
    /// The index of the latest slot. It has no meaning while `slots` is empty.
    latest: u32,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u128,
    newer: u32,
    older: u32,
}

impl Window {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            indices: HashMap::default(),
            slots: Vec::new(),
            latest: 0,
        }
    }

    /// Makes `hash` the latest. Returns whether it is new.
    pub(crate) fn insert(&mut self, hash: u128) -> bool {
        if let Some(&index) = self.indices.get(&hash) {
            if index != self.latest {
                self.unlink(index);
                self.link(index);
            }
            return false;
        }
        let index = if self.slots.len() < self.limit {
            let index = self.slots.len() as u32;
            self.slots.push(Slot {
                hash,
                newer: index,
                older: index,
            });
            if index > 0 {
                self.link(index);
            }
            index
        } else {
            // Reuse the oldest slot. It is already at the latest's place in the ring.
            let oldest = self.slot(self.latest).newer;
            let forgotten = std::mem::replace(&mut self.slot(oldest).hash, hash);
            self.indices.remove(&forgotten);
            oldest
        };
        self.indices.insert(hash, index);
        self.latest = index;
        true
    }

    /// The number of hashes.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// All hashes, in the order in which they would be forgotten. Inserting them in this order into
    /// an empty window makes it equal to this one.
    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = u128> {
        // `newer` of the latest is the oldest.
        let mut index = self.latest;
        (0..self.slots.len()).map(move |_| {
            index = self.slots[index as usize].newer;
            self.slots[index as usize].hash
        })
    }

    fn slot(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }

    fn unlink(&mut self, index: u32) {
        let Slot { newer, older, .. } = *self.slot(index);
        self.slot(newer).older = older;
        self.slot(older).newer = newer;
    }

    /// Puts a slot between the latest and the oldest, and makes it the latest.
    fn link(&mut self, index: u32) {
        let latest = self.latest;
        let oldest = self.slot(latest).newer;
        let slot = self.slot(index);
        (slot.older, slot.newer) = (latest, oldest);
        self.slot(latest).newer = index;
        self.slot(oldest).older = index;
        self.latest = index;
    }
}

/// A hasher for keys that are hashes already: takes their lower 64 bits.
#[derive(Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    /// A window as a plain list, oldest first, and its limit.
    struct Model(Vec<u128>, usize);

    impl Model {
        fn insert(&mut self, hash: u128) -> bool {
            let known = self.0.iter().position(|&other| other == hash);
            if let Some(index) = known {
                self.0.remove(index);
            } else if self.0.len() == self.1 {
                self.0.remove(0);
            }
            self.0.push(hash);
            known.is_none()
        }
    }

    #[test]
    fn agrees_with_a_plain_list() {
        for limit in [1, 2, 3, 7, 50] {
            let (mut window, mut model) = (Window::new(limit), Model(Vec::new(), limit));
            let mut random = 1u64;
            for step in 0..20_000 {
                random = random
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                let hash = u128::from((random >> 33) % (2 * limit as u64));
                assert_eq!(
                    window.insert(hash),
                    model.insert(hash),
                    "limit {limit}, step {step}"
                );
                assert!(window.slots.len() <= limit && window.indices.len() == window.slots.len());
            }
        }
    }
}
