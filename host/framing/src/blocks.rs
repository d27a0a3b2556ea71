//! Blocks of memory to read into, kept for reuse by each thread.
//!
//! A connection takes a block when bytes may have come and gives it back when none had, so one
//! that waits holds none.

use std::cell::RefCell;

/// Bytes read at a time, at most.
pub const BLOCK: usize = 64 * 1024;

/// Blocks a thread keeps.
const KEPT: usize = 8;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty block with room for [`BLOCK`] bytes beyond `prefix` bytes.
#[inline]
pub fn take(prefix: usize) -> Vec<u8> {
    let block = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
    debug_assert!(block.is_empty());
    let mut block = block;
    block.reserve(BLOCK + prefix);
    block
}

/// Takes a block back; its contents are forgotten. Blocks of odd sizes are freed.
#[inline]
pub fn give_back(mut block: Vec<u8>) {
    if (BLOCK..=2 * BLOCK).contains(&block.capacity()) {
        FREE.with_borrow_mut(|free| {
            if free.len() < KEPT {
                block.clear();
                free.push(block);
            }
        });
    }
}
