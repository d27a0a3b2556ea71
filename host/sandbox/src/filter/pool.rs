//! The idle instances of a filter that keeps no state.
//!
//! In: instances whose call has ended. Out: one of them, preferably the one that the calling thread
//! used last, since the memory of the others is in the caches of other processors.
//! Not here: starting instances (`filter::call`), and which filters pool them (`filter`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use linemill_telemetry::Shards;

/// How many idle instances are kept per thread. A thread usually uses one at a time: it begins the
/// next call only after the last one has ended, unless that runs for longer than a tick.
const POOLED: usize = 4;

/// How long a call waits for an instance when no more can be started.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks meanwhile, woken or not.
const LOOK: Duration = Duration::from_millis(50);

/// Idle instances, by the thread that used them last.
pub(crate) struct Pool<T> {
    idle: Shards<Mutex<Vec<T>>>,
    /// How many wait for an instance because no more can be started.
    waiting: AtomicUsize,
    /// Wakes one of them.
    put: Notify,
}

impl<T> Pool<T> {
    pub(crate) fn new(first: Option<T>) -> Self {
        let pool = Self {
            idle: Shards::default(),
            waiting: AtomicUsize::new(0),
            put: Notify::new(),
        };
        first.into_iter().for_each(|first| pool.put(first));
        pool
    }

    /// Takes an idle instance: one of this thread if possible, otherwise one of another.
    pub(crate) fn take(&self) -> Option<T> {
        self.idle.all().find_map(|waiting| lock(waiting).pop())
    }

    /// Puts an instance in. Drops it if this thread has [`POOLED`] of them already.
    pub(crate) fn put(&self, instance: T) {
        {
            let mut idle = lock(self.idle.own());
            if idle.len() < POOLED {
                idle.push(instance);
            }
        }
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.put.notify_one();
        }
    }

    /// Waits for an instance that somebody puts in: who has waited longest gets the next one, unless it is
    /// taken first. `None` after [`PATIENCE`].
    pub(crate) async fn returned(&self) -> Option<T> {
        let _counted = Waiting::count(&self.waiting);
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(instance) = self.take() {
                return Some(instance);
            }
            // Not woken at all, if the last instance was put in just before this began to wait.
            let look = until.min(Instant::now() + LOOK);
            let _woken = timeout_at(look, self.put.notified()).await;
            if Instant::now() >= until {
                return self.take();
            }
        }
    }
}

/// Counts somebody who waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn count(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(waiting: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{POOLED, Pool};
    use std::thread;
    use std::time::Duration;
    use tokio::time::sleep;

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

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_next_instance() {
        let pool = Pool::new(None);
        assert_eq!(pool.returned().await, None, "in vain");
        let put = async {
            sleep(Duration::from_secs(1)).await;
            pool.put("late");
        };
        let (returned, ()) = tokio::join!(pool.returned(), put);
        assert_eq!(returned, Some("late"));
    }

    #[test]
    fn a_full_pool_drops_instances() {
        let pool = Pool::new(None);
        (0..=POOLED).for_each(|instance| pool.put(instance));
        let kept = std::iter::from_fn(|| pool.take()).count();
        assert_eq!(kept, POOLED);
    }
}
