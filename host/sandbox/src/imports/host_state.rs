//! The data of a store: how much of its limits the instance has used, and the state of its imports.
//!
//! In: the limits, and the import context of the filter. Out: [`HostState`]. wasmtime asks it before
//! memory or tables grow; imports ask it at every call.
//! Not here: what happens when a limit is exceeded (`instance::fault`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::{Current, ImportContext, Wasi};
use crate::guest_metrics::GuestMetric;
use crate::instance::is_of_host;
use crate::limits::meter::Meter;
use crate::limits::room::Room;
use crate::limits::{Bounds, LimitExceeded, PARTS};
use crate::origin::Origin;
use crate::plugin::chain_of;
use linemill_framing::Framing;

/// The data of a store.
pub(crate) struct HostState {
    /// The instance's part of the host's memory.
    room: Room,
    /// Bytes that all linear memories together may have.
    memory_limit: usize,
    /// Bytes that all linear memories together have; at most `memory_limit`.
    memory: usize,
    /// Elements that all tables together may have.
    elements_limit: usize,
    /// Elements that all tables together have; at most `elements_limit`.
    elements: usize,
    /// Calls to imports that one call of the guest may make.
    imports_limit: u32,
    /// Core instances that it may consist of.
    core_instances: usize,
    /// The limit that was hit last since the current call began.
    pub(crate) refused: Option<LimitExceeded>,
    /// Why the system did not give the guest memory that its limits allow, in the current call.
    pub(crate) host_failed: Option<String>,
    /// The time that the current call has left.
    pub(crate) meter: Meter,
    /// Calls to imports that the current call may still make.
    imports_left: u32,
    import_context: Arc<ImportContext>,
    /// The stream of the current call; only set if the filter may know it.
    pub(super) stream: Option<Box<Current>>,
    /// The metrics that it has declared; the guest knows them by their position.
    pub(super) metrics: Vec<Arc<GuestMetric>>,
    /// `start` has returned.
    pub(crate) has_started: bool,
    /// Created at the first call of WASI. The mutex is never locked: it makes the value `Sync`, which
    /// its parts are not.
    wasi: Option<Box<Mutex<Wasi>>>,
}

impl HostState {
    pub(crate) fn new(bounds: Bounds, import_context: Arc<ImportContext>, room: Room) -> Self {
        Self {
            room,
            memory_limit: bounds.memory,
            memory: 0,
            elements_limit: bounds.limits.tables,
            elements: 0,
            imports_limit: bounds.limits.imports,
            core_instances: bounds.limits.core_instances,
            refused: None,
            host_failed: None,
            meter: Meter::default(),
            imports_left: 0,
            import_context,
            stream: None,
            metrics: Vec::new(),
            has_started: false,
            wasi: None,
        }
    }

    /// Bytes that all linear memories together have.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Bytes of the host's memory that the instance takes.
    pub(crate) fn held(&self) -> u64 {
        self.room.bytes()
    }

    /// Begins a call that may take `time`.
    pub(crate) fn begin(&mut self, time: Duration) {
        self.meter.begin(time);
        self.imports_left = self.imports_limit;
        self.refused = None;
        self.host_failed = None;
    }

    /// Sets the stream of the current call if the filter may know it, and no stream otherwise.
    pub(crate) fn tell(&mut self, stream: Option<(&Origin, Framing)>) {
        let told = stream.filter(|_| self.import_context.tells_stream);
        self.stream = told.map(|(origin, framing)| {
            Box::new(Current {
                origin: origin.clone(),
                framing,
            })
        });
    }

    /// Counts a call to an import. Each import calls this first.
    ///
    /// # Errors
    /// When the current call has made all the calls to imports that it may.
    pub(crate) fn calls_import(&mut self) -> wasmtime::Result<()> {
        match self.imports_left.checked_sub(1) {
            Some(left) => {
                self.imports_left = left;
                Ok(())
            }
            None => Err(LimitExceeded::Imports.into()),
        }
    }

    /// Counts a call to WASI. WASI's functions cannot fail here, so a call beyond the limit makes the
    /// guest's call end at the next tick.
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

impl HostState {
    /// Notes that the system refused memory. Growing beyond the maximum that the module itself declares
    /// comes here, too, and is the guest's own doing.
    fn note_failed(&mut self, error: &wasmtime::Error) {
        if is_of_host(error) {
            self.host_failed = Some(chain_of(error));
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
            self.refused = Some(LimitExceeded::Memory);
            return Ok(false);
        }
        if let Err(no_room) = self.room.grow(total, self.elements) {
            self.host_failed = Some(no_room.to_string());
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    /// The guest gets -1, as if a limit had been reached. If it fails because of that, the fault is the
    /// host's.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.note_failed(&error);
        Ok(())
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.note_failed(&error);
        Ok(())
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
        if let Err(no_room) = self.room.grow(self.memory, total) {
            self.host_failed = Some(no_room.to_string());
            return Ok(false);
        }
        self.elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.core_instances
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}
