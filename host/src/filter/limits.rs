//! What one instance may use, and what it tried to use.
//!
//! In: limits of a filter's configuration. Out: [`HostState`], the data of every store, which
//! wasmtime asks before memory or tables grow and at every tick of the clock.
//! Not here: the clock itself (`engine`), what a refusal leads to (`instance`).

use wasmtime::{ResourceLimiter, UpdateDeadline};

/// Elements all tables of an instance may have together.
const TABLE_ELEMENTS: usize = 100_000;
/// Core instances, memories and tables a component may be made of.
const PARTS: usize = 32;

/// Data of a store: limits and what has been used of them.
pub(crate) struct HostState {
    /// Bytes of linear memory, all memories together.
    memory_limit: usize,
    memory: usize,
    elements: usize,
    /// Growth was refused since the last call began.
    pub(crate) memory_refused: bool,
    /// Ticks the current call may still take.
    pub(crate) ticks_left: u64,
}

impl HostState {
    pub(crate) fn new(memory_limit: usize) -> Self {
        Self {
            memory_limit,
            memory: 0,
            elements: 0,
            memory_refused: false,
            ticks_left: 0,
        }
    }

    /// Called at every tick of a running call: yields to other tasks, or ends the call.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        match self.ticks_left.checked_sub(1) {
            Some(left) => {
                self.ticks_left = left;
                UpdateDeadline::Yield(1)
            }
            None => UpdateDeadline::Interrupt,
        }
    }
}

impl ResourceLimiter for HostState {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired - current);
        if total > self.memory_limit {
            self.memory_refused = true;
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.elements.saturating_add(desired - current);
        if total > TABLE_ELEMENTS {
            return Ok(false);
        }
        self.elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}
