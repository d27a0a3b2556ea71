//! The idle instances of a filter that keeps no state.
//!
//! In: instances whose call has ended. Out: one of them, preferably the one that the calling thread
//! used last, since the memory of the others is in the caches of other processors.
//! Not here: starting instances (`filter::call`), and which filters pool them (`filter`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use linemill_telemetry::Shards;

/// How many idle instances are kept per thread. A thread usually uses one at a time: it begins the
/// next call only after the last one has ended, unless that runs for longer than a tick.
const POOLED: usize = 4;

/// Idle instances, by the thread that used them last.
pub(crate) struct Pool<T>(Shards<Mutex<Vec<T>>>);

impl<T> Pool<T> {
    pub(crate) fn new(first: Option<T>) -> Self {
        let pool = Self(Shards::default());
        first.into_iter().for_each(|first| pool.put(first));
        pool
    }

    /// Takes an idle instance: one of this thread if possible, otherwise one of another.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.all().find_map(|waiting| lock(waiting).pop())
    }

    /// Puts an instance in. Drops it if this thread has [`POOLED`] of them already.
    pub(crate) fn put(&self, instance: T) {
        let mut waiting = lock(self.0.own());
        if waiting.len() < POOLED {
            waiting.push(instance);
        }
    }
}

fn lock<T>(waiting: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{POOLED, Pool};
    use std::thread;

    #[test]
    fn a_thread_gets_the_instance_it_used_last() {
        let pool = Pool::new(Some("here, first"));
        pool.put("here, last");
        thread::scope(|scope| {
            scope.spawn(|| pool.put("elsewhere"));
        });
        assert_eq!(pool.take(), Some("here, last"));
        assert_eq!(pool.take(), Some("here, first"));
        assert_eq!(pool.take(), Some("elsewhere"), "it has none of its own");
        assert_eq!(pool.take(), None);
    }

    #[test]
    fn a_full_pool_drops_instances() {
        let pool = Pool::new(None);
        (0..=POOLED).for_each(|instance| pool.put(instance));
        let kept = std::iter::from_fn(|| pool.take()).count();
        assert_eq!(kept, POOLED);
    }
}
