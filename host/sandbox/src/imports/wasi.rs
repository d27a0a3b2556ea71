//! A WASI 0.2 without access to anything outside, for guests whose language toolchains import WASI.
//!
//! In: calls of a guest. Out: WASI without files, folders, network, environment or arguments. Standard
//! input is at its end. Standard output and error are discarded, or go line by line to the filter's
//! log if `log` is granted too. Clocks and random bytes work.
//!
//! The engine's clock cannot interrupt a guest that waits (`poll`), because no guest code runs. This
//! module therefore implements waiting itself: it counts as time of the call, and ends at the
//! deadline.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::time::{Duration, Instant, timeout};
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime::{StoreContextMut, Trap};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult, add_to_linker_async};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, async_trait};
use wasmtime_wasi_io::bindings::wasi::io::poll::{Host as _, HostPollable as _};

use super::{HostState, ImportContext, Level};
use crate::limits::{RANDOM, RESOURCES};
use crate::verdict::REASON;

/// The interface that waits, by the name that `add_to_linker_async` links it under.
const POLL: &str = "wasi:io/poll@0.2.12";
/// Bytes that a stream accepts per write.
const WRITE: usize = 4096;

/// The WASI of one instance.
pub(crate) struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
}

/// Standard output or error, if `log` is granted.
struct Output {
    import_context: Arc<ImportContext>,
    level: Level,
    line: Arc<Mutex<Line>>,
}

/// The bytes since the last LF, at most [`REASON`] of them.
#[derive(Default)]
struct Line(Vec<u8>);

/// A guest's handle of an [`Output`].
struct Stream {
    import_context: Arc<ImportContext>,
    level: Level,
    line: Arc<Mutex<Line>>,
}

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    let mut poll = linker.instance(POLL)?;
    poll.func_wrap_async(
        "poll",
        |mut store, (list,): (Vec<Resource<DynPollable>>,)| {
            Box::new(async move {
                let (start, left) = begin_wait(&mut store);
                let ready = timeout(left, store.data_mut().ctx().table.poll(list)).await;
                end_wait(&mut store, start, ready).map(|ready| (ready,))
            })
        },
    )?;
    poll.func_wrap_async(
        "[method]pollable.block",
        |mut store, (one,): (Resource<DynPollable>,)| {
            Box::new(async move {
                let (start, left) = begin_wait(&mut store);
                let ready = timeout(left, store.data_mut().ctx().table.block(one)).await;
                end_wait(&mut store, start, ready)
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Begins a wait. Returns when it began and how long it may last.
fn begin_wait(store: &mut StoreContextMut<'_, HostState>) -> (Instant, Duration) {
    (Instant::now(), store.data_mut().meter.pause())
}

/// Ends a wait, and counts its time as time of the call. A wait that was cut off is an interrupt.
fn end_wait<T>(
    store: &mut StoreContextMut<'_, HostState>,
    start: Instant,
    ready: Result<wasmtime::Result<T>, tokio::time::error::Elapsed>,
) -> wasmtime::Result<T> {
    store.data_mut().meter.resume(start.elapsed());
    ready.unwrap_or_else(|_| Err(Trap::Interrupt.into()))
}

// === impl Wasi ===

impl Wasi {
    pub(crate) fn new(import_context: &Arc<ImportContext>) -> Self {
        let mut builder = WasiCtx::builder();
        builder.max_random_size(RANDOM.into());
        if import_context.logs {
            builder
                .stdout(Output::new(import_context, Level::Info))
                .stderr(Output::new(import_context, Level::Warn));
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        Self {
            ctx: builder.build(),
            table,
        }
    }
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.calls_wasi();
        let Wasi { ctx, table } = self.wasi();
        WasiCtxView { ctx, table }
    }
}

// === impl Output ===

impl Output {
    fn new(import_context: &Arc<ImportContext>, level: Level) -> Self {
        Self {
            import_context: Arc::clone(import_context),
            level,
            line: Arc::default(),
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    /// Part of WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Stream {
            import_context: Arc::clone(&self.import_context),
            level: self.level,
            line: Arc::clone(&self.line),
        })
    }
}

// === impl Line ===

impl Line {
    /// Adds bytes. Calls `ended` with the content of each line that they complete.
    fn add(&mut self, bytes: &[u8], mut ended: impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let content = part.strip_suffix(b"\n").unwrap_or(part);
            // The log would cut the rest anyway.
            let room = REASON - self.0.len();
            self.0.extend(&content[..content.len().min(room)]);
            if content.len() < part.len() {
                ended(&self.0);
                self.0.clear();
            }
        }
    }
}

// === impl Stream ===

#[async_trait]
impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.add(&bytes, |line| {
            self.import_context.log.write(self.level, line)
        });
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE)
    }
}

#[async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_reassembled_from_writes() {
        let (mut line, mut lines) = (Line::default(), Vec::new());
        for part in ["a", "b\nc", "\n\nd\ne", &"x".repeat(2000), "y\nz"] {
            line.add(part.as_bytes(), |line| lines.push(line.to_vec()));
        }
        let long = format!("e{}", "x".repeat(REASON - 1));
        let expected = ["ab", "c", "", "d", &long].map(|line| line.as_bytes().to_vec());
        assert_eq!(lines, expected);
        assert_eq!(line.0, b"z");
    }
}
