//! The data of a store: what its instance has used of its limits, and what its imports work with.
//!
//! In: bounds, and the import context of the filter. Out: [`HostState`], which wasmtime asks before
//! memory or tables grow, and imports at every call. Not here: what a refusal leads to (`instance`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::{ImportContext, Wasi};
use crate::limits::meter::Meter;
use crate::limits::{Bounds, LimitExceeded, PARTS};

/// Data of a store: limits and what has been used of them, and what imports work with.
pub(crate) struct HostState {
    /// Bytes of linear memory, all memories together.
    memory_limit: usize,
    memory: usize,
    /// Elements of all tables together.
    elements_limit: usize,
    elements: usize,
    imports_limit: u32,
    /// What was refused last since the last call began.
    pub(crate) refused: Option<LimitExceeded>,
    /// What the current call may still take.
    pub(crate) meter: Meter,
    /// Calls to imports that the current call may still make.
    imports_left: u32,
    import_context: Arc<ImportContext>,
    /// Made when it is first called. Never locked: a mutex makes it `Sync`, which its parts are not.
    wasi: Option<Box<Mutex<Wasi>>>,
}

impl HostState {
    pub(crate) fn new(bounds: Bounds, import_context: Arc<ImportContext>) -> Self {
        Self {
            memory_limit: bounds.memory,
            memory: 0,
            elements_limit: bounds.limits.tables,
            elements: 0,
            imports_limit: bounds.limits.imports,
            refused: None,
            meter: Meter::default(),
            imports_left: 0,
            import_context,
            wasi: None,
        }
    }

    /// Begins a call that may take this long.
    pub(crate) fn begin(&mut self, time: Duration) {
        self.meter.begin(time);
        self.imports_left = self.imports_limit;
        self.refused = None;
    }

    /// Called by each import.
    pub(crate) fn calls_import(&mut self) -> wasmtime::Result<()> {
        match self.imports_left.checked_sub(1) {
            Some(left) => {
                self.imports_left = left;
                Ok(())
            }
            None => Err(LimitExceeded::Imports.into()),
        }
    }

    /// The same for WASI, whose functions cannot be refused: the call ends at the next tick.
    pub(crate) fn calls_wasi(&mut self) {
        if self.calls_import().is_err() {
            self.refused = Some(LimitExceeded::Imports);
            self.meter.end();
        }
    }

    pub(crate) fn import_context(&self) -> &ImportContext {
        &self.import_context
    }

    pub(crate) fn wasi(&mut self) -> &mut Wasi {
        self.wasi
            .get_or_insert_with(|| Box::new(Mutex::new(Wasi::new(&self.import_context))))
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
            self.refused = Some(LimitExceeded::Memory);
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
        if total > self.elements_limit {
            self.refused = Some(LimitExceeded::Table);
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
