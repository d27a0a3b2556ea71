//! Rings of slots, linked by their indices.
//!
//! In: slots, and which of their links to follow. Out: slots in the order of the ring. Not here: what is in a
//! slot.
//!
//! Slot 0 is the head: the first slot comes after it, and the last one before it.

use super::{Entry, Slot};

/// The neighbours of a slot in a ring.
#[derive(Clone, Copy, Default)]
pub(super) struct Links {
    before: u32,
    after: u32,
}

/// One of the rings: which links of a slot belong to it.
#[derive(Clone, Copy)]
pub(super) struct Ring(usize);

/// How many rings there are.
pub(super) const RINGS: usize = 2;

/// The index of the head.
pub(super) const HEAD: u32 = 0;

impl Ring {
    /// By when hashes were last seen.
    pub(super) const SEEN: Self = Self(0);
    /// By when hashes were new.
    pub(super) const NEW: Self = Self(1);

    /// The first slot; the head if there is none.
    #[inline]
    pub(super) fn first(self, slots: &[Slot]) -> u32 {
        slots[HEAD as usize].links[self.0].after
    }

    /// The last slot; the head if there is none.
    #[inline]
    pub(super) fn last(self, slots: &[Slot]) -> u32 {
        self.before(slots, HEAD)
    }

    #[inline]
    pub(super) fn before(self, slots: &[Slot], index: u32) -> u32 {
        slots[index as usize].links[self.0].before
    }

    /// Puts a slot that is not in the ring at its end.
    #[inline]
    pub(super) fn link_last(self, slots: &mut [Slot], index: u32) {
        let last = self.last(slots);
        *self.of(slots, index) = Links {
            before: last,
            after: HEAD,
        };
        self.of(slots, last).after = index;
        self.of(slots, HEAD).before = index;
    }

    /// Takes a slot out of the ring.
    #[inline]
    pub(super) fn unlink(self, slots: &mut [Slot], index: u32) {
        let Links { before, after } = *self.of(slots, index);
        self.of(slots, before).after = after;
        self.of(slots, after).before = before;
    }

    /// All slots but the head, first to last.
    #[inline]
    pub(super) fn iter(self, slots: &[Slot]) -> impl Iterator<Item = (u32, &Entry)> {
        let mut index = HEAD;
        std::iter::from_fn(move || {
            index = slots[index as usize].links[self.0].after;
            (index != HEAD).then(|| (index, &slots[index as usize].entry))
        })
    }

    #[inline]
    fn of(self, slots: &mut [Slot], index: u32) -> &mut Links {
        &mut slots[index as usize].links[self.0]
    }
}
