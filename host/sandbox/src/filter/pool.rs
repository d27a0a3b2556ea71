//! Instances between two calls, of a filter that keeps no state.
//!
//! In: instances whose call has ended. Out: one of them, and by preference one that the same thread
//! used last: the memory of another is in another processor's caches.
//! Not here: making instances, and which filters share them (`stage`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use linemill_telemetry::Shards;

/// Instances kept for a thread when nobody uses them. A call ends before its thread begins another
/// unless it runs for more than a tick, so about one is in use at a time.
const POOLED: usize = 4;

/// Instances that wait.
pub(crate) struct Pool<T>(Shards<Mutex<Vec<T>>>);

impl<T> Pool<T> {
    pub(crate) fn new(first: Option<T>) -> Self {
        let pool = Self(Shards::default());
        first.into_iter().for_each(|first| pool.put(first));
        pool
    }

    /// Takes an instance out, if there is one.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.all().find_map(|waiting| lock(waiting).pop())
    }

    /// Puts an instance in, or drops it when there are enough.
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
    fn a_thread_gets_the_instance_that_it_used_last() {
        let pool = Pool::new(Some("here, first"));
        pool.put("here, last");
        thread::scope(|scope| {
            scope.spawn(|| pool.put("elsewhere"));
        });
        assert_eq!(pool.take(), Some("here, last"));
        assert_eq!(pool.take(), Some("here, first"));
        assert_eq!(pool.take(), Some("elsewhere"), "rather than none");
        assert_eq!(pool.take(), None);
    }

    #[test]
    fn keeps_no_more_than_are_used_at_a_time() {
        let pool = Pool::new(None);
        (0..=POOLED).for_each(|instance| pool.put(instance));
        let kept = std::iter::from_fn(|| pool.take()).count();
        assert_eq!(kept, POOLED);
    }
}
