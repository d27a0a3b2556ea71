//! Faults: why a filter's call failed, or why a line failed in it.
//!
//! In: a kind, a reason for people, and the guest's backtrace if there is one. Out: [`Fault`].
//! [`FaultKind`] is the only list of kinds there is: its labels are those of
//! `linemill_filter_failures_total`, of log lines, of quarantined lines and of capsules, and the
//! rows of the table in `docs/config.md`.
//! Not here: which error of wasmtime is which kind (`instance::fault`), what follows from a fault
//! (`supervise`).

use std::fmt;

use crate::instance::backtrace::Frame;

/// Declares [`FaultKind`]: each variant with its label and its meaning, once.
macro_rules! fault_kinds {
    ($($variant:ident $label:literal $meaning:literal)*) => {
        /// What kind of fault it was.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FaultKind {
            $(#[doc = $meaning] $variant,)*
        }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The label in metrics, logs, quarantine and capsules.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// What it means, as the documentation has it.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

fault_kinds! {
    Verdict "verdict" "The filter failed the line itself, with a reason of its own."
    Length "length" "The filter emitted a line longer than four times `max_line`."
    Terminator "terminator" "The filter emitted a line that holds a terminator of the framing."
    Trap "trap" "The guest executed a trap, such as `unreachable` or an access out of bounds."
    Stack "stack" "The guest used more stack than `stack` of `[host]` allows."
    Deadline "deadline" "A call took more processor time than `deadline` allows."
    Memory "memory" "The guest asked for more linear memory than `memory` allows."
    Table "table" "The guest asked for more table elements than `limits.tables` allows."
    Imports "imports" "The guest called imports more often in one call than `limits.imports` allows."
    Output "output" "An answer was longer than its input by more than `limits.output` allows."
    HostMemory "host_memory" "The guest handed the host more at once than `limits.host_memory` allows."
    Random "random" "The guest asked for more than 64 KiB of random bytes at once."
    Resources "resources" "The guest held more WASI resources than the host keeps for it."
    Parts "parts" "The component consists of more core instances, memories or tables than are allowed."
    Exit "exit" "The guest called WASI's `exit`."
    Outcome "outcome" "An answer broke the rules of the contract, such as spans out of order."
    Refused "refused" "The guest refused its settings, or a state that was handed over to it."
    Breaker "breaker" "The filter's circuit breaker was open: it was not called."
}

/// Why a call failed. The instance that was called is unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// What happened, for people.
    pub(crate) reason: String,
    /// Where the guest was, innermost frame first; empty when none was running.
    pub(crate) backtrace: Vec<Frame>,
}

impl Fault {
    /// A fault that the host notices while no guest runs.
    pub(crate) fn new(kind: FaultKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            backtrace: Vec::new(),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
