//! An instance that has not been started, which describes its plugin.
//!
//! In: a plugin that exports `about`, and limits. Out: its answers as it gave them, or a fault.
//! Not here: whether a description is valid (`plugin::about`).

use std::sync::Arc;

use wasmtime::Store;

use super::{begin, fault, store};
use crate::bindings::only_about::OnlyAbout as AboutGuest;
pub(crate) use crate::bindings::only_about::exports::linemill::filter::about as wit;
use crate::engine::Engine;
use crate::fault::{Fault, FaultKind};
use crate::imports::{HostState, ImportContext};
use crate::limits::room::Room;
use crate::limits::{Bounds, LimitExceeded, START};
use crate::plugin::Linked;

/// How much an answer may take of the host's memory, in bytes: 64 KiB of texts, and their lists.
const ANSWER: usize = 72 << 10;

/// An instance that has not been started.
pub(crate) struct Unstarted {
    store: Store<HostState>,
    guest: AboutGuest,
    bounds: Bounds,
}

impl Unstarted {
    /// Instantiates a plugin; `None` if it does not describe itself.
    ///
    /// # Errors
    /// When instantiation fails.
    pub(crate) async fn new(
        engine: &Engine,
        plugin: &Linked,
        bounds: Bounds,
        import_context: &Arc<ImportContext>,
        room: Room,
    ) -> Result<Option<Self>, Fault> {
        let Some(about) = &plugin.about else {
            return Ok(None);
        };
        let mut store = store(plugin, bounds, import_context, room);
        let time = bounds.deadline.max(START);
        begin(&mut store, time, None, bounds.limits.host_memory);
        let _running = engine.running();
        let instantiated = plugin.pre.instantiate_async(&mut store).await;
        let guest = instantiated.and_then(|instance| about.load(&mut store, &instance));
        let guest = guest.map_err(|error| fault::of_instantiation(&store, &error))?;
        Ok(Some(Self {
            store,
            guest,
            bounds,
        }))
    }

    /// Asks for the description.
    ///
    /// # Errors
    /// When the guest traps, or answers too much.
    pub(crate) async fn describe(&mut self, engine: &Engine) -> Result<wit::Description, Fault> {
        let _running = engine.running();
        self.begin();
        let guest = self.guest.linemill_filter_about();
        let answer = guest.call_describe(&mut self.store).await;
        answer.map_err(|error| self.fault(&error))
    }

    /// Asks how much memory an instance needs for lines of at most `max_line` bytes.
    ///
    /// # Errors
    /// When the guest traps.
    pub(crate) async fn memory(&mut self, engine: &Engine, max_line: u32) -> Result<u64, Fault> {
        let _running = engine.running();
        self.begin();
        let guest = self.guest.linemill_filter_about();
        let answer = guest.call_memory(&mut self.store, max_line).await;
        answer.map_err(|error| self.fault(&error))
    }

    fn begin(&mut self) {
        let time = self.bounds.deadline.max(START);
        begin(&mut self.store, time, None, ANSWER);
    }

    fn fault(&self, error: &wasmtime::Error) -> Fault {
        let fault = fault(&self.store, error);
        if fault.kind == LimitExceeded::HostMemory.kind() {
            return Fault::new(
                FaultKind::Outcome,
                "its texts have more than 65536 bytes together",
            );
        }
        fault
    }
}
