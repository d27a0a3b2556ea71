//! Values that all threads change often, split into shards so that threads do not share cache lines.
//!
//! In: the calling thread. Out: its shard. A counter that two processors change in turn costs each
//! of them about a hundred cycles per change. Threads beyond [`COUNT`] share shards, so a shard must be
//! safe to share. A task may move to another thread, so a single shard can hold any value; only the
//! sum of all shards has a meaning.
//! Not here: what the shards hold.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Atomic;

/// Shards of each value.
const COUNT: usize = 16;

/// A value in shards, one per thread up to `COUNT` threads.
#[derive(Debug, Default)]
pub struct Shards<T>([Shard<T>; COUNT]);

/// Two cache lines: processors prefetch cache lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard<T>(T);

impl<T> Shards<T> {
    /// The shard of the calling thread.
    #[inline]
    pub fn own(&self) -> &T {
        &self.0[here()].0
    }

    /// All shards, that of the calling thread first.
    #[inline]
    pub fn all(&self) -> impl Iterator<Item = &T> {
        let (before, after) = self.0.split_at(here());
        after.iter().chain(before).map(|shard| &shard.0)
    }

    /// The sum of `count` over all shards; wraps around on overflow.
    pub fn sum(&self, count: impl Fn(&T) -> &AtomicU64) -> u64 {
        let counts = self.all().map(|part| count(part).load(Ordering::Relaxed));
        counts.fold(0, u64::wrapping_add)
    }
}

/// A counter whose value is the sum over all threads.
impl Atomic<u64> for Shards<AtomicU64> {
    #[inline]
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    /// Returns the previous value of the calling thread's shard, not of the sum.
    #[inline]
    fn inc_by(&self, by: u64) -> u64 {
        self.own().fetch_add(by, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.sum(|part| part)
    }
}

/// The index of the calling thread's shard.
#[inline]
fn here() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static HERE: Cell<usize> = const { Cell::new(COUNT) });
    HERE.with(|here| {
        if here.get() == COUNT {
            here.set(THREADS.fetch_add(1, Ordering::Relaxed) % COUNT);
        }
        here.get()
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn threads_count_together() {
        let count = Shards::<AtomicU64>::default();
        thread::scope(|scope| {
            for _ in 0..2 * COUNT {
                scope.spawn(|| (0..500).for_each(|_| _ = count.inc_by(2)));
            }
        });
        count.inc_by(5);
        assert_eq!(count.get(), 2000 * COUNT as u64 + 5);
    }

    #[test]
    fn a_thread_has_one_shard_and_sees_it_first() {
        let shards = Shards::<AtomicU64>::default();
        shards.own().store(7, Ordering::Relaxed);
        let parts = |shards: &Shards<AtomicU64>| -> Vec<_> {
            let parts = shards.all().map(|part| part.load(Ordering::Relaxed));
            parts.collect()
        };
        assert_eq!(parts(&shards)[0], 7);
        assert_eq!(parts(&shards).len(), COUNT);
        assert_eq!(parts(&shards).iter().sum::<u64>(), 7);
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                shards.own().fetch_add(1, Ordering::Relaxed);
                parts(&shards)
            });
            let other = other.join().expect("ends");
            assert_eq!(other.iter().sum::<u64>(), 8);
        });
    }
}
