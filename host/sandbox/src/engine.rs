//! The wasmtime engine, and the clock that limits how long guests run.
//!
//! In: the size of a guest's stack. Out: one [`Engine`] per process, and a `Running` guard for every
//! guest call.
//! Not here: compiling (`plugin`), calling (`instance`), what happens at a deadline (`limits::meter`).
//!
//! The clock advances the engine's epoch each `TICK`, but only while guests run, so an idle host
//! does not wake up. At each tick a running guest yields to other tasks (see `limits::meter`).

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, Thread};

use wasmparser::WasmFeatures;
use wasmtime::Config;

use crate::limits::meter::TICK;
use crate::limits::starts::Starts;
use crate::plugin::proposals::ALLOWED;
use linemill_budget::Budget;
use linemill_config::settings::HostSettings;
use linemill_telemetry::Shards;

pub(crate) mod slots;
#[cfg(target_os = "linux")]
mod stacks;

/// Memory mappings of one linear memory of an instance: what is accessible, and the guard regions around
/// it, which neighbours share. One more, because neighbours come and go.
pub const MAPPINGS_PER_MEMORY: u64 = 3;

/// Memory mappings of the stack of an instance.
pub(crate) fn mappings_per_stack() -> u64 {
    static COUNT: OnceLock<u64> = OnceLock::new();
    #[cfg(target_os = "linux")]
    let count = stacks::Stacks::mappings;
    #[cfg(not(target_os = "linux"))]
    let count = || 2;
    *COUNT.get_or_init(count)
}

/// Ticks without a guest call after which the clock sleeps.
const QUIET: u32 = 100;

/// Stack for host functions that guests call, in bytes: as much as wasmtime's defaults leave.
const HOST_STACK: usize = 1536 * 1024;

/// How many frames of a guest's stack a backtrace keeps.
const FRAMES: usize = 64;

/// wasmtime's engine with its epoch clock. Dropping it ends the clock's thread.
pub struct Engine {
    engine: wasmtime::Engine,
    /// The memory of the host, of which instances and compiled plugins take parts.
    budget: Arc<Budget>,
    /// Limits how many instances start at a time.
    starts: Starts,
    /// Stack of a guest, in bytes.
    stack: usize,
    clock: Arc<Clock>,
    /// The clock's thread, to wake it.
    ticker: Thread,
    /// The same thread, to join it; `None` without a clock.
    thread: Option<JoinHandle<()>>,
}

/// wasmtime could not create an engine.
#[derive(Debug, thiserror::Error)]
#[error("wasmtime: {0:#}")]
pub struct NoEngine(wasmtime::Error);

#[derive(Default)]
struct Clock {
    /// Guest calls in progress, counted in the shard where each began.
    running: Shards<AtomicUsize>,
    /// The clock's thread is parked, or about to park. Set before the thread reads `running` for the
    /// last time, so either the thread sees a call that begins now, or the call sees this flag.
    asleep: AtomicBool,
    /// The clock's thread must end.
    stop: AtomicBool,
    /// The engine with slots. Set at first use; `None` inside if it could not be created.
    slots: OnceLock<Option<wasmtime::Engine>>,
}

/// Guard of a guest call in progress. The clock ticks while one exists.
pub(crate) struct Running<'a> {
    count: &'a AtomicUsize,
}

impl Engine {
    /// Creates the engine of this process, with the default stack size.
    ///
    /// # Errors
    /// When the processor or the system lacks something that wasmtime needs.
    pub fn new() -> Result<Self, NoEngine> {
        Self::with_stack(HostSettings::default().stack)
    }

    /// Creates the engine of this process. Each guest has `stack` bytes of stack.
    ///
    /// # Errors
    /// When the processor or the system lacks something that wasmtime needs.
    pub fn with_stack(stack: usize) -> Result<Self, NoEngine> {
        Self::within(stack, Budget::unlimited())
    }

    /// Creates the engine of this process, whose instances and compiled plugins have their memory from
    /// `budget`. Each guest has `stack` bytes of stack.
    ///
    /// # Errors
    /// When the processor or the system lacks something that wasmtime needs.
    pub fn within(stack: usize, budget: Arc<Budget>) -> Result<Self, NoEngine> {
        let mut engine = Self::without_clock(stack)?;
        let thread = thread::Builder::new()
            .name("linemill-epoch".into())
            .spawn({
                let (wasmtime, clock) = (engine.engine.clone(), Arc::clone(&engine.clock));
                move || clock.tick(&wasmtime)
            })
            .map_err(|error| NoEngine(error.into()))?;
        engine.budget = budget;
        engine.ticker = thread.thread().clone();
        engine.thread = Some(thread);
        Ok(engine)
    }

    /// Creates an engine whose epoch never advances: guests do not yield, and one that spins never
    /// ends. For benchmarks of guests that are known to end: ticks depend on time, so they would make
    /// the number of instructions vary.
    ///
    /// # Errors
    /// See [`Self::with_stack`].
    #[doc(hidden)]
    pub fn without_clock(stack: usize) -> Result<Self, NoEngine> {
        Ok(Self {
            engine: wasmtime::Engine::new(&on_demand(stack)).map_err(NoEngine)?,
            budget: Budget::unlimited(),
            starts: Starts::default(),
            stack,
            clock: Arc::default(),
            ticker: thread::current(),
            thread: None,
        })
    }

    /// wasmtime's own engine.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// The engine with slots, for filters that fail (see `slots`). Created at the first call; `None` if
    /// there is not enough address space.
    pub(crate) fn slots(&self) -> Option<&wasmtime::Engine> {
        let make = || {
            let engine = slots::engine(config(self.stack));
            engine
                .inspect_err(|error| tracing::debug!(%error, "no slots for instances"))
                .ok()
        };
        self.clock.slots.get_or_init(make).as_ref()
    }

    /// The memory of the host.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Turns at starting instances.
    pub(crate) fn starts(&self) -> &Starts {
        &self.starts
    }

    /// The stack of a guest, in bytes.
    pub fn stack(&self) -> usize {
        self.stack
    }

    /// Counts a guest call as running until the guard is dropped.
    pub(crate) fn running(&self) -> Running<'_> {
        let count = self.clock.running.own();
        count.fetch_add(1, Ordering::SeqCst);
        if self.clock.asleep.load(Ordering::SeqCst) {
            self.ticker.unpark();
        }
        Running { count }
    }
}

/// The configuration of the main engine. Stacks share mappings.
fn on_demand(stack: usize) -> Config {
    let mut config = config(stack);
    #[cfg(target_os = "linux")]
    config.with_host_stack(Arc::new(stacks::Stacks::default()));
    config
}

/// wasmtime's configuration. Guests may use what `plugin::proposals` allows.
fn config(stack: usize) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .wasm_features(ALLOWED, true)
        .wasm_features(WasmFeatures::all().difference(ALLOWED), false)
        // A memory that shares its first pages with others needs two more mappings.
        .memory_init_cow(false)
        .max_wasm_stack(stack)
        .async_stack_size(stack.saturating_add(HOST_STACK))
        .wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES));
    config
}

// === impl Clock ===

impl Clock {
    /// Whether a guest call is in progress.
    fn runs(&self) -> bool {
        let mut running = self.running.all();
        running.any(|count| count.load(Ordering::SeqCst) > 0)
    }

    /// The loop of the clock's thread.
    fn tick(&self, engine: &wasmtime::Engine) {
        let mut quiet = 0;
        while !self.stop.load(Ordering::SeqCst) {
            if self.runs() {
                quiet = 0;
            } else if quiet < QUIET {
                quiet += 1;
            } else {
                self.asleep.store(true, Ordering::SeqCst);
                if !self.runs() && !self.stop.load(Ordering::SeqCst) {
                    thread::park();
                }
                self.asleep.store(false, Ordering::SeqCst);
                quiet = 0;
            }
            thread::sleep(TICK);
            engine.increment_epoch();
            if let Some(Some(slots)) = self.slots.get() {
                slots.increment_epoch();
            }
        }
    }
}

// === impl Running ===

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }
}

// === impl Engine ===

impl Drop for Engine {
    fn drop(&mut self) {
        self.clock.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The clock's thread cannot panic, and no caller is left to report a panic to.
            drop(thread.join());
        }
    }
}
