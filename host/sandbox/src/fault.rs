//! Faults: why a filter's call failed, or why a line failed in it.
//!
//! In: a kind, a reason for people, and the guest's backtrace if there is one. Out: [`Fault`].
//! [`FaultKind`] is the only list of kinds; its labels are those of
//! `linemill_filter_failures_total`, of log lines, of quarantined lines and of capsules, and the
//! rows of the table in `docs/config.md`.
//! Not here: which error of wasmtime is which kind (`instance::fault`), what follows from a fault
//! (`supervise`).

use std::fmt;

use crate::backtrace::Frame;

linemill_telemetry::label_values! {
    /// The kind of a fault.
    pub enum FaultKind as "kind" {
        /// The filter failed the line itself, with a reason of its own.
        Verdict = "verdict",
        /// The filter emitted a line longer than four times `max_line`.
        Length = "length",
        /// The filter emitted a line that holds a terminator of the framing.
        Terminator = "terminator",
        /// The guest executed a trap, such as `unreachable` or an access out of bounds.
        Trap = "trap",
        /// The guest used more stack than `stack` of `[host]` allows.
        Stack = "stack",
        /// A call took more processor time than `deadline` allows.
        Deadline = "deadline",
        /// The guest asked for more linear memory than `memory` allows.
        Memory = "memory",
        /// The guest asked for more table elements than `limits.tables` allows.
        Table = "table",
        /// The guest called imports more often in one call than `limits.imports` allows.
        Imports = "imports",
        /// An answer was longer than its input by more than `limits.output` allows.
        Output = "output",
        /// The guest handed the host more at once than `limits.host_memory` allows.
        HostMemory = "host_memory",
        /// The guest asked for more than 64 KiB of random bytes at once.
        Random = "random",
        /// The guest tried to hold more WASI resources at once than the host allows.
        Resources = "resources",
        /// The component consists of more core instances, memories or tables than are allowed.
        Parts = "parts",
        /// The guest called WASI's `exit`.
        Exit = "exit",
        /// An answer broke the rules of the contract, such as spans out of order.
        Outcome = "outcome",
        /// The guest refused its settings, or a state that was handed over to it.
        Refused = "refused",
        /// The filter was not called: it kept failing on the lines of this connection.
        Breaker = "breaker",
        /// The host could not run the filter: no memory, no mapping, no slot for an instance, or a bug
        /// in the host. Not the filter's failure, so `linemill_filter_host_faults_total` counts it.
        Host = "host",
    }
}

impl FaultKind {
    /// Whether the filter has nothing to do with the fault. `on_error` then does not apply: a line that
    /// the host could not filter never passes.
    pub(crate) fn is_of_host(self) -> bool {
        self == Self::Host
    }
}

/// Why a call failed. The instance that was called is unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// The fault in words, for people.
    pub(crate) reason: String,
    /// The guest's calls at the fault, innermost first; empty if the guest was not running.
    pub(crate) backtrace: Vec<Frame>,
    /// An instance did not start: the filter had not seen any line yet.
    pub(crate) at_start: bool,
}

impl Fault {
    /// A fault that the host found while no guest was running.
    pub(crate) fn new(kind: FaultKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            backtrace: Vec::new(),
            at_start: false,
        }
    }

    /// The same fault, found while an instance started.
    pub(crate) fn at_start(self) -> Self {
        Self {
            at_start: true,
            ..self
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
