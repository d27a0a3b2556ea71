//! One instance of a plugin in a store of its own: the calls.
//!
//! In: settings once, then lines. Out: outcomes as the guest gave them, or a [`Fault`], after
//! which the instance must be dropped. Calls yield to other tasks at each tick of the clock and
//! end at the filter's deadline, so that a guest that spins delays nobody by more than a tick.
//! Not here: checking outcomes (`verdict`), pooling (`stage`).

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use wasmtime::{Store, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::bindings::filter::Filter as BatchGuest;
use super::bindings::filter::exports::linemill::filter::batch::{self, Outcome};
use super::bindings::line_filter::LineFilter as LineGuest;
use super::bindings::line_filter::exports::linemill::filter::line;
use super::bindings::only_state::OnlyState as StateGuest;
use super::engine::Engine;
use super::frame::{self, Frame};
use super::imports::Reach;
use super::limits::HostState;
use super::plugin::{ABI, Exports, Plugin, chain_of};
use super::verdict::printable;
use crate::lines::Lines;

mod declared;
mod held;
mod one_by_one;
mod state;

use declared::declared;
pub(super) use state::{NotSaved, Saved};

/// CPU time of `start`, unless the filter's deadline is longer: compiling patterns takes a while.
const START: Duration = Duration::from_secs(2);

/// What the host may allocate for one outcome beyond eight times the input.
const OUTCOME: usize = 2 << 20;

/// An instance, started.
pub(super) struct Instance {
    store: Store<HostState>,
    guest: Guest,
    /// Its exports for handing state over, if it has them.
    state: Option<StateGuest>,
    /// The filter said that verdicts depend on lines before.
    pub(super) keeps_state: bool,
    _alive: Alive,
}

enum Guest {
    Batch(BatchGuest),
    Line(LineGuest),
}

/// Why a call came to nothing. The instance is unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Fault {
    /// Label for metrics.
    pub(super) kind: &'static str,
    pub(super) reason: String,
    /// Where the guest was, if it was running.
    pub(super) trace: Vec<Frame>,
}

/// What bounds an instance and its calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) memory: usize,
    pub(super) deadline: Duration,
}

/// A line that a filter held back, and the place of the route it takes.
pub(super) type HeldLine = (Vec<u8>, Option<u32>);

/// Counts an instance while it lives.
struct Alive(Gauge);

impl Instance {
    /// Instantiates a plugin and gives it its settings. Also gives the names of the routes that it
    /// declares.
    pub(super) async fn start(
        engine: &Engine,
        plugin: &Plugin,
        bounds: Bounds,
        settings: &[u8],
        reach: &Arc<Reach>,
        gauge: Gauge,
    ) -> Result<(Self, Vec<String>), Fault> {
        let state = HostState::new(bounds.memory, Arc::clone(reach));
        let mut store = Store::new(engine.wasmtime(), state);
        store.limiter(|state| state);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().meter.tick()));
        allow(&mut store, bounds.deadline.max(START));
        store.set_hostcall_fuel(OUTCOME);
        let _running = engine.running();
        let instantiated = plugin.pre.instantiate_async(&mut store).await;
        let loaded = instantiated.and_then(|instance| {
            let guest = match &plugin.world {
                Exports::Batch(exports) => Guest::Batch(exports.load(&mut store, &instance)?),
                Exports::Line(exports) => Guest::Line(exports.load(&mut store, &instance)?),
            };
            let state = plugin.state.as_ref();
            let state = state.map(|exports| exports.load(&mut store, &instance));
            Ok((guest, state.transpose()?))
        });
        let (guest, state) = loaded.map_err(|error| fault(&store, &error))?;
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
            .map_err(|reason| Fault::new("refused", printable(&reason)))?;
        let routes = declared(routes).map_err(|reason| Fault::new("outcome", reason))?;
        gauge.inc();
        let instance = Self {
            store,
            guest,
            state,
            keeps_state,
            _alive: Alive(gauge),
        };
        Ok((instance, routes))
    }

    /// Gives lines to the filter.
    pub(super) async fn process(
        &mut self,
        engine: &Engine,
        bounds: Bounds,
        input: &Lines,
        max_output: usize,
    ) -> Result<Outcome, Fault> {
        let _running = engine.running();
        allow(&mut self.store, bounds.deadline);
        self.store
            .set_hostcall_fuel(OUTCOME + 8 * input.bytes().len() + max_output);
        let called = match &self.guest {
            Guest::Batch(guest) => {
                let lines = batch::LinesParam {
                    bytes: input.bytes(),
                    spans: input.spans(),
                };
                guest
                    .linemill_filter_batch()
                    .call_process(&mut self.store, lines)
                    .await
            }
            Guest::Line(guest) => {
                one_by_one::process(
                    guest.linemill_filter_line(),
                    &mut self.store,
                    bounds.deadline,
                    input,
                )
                .await
            }
        };
        called.map_err(|error| fault(&self.store, &error))
    }

    /// How much longer than its deadline the last call ran, if it was cut there.
    pub(super) fn overrun(&self) -> Duration {
        self.store.data().meter.overrun()
    }

    /// Takes back what a filter with state still holds, as contents, with routes out of the
    /// `declared` ones; the instance is used up.
    pub(super) async fn finish(
        mut self,
        engine: &Engine,
        bounds: Bounds,
        declared: usize,
    ) -> Result<Vec<HeldLine>, Fault> {
        let _running = engine.running();
        allow(&mut self.store, bounds.deadline);
        self.store.set_hostcall_fuel(OUTCOME);
        let held = match &self.guest {
            Guest::Batch(guest) => {
                let guest = guest.linemill_filter_batch();
                let held = guest.call_finish(&mut self.store).await;
                held.map(|held| held.map(|held| held::of_batch(&held)))
            }
            Guest::Line(guest) => {
                let guest = guest.linemill_filter_line();
                let held = guest.call_finish(&mut self.store).await;
                held.map(|held| held.map(|held| Some(held::of_lines(held))))
            }
        };
        let held = held
            .map_err(|error| fault(&self.store, &error))?
            .map_err(|reason| Fault::new("verdict", printable(&reason)))?;
        held.filter(|held| {
            let routes = held.iter().filter_map(|(_, route)| *route);
            routes.into_iter().all(|route| (route as usize) < declared)
        })
        .ok_or_else(|| {
            Fault::new(
                "outcome",
                "what it held back has spans or routes out of order",
            )
        })
    }
}

/// Allows the next call `time` of the processor.
fn allow(store: &mut Store<HostState>, time: Duration) {
    store.data_mut().begin(time);
    store.set_epoch_deadline(1);
}

/// Names the kind of a failed call.
fn fault(store: &Store<HostState>, error: &wasmtime::Error) -> Fault {
    let kind = match error.downcast_ref::<wasmtime::Trap>() {
        _ if store.data().memory_refused => "memory",
        _ if store.data().table_refused => "table",
        _ if store.data().import_calls_refused => "imports",
        Some(wasmtime::Trap::Interrupt) => "deadline",
        Some(wasmtime::Trap::StackOverflow) => "stack",
        Some(_) => "trap",
        // wasmtime has no type for it.
        None if chain_of(error).starts_with("resource limit exceeded") => "parts",
        None if error.is::<I32Exit>() => "exit",
        // The host refused to go on: the outcome is too large, or not well-formed.
        None => "outcome",
    };
    let reason = match kind {
        "memory" => "it asked for more memory than `memory` allows".into(),
        "table" => "it asked for more table elements than a filter may have".into(),
        "imports" => "it called imports too often in one call".into(),
        "exit" => "it called `exit`".into(),
        "deadline" => "it took longer than `deadline`".into(),
        // Where it was stands apart.
        _ if error.is::<WasmBacktrace>() => error.root_cause().to_string(),
        _ => chain_of(error),
    };
    Fault {
        kind,
        reason,
        trace: frame::of(error),
    }
}

// === impl Fault ===

impl Fault {
    /// One that the host sees when no guest runs.
    pub(super) fn new(kind: &'static str, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            trace: Vec::new(),
        }
    }
}

// === impl Alive ===

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.dec();
    }
}
