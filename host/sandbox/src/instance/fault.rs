//! Classifies errors of wasmtime as faults.
//!
//! In: the error of an instantiation or a call, and the store of the instance. Out: [`Fault`], with a
//! kind for metrics, a reason for people, and the guest's backtrace.
//! Not here: the list of kinds (`crate::fault`), what follows from a fault (`supervise`).

use std::io;

use wasmtime::component::ResourceTableError;
use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Store, Trap, WasmBacktrace, WasmtimeBug};
use wasmtime_wasi::I32Exit;

use crate::backtrace;
use crate::fault::{Fault, FaultKind};
use crate::imports::{HostState, ImportTrap};
use crate::limits::LimitExceeded;
use crate::plugin::{chain_of, shortage};

/// Classifies a failed instantiation. The guest has answered nothing yet: whatever is not a trap, a
/// limit or an exit is the host's fault.
pub(super) fn of_instantiation(store: &Store<HostState>, error: &wasmtime::Error) -> Fault {
    match fault(store, error) {
        Fault {
            kind: FaultKind::Outcome,
            reason,
            ..
        } => Fault::new(FaultKind::Host, reason),
        fault => fault,
    }
}

/// Classifies a failed call.
pub(super) fn fault(store: &Store<HostState>, error: &wasmtime::Error) -> Fault {
    if let Some(reason) = &store.data().host_failed {
        return Fault::new(FaultKind::Host, reason);
    }
    if is_of_host(error) {
        let reason = chain_of(error);
        return if shortage::is_one(error) {
            Fault::new(FaultKind::Host, format!("{}: {reason}", shortage::REASON))
        } else {
            Fault::new(FaultKind::Host, reason)
        };
    }
    if let Some(exceeded) = limit_exceeded(error).or(store.data().refused) {
        return Fault {
            kind: exceeded.kind(),
            reason: exceeded.to_string(),
            backtrace: backtrace::of(error),
            at_start: false,
        };
    }
    if let Some(reason) = error.downcast_ref::<ImportTrap>() {
        return Fault {
            backtrace: backtrace::of(error),
            ..Fault::new(FaultKind::Trap, reason.to_string())
        };
    }
    let kind = match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => FaultKind::Deadline,
        Some(Trap::StackOverflow) => FaultKind::Stack,
        Some(_) => FaultKind::Trap,
        // wasmtime has no error type for this.
        None if chain_of(error).starts_with("resource limit exceeded") => FaultKind::Parts,
        None if error.is::<I32Exit>() => FaultKind::Exit,
        // What remains are answers that break the canonical ABI.
        None => FaultKind::Outcome,
    };
    let reason = match kind {
        FaultKind::Exit => "it called `exit`".into(),
        FaultKind::Deadline => "it took longer than `deadline`".into(),
        FaultKind::Stack => "it used more stack than `stack` of `[host]` allows".into(),
        // The outer error is the backtrace, which the fault holds separately.
        _ if error.is::<WasmBacktrace>() => error.root_cause().to_string(),
        _ => chain_of(error),
    };
    Fault {
        kind,
        reason,
        backtrace: backtrace::of(error),
        at_start: false,
    }
}

/// Whether the system or wasmtime failed, not the guest.
pub(crate) fn is_of_host(error: &wasmtime::Error) -> bool {
    error.is::<OutOfMemory>()
        || error.is::<PoolConcurrencyLimitError>()
        || error.is::<WasmtimeBug>()
        || error.is::<io::Error>()
        || is_system_error(error)
}

/// Whether this is the error of a system call that wasmtime made itself.
#[cfg(unix)]
fn is_system_error(error: &wasmtime::Error) -> bool {
    error.is::<rustix::io::Errno>()
}

#[cfg(not(unix))]
fn is_system_error(_: &wasmtime::Error) -> bool {
    false
}

/// The limit that the call exceeded, if that is what the error says.
fn limit_exceeded(error: &wasmtime::Error) -> Option<LimitExceeded> {
    if let Some(exceeded) = error.downcast_ref::<LimitExceeded>() {
        return Some(*exceeded);
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Some(LimitExceeded::Resources);
    }
    if error.is::<Trap>() {
        return None;
    }
    // wasmtime has no error types for these, only messages.
    let text = error.root_cause().to_string();
    if text.ends_with("fuel allocated for hostcalls has been exhausted") {
        Some(LimitExceeded::HostMemory)
    } else if text.starts_with("requested len ") {
        Some(LimitExceeded::Random)
    } else {
        None
    }
}
