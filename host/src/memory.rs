//! The memory of the process: its budget, and what the allocator keeps.
//!
//! In: key `memory` of `[host]`. Out: the [`Budget`] that all parts of the host share, kept informed of
//! what is resident. Memory that is free goes back to the system after a burst.
//! Not here: who holds how much (`linemill_budget`), and what follows a refusal.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use linemill_budget::{Budget, Holder, MemoryMetrics, machine};
use linemill_config::settings::HostSettings;
use linemill_sandbox::engine::MAPPINGS_PER_MEMORY;

/// How often the resident size is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// When this much less is held than at the last peak, free memory goes back to the system, and once more
/// when no more is given back. Returning it takes milliseconds, and what is needed again soon has to be
/// fetched again.
const BURST: u64 = 8 << 20;
/// The looks after a return at which memory goes back again: after 3 and after 15 seconds.
const LATER: [u32; 2] = [12, 60];
/// Allocations from this size on are mappings of their own, which go back to the system at once.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED: libc::c_int = 256 << 10;

/// The budget that the settings ask for.
pub fn budget(host: &HostSettings, metrics: MemoryMetrics) -> Arc<Budget> {
    keep_little();
    Budget::new(limit(host), machine::mappings(MAPPINGS_PER_MEMORY), metrics)
}

/// The limit that the settings ask for, in bytes.
pub fn limit(host: &HostSettings) -> u64 {
    host.memory.unwrap_or_else(machine::auto)
}

/// A task that tells the budget what is resident, and returns free memory. Dropping it ends the task.
#[derive(Debug)]
pub struct MemoryWatch(JoinHandle<()>);

impl MemoryWatch {
    /// Starts the task. What the process has now, beyond what is counted, counts as the host's own.
    pub fn start(budget: Arc<Budget>) -> Self {
        let mut host = budget.lease(Holder::Host);
        let resident = machine::resident().unwrap_or_default();
        host.hold(resident.saturating_sub(budget.usage().used));
        Self(tokio::spawn(async move {
            let _host = host;
            watch(&budget).await;
        }))
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(budget: &Budget) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ebb = Ebb::default();
    loop {
        ticks.tick().await;
        if let Some(bytes) = machine::resident() {
            budget.note_resident(bytes);
        }
        // A burst may begin and end between two looks.
        ebb.note(budget.recent_peak());
        if ebb.returns(budget.usage().used) {
            // On another thread: it takes the locks of the allocator one after the other.
            drop(tokio::task::spawn_blocking(return_free).await);
        }
    }
}

/// Decides when memory goes back to the system, from what is held at each look.
#[derive(Debug, Default)]
struct Ebb {
    /// The most that was held since memory went back.
    most: u64,
    /// After a return: what was held at the last look.
    falling: Option<u64>,
    /// Whether memory has ever gone back.
    returned: bool,
    /// How many looks ago it last went back because less was held.
    looks: u32,
}

impl Ebb {
    /// Notes that this much was held since the last look.
    fn note(&mut self, held: u64) {
        self.most = self.most.max(held);
    }

    /// Whether free memory goes back now.
    fn returns(&mut self, held: u64) -> bool {
        let burst = held.saturating_add(BURST) <= self.most;
        let settled = match self.falling {
            // What was released is freed a moment later, so that the first return may have come too soon.
            Some(last) if held >= last => {
                self.falling = None;
                true
            }
            Some(_) => {
                self.falling = Some(held);
                false
            }
            None => false,
        };
        if burst {
            self.falling = Some(held);
        }
        // On a busy machine, what was released may be freed seconds later.
        self.looks = if burst || settled {
            0
        } else {
            self.looks.saturating_add(1)
        };
        let late = self.returned && LATER.contains(&self.looks);
        self.returned |= burst;
        let returns = burst || settled || late;
        self.most = if returns { held } else { self.most.max(held) };
        returns
    }
}

/// Makes the allocator map large allocations on their own, always. Otherwise glibc keeps more and more of
/// them: it raises the size from which on it maps to that of each mapping that is freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_little() {
    #[expect(
        unsafe_code,
        reason = "the allocator's settings have no safe interface"
    )]
    // SAFETY: `mallopt` takes two numbers, and may be called at any time.
    let set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED) };
    if set == 0 {
        tracing::debug!("the allocator does not take its settings");
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_little() {}

/// Returns free memory to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn return_free() {
    #[expect(unsafe_code, reason = "the allocator has no safe interface for this")]
    // SAFETY: `malloc_trim` takes a number, and may be called from any thread at any time.
    let _whether_it_did = unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn return_free() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_after_the_first_return_is_returned_too() {
        let mut ebb = Ebb::default();
        let held = [30, 29, 20, 16, 15, 15, 15, 16, 9, 7, 7, 7];
        let returned: Vec<u64> = held
            .into_iter()
            .filter(|&mib| ebb.returns(mib << 20))
            .collect();
        // At once and when it no longer falls, then at the next burst.
        assert_eq!(returned, [20, 15, 7, 7]);
    }

    #[test]
    fn what_was_held_between_two_looks_is_returned() {
        let mut ebb = Ebb::default();
        assert!(!ebb.returns(10 << 20));
        ebb.note(30 << 20);
        assert!(ebb.returns(10 << 20));
    }

    #[test]
    fn small_changes_return_nothing() {
        let mut ebb = Ebb::default();
        let held = [10, 14, 9, 13, 8, 12];
        assert!(!held.into_iter().any(|mib| ebb.returns(mib << 20)));
    }

    #[test]
    fn what_is_freed_after_it_was_released_is_returned_too() {
        let mut ebb = Ebb::default();
        let returns = [30, 10, 10, 10].map(|mib| ebb.returns(mib << 20));
        assert_eq!(returns, [false, true, true, false]);
        let later: Vec<u32> = (2..200).filter(|_| ebb.returns(10 << 20)).collect();
        assert_eq!(later, LATER);
    }
}
