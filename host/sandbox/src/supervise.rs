//! What happens when a filter fails: the lines at fault are found, the others are unaffected, and a
//! filter that keeps failing is bypassed.
//!
//! In: a batch of lines and a filter that may trap, run out of time, or answer nonsense. Out:
//! verdicts for every line. [`supervisor`] owns the loop; [`fault_search`] says which part of a
//! failed batch is tried next; [`breaker`] decides whether the filter is called at all;
//! [`quarantine`] takes lines that failed, [`capsule`] writes down how to reproduce a trap, and
//! [`replay`] does so.
//! Not here: calling an instance (`instance`), checking what it answers (`verdict`).

pub mod breaker;
pub mod capsule;
pub(crate) mod fault_search;
pub mod quarantine;
pub mod replay;
pub(crate) mod supervisor;
