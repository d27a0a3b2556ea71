//! Why a call of a guest came to nothing.
//!
//! In: an error of wasmtime, and the store of the instance. Out: [`Fault`], with a kind for metrics
//! and a reason for people. Not here: what follows (`recover`).

use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::instance::backtrace::{self, Frame};
use crate::limits::{HostState, LimitExceeded};
use crate::plugin::chain_of;

/// The kind of a start that found no slot. It is made without one, and nobody sees this.
pub(crate) const NO_SLOT: &str = "slot";

/// Why a call came to nothing. The instance is unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Fault {
    /// Label for metrics.
    pub(crate) kind: &'static str,
    pub(crate) reason: String,
    /// Where the guest was, if it was running.
    pub(crate) trace: Vec<Frame>,
}

/// Names the kind of a failed call.
pub(super) fn fault(store: &Store<HostState>, error: &wasmtime::Error) -> Fault {
    let beyond = beyond(error).or(store.data().refused);
    let kind = match (beyond, error.downcast_ref::<Trap>()) {
        (Some(beyond), _) => beyond.kind(),
        (None, Some(Trap::Interrupt)) => "deadline",
        (None, Some(Trap::StackOverflow)) => "stack",
        (None, Some(_)) => "trap",
        // wasmtime has no type for it.
        (None, None) if chain_of(error).starts_with("resource limit exceeded") => "parts",
        (None, None) if error.is::<I32Exit>() => "exit",
        (None, None) if error.is::<PoolConcurrencyLimitError>() => NO_SLOT,
        // The answer is not well-formed.
        (None, None) => "outcome",
    };
    let reason = match (beyond, kind) {
        (Some(beyond), _) => beyond.to_string(),
        (None, "exit") => "it called `exit`".into(),
        (None, "deadline") => "it took longer than `deadline`".into(),
        (None, "stack") => "it took more stack than `stack` of `[host]` allows".into(),
        // Where it was stands apart.
        _ if error.is::<WasmBacktrace>() => error.root_cause().to_string(),
        _ => chain_of(error),
    };
    Fault {
        kind,
        reason,
        trace: backtrace::of(error),
    }
}

/// The limit that this error is about, if it is about one of [`LimitExceeded`].
fn beyond(error: &wasmtime::Error) -> Option<LimitExceeded> {
    if let Some(beyond) = error.downcast_ref::<LimitExceeded>() {
        return Some(*beyond);
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Some(LimitExceeded::Resources);
    }
    if error.is::<Trap>() {
        return None;
    }
    // wasmtime has words for these, and no type.
    let text = error.root_cause().to_string();
    match () {
        () if text.ends_with("fuel allocated for hostcalls has been exhausted") => {
            Some(LimitExceeded::HostMemory)
        }
        () if text.starts_with("requested len ") => Some(LimitExceeded::Random),
        () => None,
    }
}

// === impl Fault ===

impl Fault {
    /// One that the host sees when no guest runs.
    pub(crate) fn new(kind: &'static str, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            trace: Vec::new(),
        }
    }
}
