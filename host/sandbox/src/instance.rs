//! An instance of a plugin in its own store, and the calls into it.
//!
//! In: settings once, then lines. Out: outcomes as the guest returned them, or a [`Fault`], after
//! which the instance must be dropped. A call yields to other tasks at each tick of the clock, and
//! ends at the filter's deadline, so a guest that spins delays other streams by at most a tick.
//! `about` asks an instance that has not started to describe its plugin, `state` saves and restores state,
//! `timer` calls it at times, `one_by_one` calls the per-line world, `declared`
//! checks the routes of a filter, and `fault` classifies wasmtime's errors.
//! Not here: checking outcomes (`verdict`), pooling (`filter::pool`).

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use wasmtime::{PoolConcurrencyLimitError, Store};

use crate::bindings::filter::Filter as BatchGuest;
use crate::bindings::filter::exports::linemill::filter::batch::{self, Held, LinesResult, Outcome};
use crate::bindings::line_filter::LineFilter as LineGuest;
use crate::bindings::line_filter::exports::linemill::filter::line;
use crate::bindings::only_state::OnlyState as StateGuest;
use crate::bindings::only_timer::OnlyTimer as TimerGuest;
use crate::engine::{Engine, MAPPINGS_PER_MEMORY, mappings_per_stack};
use crate::fault::{Fault, FaultKind};
use crate::imports::HostState;
use crate::imports::ImportContext;
use crate::limits::room::Room;
use crate::limits::{Bounds, LimitExceeded};
use crate::origin::Origin;
use crate::plugin::{ABI, Exports, Linked};
use crate::verdict::Rules;
use linemill_budget::NoRoom;
use linemill_config::printable;
use linemill_framing::{Framing, Lines};

mod about;
mod declared;
mod fault;
mod one_by_one;
mod state;
mod timer;

pub(crate) use about::{Unstarted, wit};
use declared::declared;
use fault::fault;
pub(crate) use fault::is_of_host;
pub(crate) use state::{NotSaved, Saved};
use timer::Ticks;

/// What an instance starts with.
pub(crate) struct Start<'a> {
    pub(crate) bounds: Bounds,
    /// Processor time of `start`.
    pub(crate) time: Duration,
    /// The settings, as the guest gets them.
    pub(crate) settings: &'a [u8],
    pub(crate) import_context: &'a Arc<ImportContext>,
    /// Counts the instance while it exists.
    pub(crate) gauge: Gauge,
    /// What the instance takes of the host's memory.
    pub(crate) room: Room,
}

/// How many memory mappings count for an instance that a connection has of its own, if it has one linear
/// memory.
pub fn instance_mappings() -> u64 {
    MAPPINGS_PER_MEMORY + mappings_per_stack()
}

/// An instance that has started.
pub(crate) struct Instance {
    store: Store<HostState>,
    guest: Guest,
    /// The exports for handing over state, if the guest has them.
    state: Option<StateGuest>,
    /// The export for calls at times, if the guest has it.
    timer: Option<TimerGuest>,
    ticks: Ticks,
    /// The filter declared that its verdicts depend on earlier lines.
    pub(crate) keeps_state: bool,
    /// The host could not make the last call. Whether the guest had begun is not known, so the next fault
    /// may follow from that.
    pub(crate) failed_by_host: bool,
    /// Calls of `process` so far.
    pub(crate) calls: u64,
    /// The number of calls before which it does not retire.
    pub(crate) stays_until: u64,
    _alive: Alive,
}

/// Why an instance was not started.
pub(crate) enum NotStarted {
    /// All slots are taken. The instance can be started outside slots.
    NoSlot,
    /// The guest failed, or refused its settings.
    Fault(Fault),
}

enum Guest {
    Batch(BatchGuest),
    Line(LineGuest),
}

/// Counts an instance in a gauge until dropped.
struct Alive(Gauge);

impl Instance {
    /// Instantiates a plugin and passes it its settings. Also returns the names of the routes that it
    /// declares.
    ///
    /// # Errors
    /// [`NotStarted::NoSlot`] if `plugin` is linked for the engine with slots and all are taken.
    /// [`NotStarted::Fault`] if instantiation or `start` fails, if the guest refuses its settings, or
    /// if the routes it declares are invalid.
    pub(crate) async fn start(
        engine: &Engine,
        plugin: &Linked,
        start: Start<'_>,
    ) -> Result<(Self, Vec<String>), NotStarted> {
        let Start {
            bounds,
            time,
            settings,
            import_context,
            gauge,
            room,
        } = start;
        let mut store = store(plugin, bounds, import_context, room);
        begin(&mut store, time, None, bounds.limits.host_memory);
        let _running = engine.running();
        let instantiated = plugin.pre.instantiate_async(&mut store).await;
        let loaded = instantiated.and_then(|instance| {
            let guest = match &plugin.world {
                Exports::Batch(exports) => Guest::Batch(exports.load(&mut store, &instance)?),
                Exports::Line(exports) => Guest::Line(exports.load(&mut store, &instance)?),
            };
            let state = plugin
                .state
                .as_ref()
                .map(|exports| exports.load(&mut store, &instance))
                .transpose()?;
            let timer = plugin
                .timer
                .as_ref()
                .map(|exports| exports.load(&mut store, &instance))
                .transpose()?;
            Ok((guest, state, timer))
        });
        let (guest, state, timer) = loaded.map_err(|error| {
            if error.is::<PoolConcurrencyLimitError>() {
                NotStarted::NoSlot
            } else {
                NotStarted::Fault(fault::of_instantiation(&store, &error))
            }
        })?;
        let started = match &guest {
            Guest::Batch(guest) => {
                let guest = guest.linemill_filter_batch();
                let started = guest.call_start(&mut store, settings, ABI).await;
                started.map(|started| {
                    started.map(|started| {
                        let keeps_state = started.traits.contains(batch::Traits::KEEPS_STATE);
                        (keeps_state, started.routes)
                    })
                })
            }
            Guest::Line(guest) => {
                let guest = guest.linemill_filter_line();
                let started = guest.call_start(&mut store, settings, ABI).await;
                started.map(|started| {
                    started.map(|started| {
                        let keeps_state = started.traits.contains(line::Traits::KEEPS_STATE);
                        (keeps_state, started.routes)
                    })
                })
            }
        };
        let (keeps_state, routes) = started
            .map_err(|error| fault(&store, &error))?
            .map_err(|reason| Fault::new(FaultKind::Refused, printable(&reason)))?;
        let routes = declared(routes).map_err(|reason| Fault::new(FaultKind::Outcome, reason))?;
        store.data_mut().has_started = true;
        gauge.inc();
        let instance = Self {
            store,
            guest,
            state,
            timer,
            ticks: Ticks::default(),
            keeps_state,
            failed_by_host: false,
            calls: 0,
            stays_until: 0,
            _alive: Alive(gauge),
        };
        Ok((instance, routes))
    }

    /// Calls the filter with lines of a stream. `rules` are those for its output.
    ///
    /// # Errors
    /// When the guest traps or exceeds a limit. The instance must then be dropped.
    pub(crate) async fn process(
        &mut self,
        engine: &Engine,
        bounds: Bounds,
        input: &Lines,
        (rules, origin): (Rules, &Origin),
    ) -> Result<Outcome, Fault> {
        let _running = engine.running();
        self.calls += 1;
        let growth = bounds.growth(rules.max_output);
        // A valid answer may have eight bytes of numbers per byte of input, since lines can be empty.
        let answer = growth.saturating_add(8 * input.bytes().len());
        let copied = bounds.limits.host_memory.saturating_add(answer);
        let stream = Some((origin, rules.framing));
        begin(&mut self.store, bounds.deadline, stream, copied);
        let limit = growth.saturating_add(input.bytes().len() + input.len());
        let called = match &self.guest {
            Guest::Batch(guest) => {
                let lines = batch::LinesParam {
                    bytes: input.bytes(),
                    spans: input.spans(),
                };
                let guest = guest.linemill_filter_batch();
                let called = guest.call_process(&mut self.store, lines).await;
                called.and_then(|outcome| within(limit, &outcome.output).map(|()| outcome))
            }
            Guest::Line(guest) => {
                let guest = guest.linemill_filter_line();
                one_by_one::process(guest, &mut self.store, bounds.deadline, input, limit).await
            }
        };
        called.map_err(|error| fault(&self.store, &error))
    }

    /// Bytes of its linear memory.
    pub(crate) fn memory(&self) -> u64 {
        self.store.data().memory() as u64
    }

    /// Bytes of the host's memory that the instance takes.
    pub(crate) fn held(&self) -> u64 {
        self.store.data().held()
    }

    /// How much longer than its deadline the last call ran; zero unless it was interrupted.
    pub(crate) fn overrun(&self) -> Duration {
        self.store.data().meter.overrun()
    }

    /// Ends the stream of a filter with state, and returns the lines that it held back.
    ///
    /// # Errors
    /// When the guest traps, exceeds a limit or fails by its own word.
    pub(crate) async fn finish(
        &mut self,
        engine: &Engine,
        bounds: Bounds,
        (rules, origin): (Rules, &Origin),
    ) -> Result<Held, Fault> {
        let _running = engine.running();
        let limit = bounds.growth(rules.max_output);
        let copied = bounds.limits.host_memory.max(limit);
        let stream = Some((origin, rules.framing));
        begin(&mut self.store, bounds.deadline, stream, copied);
        let called = match &self.guest {
            Guest::Batch(guest) => {
                let guest = guest.linemill_filter_batch();
                let held = guest.call_finish(&mut self.store).await;
                held.and_then(|held| match held {
                    Ok(held) => within(limit, &held.output).map(|()| Ok(held)),
                    Err(reason) => Ok(Err(reason)),
                })
            }
            Guest::Line(guest) => {
                let guest = guest.linemill_filter_line();
                let held = guest.call_finish(&mut self.store).await;
                held.and_then(|held| match held {
                    Ok(held) => one_by_one::held(&held, limit).map(Ok),
                    Err(reason) => Ok(Err(reason)),
                })
            }
        };
        called
            .map_err(|error| fault(&self.store, &error))?
            .map_err(|reason| Fault::new(FaultKind::Verdict, printable(&reason)))
    }
}

/// Checks that an answer has at most `limit` bytes, where each line counts as one byte more.
fn within(limit: usize, output: &LinesResult) -> wasmtime::Result<()> {
    if output.bytes.len() + output.spans.len() / 2 > limit {
        Err(LimitExceeded::Output.into())
    } else {
        Ok(())
    }
}

/// The store of a new instance.
fn store(
    plugin: &Linked,
    bounds: Bounds,
    import_context: &Arc<ImportContext>,
    room: Room,
) -> Store<HostState> {
    let state = HostState::new(bounds, Arc::clone(import_context), room);
    let mut store = Store::new(plugin.pre.engine(), state);
    store.limiter(|state| state);
    store.epoch_deadline_callback(|mut store| Ok(store.data_mut().meter.tick()));
    store
}

/// Begins a call about `stream`, if it is about one. It may take `time` of processor time, and its answers
/// may have `copied` bytes.
fn begin(
    store: &mut Store<HostState>,
    time: Duration,
    stream: Option<(&Origin, Framing)>,
    copied: usize,
) {
    allow(store, time);
    store.data_mut().tell(stream);
    store.set_hostcall_fuel(copied);
}

/// Allows the next call `time` of processor time.
fn allow(store: &mut Store<HostState>, time: Duration) {
    store.data_mut().begin(time);
    store.set_epoch_deadline(1);
}

// === impl NotStarted ===

impl NotStarted {
    /// The fault that kept the instance from starting. [`Self::NoSlot`] becomes a fault too.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::NoSlot => Fault::new(FaultKind::Host, "all slots for instances are taken"),
        }
    }
}

impl From<NoRoom> for NotStarted {
    fn from(no_room: NoRoom) -> Self {
        Self::Fault(Fault::new(FaultKind::Host, no_room.to_string()))
    }
}

impl From<Fault> for NotStarted {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

// === impl Alive ===

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.dec();
    }
}
