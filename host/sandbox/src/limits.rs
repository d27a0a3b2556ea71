//! What one instance may use, and what it tried to use.
//!
//! In: limits of a filter's configuration. Out: [`HostState`], the data of every store, which
//! wasmtime asks before memory or tables grow, and imports at every call; [`LimitExceeded`], the limit that
//! was in the way.
//! Not here: time (`meter`), what a refusal leads to (`instance`).

mod meter;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::fault::FaultKind;
use crate::imports::{ImportContext, RANDOM, RESOURCES, Wasi};
use crate::limits::meter::Meter;
use linemill_config::settings::{FilterSettings, Limits};

/// Core instances, memories and tables a component may be made of. What a toolchain makes has a
/// handful; each is something that the host sets up for every instance.
pub(crate) const PARTS: usize = 32;

/// What bounds an instance and its calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Linear memory, bytes.
    pub(crate) memory: usize,
    /// Processor time of a call.
    pub(crate) deadline: Duration,
    pub(crate) limits: Limits,
}

/// A limit that an instance was refused to go beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitExceeded {
    /// `memory`.
    #[error("it asked for more memory than `memory` allows")]
    Memory,
    /// `limits.tables`.
    #[error("it asked for more table elements than `limits.tables` allows")]
    Table,
    /// `limits.imports`.
    #[error("it called imports more often in one call than `limits.imports` allows")]
    Imports,
    /// `limits.output`.
    #[error("its answer is longer than its input by more than `limits.output` allows")]
    Output,
    /// `limits.host_memory`.
    #[error("it handed the host more at once than `limits.host_memory` allows")]
    HostMemory,
    /// Bytes of one call of `random`.
    #[error("it asked for more than {} random bytes at once", RANDOM)]
    Random,
    /// What its WASI holds.
    #[error("it holds more than {} resources of its WASI", RESOURCES)]
    Resources,
}

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

impl Bounds {
    /// Those of a filter.
    pub(crate) fn of(settings: &FilterSettings) -> Self {
        Self {
            memory: settings.memory,
            deadline: settings.deadline,
            limits: settings.limits,
        }
    }

    /// How many bytes longer than its input an answer may be, when a line of it may have
    /// `max_output`.
    pub(crate) fn growth(&self, max_output: usize) -> usize {
        self.limits.output.max(max_output)
    }
}

impl LimitExceeded {
    /// The kind of the fault that it leads to.
    pub(crate) fn kind(self) -> FaultKind {
        match self {
            Self::Memory => FaultKind::Memory,
            Self::Table => FaultKind::Table,
            Self::Imports => FaultKind::Imports,
            Self::Output => FaultKind::Output,
            Self::HostMemory => FaultKind::HostMemory,
            Self::Random => FaultKind::Random,
            Self::Resources => FaultKind::Resources,
        }
    }
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
