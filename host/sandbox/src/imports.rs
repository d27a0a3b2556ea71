//! The imports that a filter can be granted: `log`, `clock`, `random`, `stream`, `store` and `metrics` of
//! `wit/`, and a WASI without access to anything outside. `last-words` needs no grant.
//!
//! In: what the configuration grants ([`Grants`]), and what a component requires
//! ([`RequiredImports`]). Out: a linker that has the required imports and no others, and
//! `ImportContext`, which the imports of all instances of a filter share.
//! Not here: what a component imports (`plugin::component_info`), the values of limits (`limits`).

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use wasmtime::component::{Linker, WasmList};
use wasmtime_wasi::{Rng as _, thread_rng};

use crate::guest_metrics::DeclaredMetrics;
use crate::limits::{LimitExceeded, RANDOM};
use crate::metrics::FilterFamilies;
use crate::store::Store;
use linemill_budget::Budget;
use linemill_config::settings::StoreLimits;

mod grants;
mod host_state;
mod last_words;
mod log;
mod metrics;
mod store;
mod stream;
mod wasi;

pub use grants::{Grants, RequiredImports};
pub(crate) use host_state::HostState;
use log::{Level, Log};
pub(crate) use stream::Current;
use wasi::Wasi;

/// The zero of `clock.monotonic`.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time of `clock.monotonic`, in nanoseconds.
pub(crate) fn now() -> u64 {
    BEGINNING.elapsed().as_nanos() as u64
}

/// The same time on the clock of the system.
pub(crate) fn instant(time: u64) -> Instant {
    *BEGINNING + Duration::from_nanos(time)
}

/// An import has ended the guest's call by a trap, for this reason. It is printable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ImportTrap(String);

/// State that the imports of all instances of one filter share.
pub(crate) struct ImportContext {
    log: Log,
    /// `log` is granted, so standard output and error of WASI go to the log.
    logs: bool,
    /// `stream` is granted, so calls tell whose lines they are.
    pub(crate) tells_stream: bool,
    /// Only if it is granted.
    store: Option<SharedStore>,
    metrics: DeclaredMetrics,
}

/// The store of a filter, and its limits.
struct SharedStore {
    store: Arc<Store>,
    limits: StoreLimits,
}

impl ImportContext {
    /// The context of the filter `name` with these grants, which may log `log_lines` lines per second.
    /// `None`: the filter logs nothing, as when a configuration is only checked. What it shares with other
    /// versions is in `families`.
    pub(crate) fn new(
        name: &str,
        grants: Grants,
        log_lines: Option<u32>,
        families: &FilterFamilies,
        store: (StoreLimits, &Arc<Budget>),
    ) -> Self {
        let (limits, budget) = store;
        let store = grants.has(Grants::STORE).then(|| SharedStore {
            store: families.store(name, budget),
            limits,
        });
        Self {
            log: Log::new(name, log_lines, families.of(name).log_dropped.clone()),
            store,
            metrics: families.guest_metrics(name),
            logs: grants.has(Grants::LOG),
            tells_stream: grants.has(Grants::STREAM),
        }
    }
}

/// A linker with the imports in `grants`, and no others.
pub(crate) fn linker(
    engine: &wasmtime::Engine,
    grants: Grants,
) -> wasmtime::Result<Linker<HostState>> {
    let mut linker = Linker::<HostState>::new(engine);
    last_words::link(&mut linker)?;
    if grants.has(Grants::LOG) {
        let mut log = linker.instance("linemill:filter/log@0.1.0")?;
        log.func_wrap(
            "write",
            |mut store, (level, text): (Level, WasmList<u8>)| {
                store.data_mut().calls_import()?;
                let text = text.as_le_slice(&store);
                store.data().import_context().log.write(level, text);
                Ok(())
            },
        )?;
    }
    if grants.has(Grants::CLOCK) {
        let mut clock = linker.instance("linemill:filter/clock@0.1.0")?;
        clock.func_wrap("wall", |mut store, ()| {
            store.data_mut().calls_import()?;
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            Ok((since.map_or(0, |since| since.as_nanos() as u64),))
        })?;
        clock.func_wrap("monotonic", |mut store, ()| {
            store.data_mut().calls_import()?;
            Ok((now(),))
        })?;
    }
    if grants.has(Grants::RANDOM) {
        let mut random = linker.instance("linemill:filter/random@0.1.0")?;
        random.func_wrap("bytes", |mut store, (count,): (u32,)| {
            store.data_mut().calls_import()?;
            if count > RANDOM {
                return Err(LimitExceeded::Random.into());
            }
            let mut bytes = vec![0; count as usize];
            thread_rng().fill_bytes(&mut bytes);
            Ok((bytes,))
        })?;
    }
    if grants.has(Grants::STREAM) {
        stream::link(&mut linker)?;
    }
    if grants.has(Grants::STORE) {
        store::link(&mut linker)?;
    }
    if grants.has(Grants::METRICS) {
        metrics::link(&mut linker)?;
    }
    if grants.has(Grants::WASI) {
        wasi::link(&mut linker)?;
    }
    Ok(linker)
}
