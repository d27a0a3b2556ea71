//! Memory mappings of instances.
//!
//! Linux bounds how many mappings a process has (`vm.max_map_count`). Beyond the bound any allocation
//! may fail, and a process whose allocation fails aborts. So instances are bounded well below it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::budget::{Budget, NoRoom};

/// Counts mappings.
#[derive(Debug)]
pub(crate) struct Mappings {
    pub(crate) limit: AtomicU64,
    pub(crate) used: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// Mappings that somebody has. Dropping it gives them back.
#[derive(Debug)]
pub struct MappingLease {
    budget: Arc<Budget>,
    count: u64,
}

impl Mappings {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit: AtomicU64::new(limit),
            used: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

impl Budget {
    /// Takes `count` mappings.
    ///
    /// # Errors
    /// When the system may not have as many left.
    pub fn try_map(self: &Arc<Self>, count: u64) -> Result<MappingLease, NoRoom> {
        let limit = self.mappings.limit.load(Ordering::Relaxed);
        let more = |used: u64| Some(used + count).filter(|used| *used <= limit);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.mappings.used.fetch_update(set, fetch, more) {
            Ok(_) => Ok(MappingLease {
                budget: Arc::clone(self),
                count,
            }),
            Err(_) => {
                self.mappings.refused.fetch_add(1, Ordering::Relaxed);
                Err(NoRoom::Mappings)
            }
        }
    }
}

impl Drop for MappingLease {
    fn drop(&mut self) {
        let mappings = &self.budget.mappings;
        mappings.used.fetch_sub(self.count, Ordering::Relaxed);
        self.budget.freed();
    }
}
