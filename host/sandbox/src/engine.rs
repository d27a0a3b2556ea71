//! The wasmtime engine and the clock that bounds guest calls.
//!
//! In: nothing. Out: one [`Engine`] a process, and a `Running` mark around every guest call.
//! Not here: compiling (`plugin`), calling (`instance`), deciding what a missed deadline means.
//!
//! The clock advances the engine's epoch each [`TICK`], but only while guests run: an idle host
//! sleeps. At each tick a running guest yields to its neighbours (see `instance`).

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, Thread};

use wasmtime::Config;

use crate::limits::meter::TICK;
use linemill_config::settings::HostSettings;
use linemill_telemetry::Shards;

pub(crate) mod slots;

/// Ticks without any guest call before the clock goes to sleep.
const QUIET: u32 = 100;

/// Stack of the host's own functions, which guests call: as much as wasmtime leaves them.
const HOST_STACK: usize = 1536 * 1024;

/// Frames kept of a guest's stack at a trap.
const FRAMES: usize = 64;

/// wasmtime's engine with its epoch clock; the clock's thread ends when this is dropped.
pub struct Engine {
    engine: wasmtime::Engine,
    stack: usize,
    clock: Arc<Clock>,
    ticker: Thread,
    thread: Option<JoinHandle<()>>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
#[error("wasmtime: {0:#}")]
pub struct NoEngine(wasmtime::Error);

#[derive(Default)]
struct Clock {
    /// Guest calls in progress, where they began.
    running: Shards<AtomicUsize>,
    /// The ticker waits to be unparked. Set before it looks at `running` for the last time, so a
    /// call that begins meanwhile either is seen or sees this.
    asleep: AtomicBool,
    stop: AtomicBool,
    /// The engine whose instances come from slots, once it has been wanted; `None` when there is none.
    slots: OnceLock<Option<wasmtime::Engine>>,
}

/// A guest call in progress; the clock ticks while one exists.
pub(crate) struct Running<'a> {
    among: &'a AtomicUsize,
}

impl Engine {
    /// Makes the engine of this process, with the usual stack.
    ///
    /// # Errors
    /// When the processor or the system lacks something wasmtime needs.
    pub fn new() -> Result<Self, NoEngine> {
        Self::with_stack(HostSettings::default().stack)
    }

    /// Makes the engine of this process. Guests have `stack` bytes of stack, each.
    ///
    /// # Errors
    /// When the processor or the system lacks something wasmtime needs.
    pub fn with_stack(stack: usize) -> Result<Self, NoEngine> {
        let mut made = Self::without_clock(stack)?;
        let thread = thread::Builder::new()
            .name("linemill-epoch".into())
            .spawn({
                let (engine, clock) = (made.engine.clone(), Arc::clone(&made.clock));
                move || clock.tick(&engine)
            })
            .map_err(|error| NoEngine(error.into()))?;
        made.ticker = thread.thread().clone();
        made.thread = Some(thread);
        Ok(made)
    }

    /// The same with an epoch that stands still: its guests yield to nobody, and nothing ends one that
    /// spins. For benches of guests that are known to end, as ticks come by time.
    ///
    /// # Errors
    /// As [`Self::with_stack`].
    #[doc(hidden)]
    pub fn without_clock(stack: usize) -> Result<Self, NoEngine> {
        Ok(Self {
            engine: wasmtime::Engine::new(&config(stack)).map_err(NoEngine)?,
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

    /// An engine like it, for filters that fail: instances from memory set aside (`slots`). It is made
    /// when it is first asked for; `None` when there is not enough address space.
    pub(crate) fn slots(&self) -> Option<&wasmtime::Engine> {
        let make = || {
            let engine = slots::engine(config(self.stack));
            engine
                .inspect_err(|error| tracing::debug!(%error, "no slots for instances"))
                .ok()
        };
        self.clock.slots.get_or_init(make).as_ref()
    }

    /// Bytes of stack that a guest has.
    pub fn stack(&self) -> usize {
        self.stack
    }

    /// Marks a guest call as running until the mark is dropped.
    pub(crate) fn running(&self) -> Running<'_> {
        let among = self.clock.running.own();
        among.fetch_add(1, Ordering::SeqCst);
        if self.clock.asleep.load(Ordering::SeqCst) {
            self.ticker.unpark();
        }
        Running { among }
    }
}

/// What guests may use: the component model, SIMD, and no proposal that filters have no need of.
fn config(stack: usize) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .wasm_threads(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
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
        running.any(|among| among.load(Ordering::SeqCst) > 0)
    }

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
        self.among.fetch_sub(1, Ordering::SeqCst);
    }
}

// === impl Engine ===

impl Drop for Engine {
    fn drop(&mut self) {
        self.clock.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The ticker cannot panic, and there is nobody left to tell.
            drop(thread.join());
        }
    }
}
