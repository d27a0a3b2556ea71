//! Supervision of filters: when a filter fails, the lines at fault are found and the others are
//! unaffected. A filter that keeps failing on a stream's lines is bypassed by this stream.
//!
//! In: a batch of lines and a filter that may trap, run out of time, or give an invalid answer. Out:
//! verdicts on every line. `supervisor` owns the loop and decides; `fault_search` says which part of
//! a failed batch is called next; [`breaker`] decides whether the filter is called at all;
//! `suspect_mode` makes the parts small after a fault; `host_wait` repeats calls that the host could not
//! make; [`accounting`] counts and logs. [`quarantine`]
//! takes lines that failed, [`capsule`] records how to reproduce a trap.
//! Not here: calling an instance (`instance`), checking what it answers (`verdict`).

pub mod accounting;
pub mod breaker;
pub mod capsule;
pub(crate) mod fault_search;
pub(crate) mod host_wait;
pub mod quarantine;
pub(crate) mod supervisor;
mod suspect_mode;
