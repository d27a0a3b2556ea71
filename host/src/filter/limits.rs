//! What one instance may use, and what it tried to use.
//!
//! In: limits of a filter's configuration. Out: [`HostState`], the data of every store, which
//! wasmtime asks before memory or tables grow, and imports at every call.
//! Not here: time (`meter`), what a refusal leads to (`instance`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::imports::{Reach, Wasi};
use super::meter::Meter;

/// Elements all tables of an instance may have together.
const TABLE_ELEMENTS: usize = 100_000;
/// Core instances, memories and tables a component may be made of.
const PARTS: usize = 32;
/// Calls to imports of one call of the filter.
const IMPORT_CALLS: u32 = 200_000;

/// Data of a store: limits and what has been used of them, and what imports work with.
pub(crate) struct HostState {
    /// Bytes of linear memory, all memories together.
    memory_limit: usize,
    memory: usize,
    elements: usize,
    /// Growth was refused since the last call began.
    pub(crate) memory_refused: bool,
    /// A table was not let grow since the last call began.
    pub(crate) table_refused: bool,
    /// What the current call may still take.
    pub(super) meter: Meter,
    /// Calls to imports that the current call may still make.
    import_calls_left: u32,
    /// One more was tried since the last call began.
    pub(crate) import_calls_refused: bool,
    reach: Arc<Reach>,
    /// Made when it is first called. Never locked: a mutex makes it `Sync`, which its parts are not.
    wasi: Option<Box<Mutex<Wasi>>>,
}

impl HostState {
    pub(super) fn new(memory_limit: usize, reach: Arc<Reach>) -> Self {
        Self {
            memory_limit,
            memory: 0,
            elements: 0,
            memory_refused: false,
            table_refused: false,
            meter: Meter::default(),
            import_calls_left: 0,
            import_calls_refused: false,
            reach,
            wasi: None,
        }
    }

    /// Begins a call that may take this long.
    pub(super) fn begin(&mut self, time: Duration) {
        self.meter.begin(time);
        self.import_calls_left = IMPORT_CALLS;
        self.memory_refused = false;
        self.table_refused = false;
        self.import_calls_refused = false;
    }

    /// Called by each import.
    pub(super) fn calls_import(&mut self) -> wasmtime::Result<()> {
        self.count_import();
        match self.import_calls_refused {
            true => Err(wasmtime::Error::msg("too many calls to imports")),
            false => Ok(()),
        }
    }

    /// The same for WASI, whose functions cannot be refused: the call ends at the next tick.
    pub(super) fn calls_wasi(&mut self) {
        self.count_import();
        if self.import_calls_refused {
            self.meter.end();
        }
    }

    fn count_import(&mut self) {
        match self.import_calls_left.checked_sub(1) {
            Some(left) => self.import_calls_left = left,
            None => self.import_calls_refused = true,
        }
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    pub(super) fn wasi(&mut self) -> &mut Wasi {
        self.wasi
            .get_or_insert_with(|| Box::new(Mutex::new(Wasi::new(&self.reach))))
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
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
            self.table_refused = true;
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
