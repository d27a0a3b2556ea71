//! Hashes of lines, one by one → whether each is new among the last N different ones.
//!
//! A map from hash to slot, and the slots as a ring linked from the latest to the oldest. Every
//! step takes the same time, and memory grows with what was seen up to the N.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The last N different hashes, by when each was seen last.
pub(crate) struct Window {
    /// At most this many slots.
    limit: usize,
    /// Where each hash is in `slots`; as many entries as slots.
    places: HashMap<u128, u32, BuildHasherDefault<Hashed>>,
    /// A ring: `newer` of the latest is the oldest, and the other way round.
    slots: Vec<Slot>,
    /// The slot seen last; means nothing while there is none.
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
            places: HashMap::default(),
            slots: Vec::new(),
            latest: 0,
        }
    }

    /// Makes `hash` the latest; whether it is new.
    pub(crate) fn see(&mut self, hash: u128) -> bool {
        if let Some(&place) = self.places.get(&hash) {
            if place != self.latest {
                self.unlink(place);
                self.link(place);
            }
            return false;
        }
        let place = if self.slots.len() < self.limit {
            let place = self.slots.len() as u32;
            self.slots.push(Slot {
                hash,
                newer: place,
                older: place,
            });
            if place > 0 {
                self.link(place);
            }
            place
        } else {
            // The oldest makes room. It already stands where the latest belongs in the ring.
            let oldest = self.slot(self.latest).newer;
            let forgotten = std::mem::replace(&mut self.slot(oldest).hash, hash);
            self.places.remove(&forgotten);
            oldest
        };
        self.places.insert(hash, place);
        self.latest = place;
        true
    }

    /// How many hashes are known.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// All of them, in the order in which they would be forgotten: seen anew in this order, they
    /// make an equal window.
    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = u128> {
        // `newer` of the latest is the oldest.
        let mut place = self.latest;
        (0..self.slots.len()).map(move |_| {
            place = self.slots[place as usize].newer;
            self.slots[place as usize].hash
        })
    }

    fn slot(&mut self, place: u32) -> &mut Slot {
        &mut self.slots[place as usize]
    }

    fn unlink(&mut self, place: u32) {
        let Slot { newer, older, .. } = *self.slot(place);
        self.slot(newer).older = older;
        self.slot(older).newer = newer;
    }

    /// Puts a slot between the latest and the oldest, and makes it the latest.
    fn link(&mut self, place: u32) {
        let latest = self.latest;
        let oldest = self.slot(latest).newer;
        let slot = self.slot(place);
        (slot.older, slot.newer) = (latest, oldest);
        self.slot(latest).newer = place;
        self.slot(oldest).older = place;
        self.latest = place;
    }
}

/// For keys that are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
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

    /// The last N different ones, oldest first.
    struct Model(Vec<u128>, usize);

    impl Model {
        fn see(&mut self, hash: u128) -> bool {
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
                    window.see(hash),
                    model.see(hash),
                    "limit {limit}, step {step}"
                );
                assert!(window.slots.len() <= limit && window.places.len() == window.slots.len());
            }
        }
    }
}
