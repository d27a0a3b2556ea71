//! Room: what an instance takes of the host's memory and of its memory mappings.
//!
//! In: the budget of the host. Out: [`Room`], which grows with the instance and is given back with it.
//! Not here: the limits of a single filter (`imports::host_state`).

use std::sync::Arc;

use linemill_budget::{Budget, Holder, Lease, MappingLease, NoRoom, Urgency};

/// Host memory per instance besides its linear memory: the store, what wasmtime keeps for its core
/// instances, and the pages of its stack that it has used.
const OVERHEAD: u64 = 64 << 10;
/// Host memory per element of a table, in bytes.
const ELEMENT: u64 = 16;

/// What an instance needs when it starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Bytes of memory.
    pub(crate) bytes: u64,
    /// Memory mappings.
    pub(crate) mappings: u64,
}

/// What an instance has, or will have when it starts.
#[derive(Debug)]
pub(crate) struct Room {
    memory: Lease,
    /// Given back when it is dropped.
    _mappings: MappingLease,
}

impl Cost {
    /// What an instance with `mappings` needs before anything is known of its size.
    pub(crate) fn least(mappings: u64) -> Self {
        let bytes = OVERHEAD;
        Self { bytes, mappings }
    }
}

impl Room {
    /// Takes room for an instance.
    ///
    /// # Errors
    /// When there is no room.
    pub(crate) fn take(budget: &Arc<Budget>, cost: Cost, urgency: Urgency) -> Result<Self, NoRoom> {
        let mappings = budget.try_map(cost.mappings)?;
        Ok(Self {
            memory: budget.try_lease(Holder::Guests, cost.bytes, urgency)?,
            _mappings: mappings,
        })
    }

    /// Makes room for a linear memory of `memory` bytes, and tables with `elements` elements.
    ///
    /// # Errors
    /// When there is no room; nothing has changed then.
    pub(crate) fn grow(&mut self, memory: usize, elements: usize) -> Result<(), NoRoom> {
        let needed = OVERHEAD + memory as u64 + elements as u64 * ELEMENT;
        let held = self.memory.bytes();
        self.memory.try_hold(needed.max(held), Urgency::More)
    }

    /// Bytes of memory that it has.
    pub(crate) fn bytes(&self) -> u64 {
        self.memory.bytes()
    }
}
