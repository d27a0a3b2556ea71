//! Blocks of memory to read into. Each thread keeps some for reuse.
//!
//! A connection takes a block when bytes may have arrived, and gives it back if none had. So a waiting
//! connection does not hold a block.

use std::cell::RefCell;

/// The most bytes that are read at a time.
pub const BLOCK: usize = 64 * 1024;

/// How many blocks a thread keeps.
const KEPT: usize = 8;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Takes an empty block with room for `prefix` bytes and [`BLOCK`] more.
#[inline]
pub fn take(prefix: usize) -> Vec<u8> {
    let mut block = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
    debug_assert!(block.is_empty());
    block.reserve(BLOCK + prefix);
    block
}

/// Gives a block back for reuse by this thread. Its contents are discarded. Frees the block if its
/// size is unusual or the thread has enough.
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
