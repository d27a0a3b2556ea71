//! The linemill host as a library, for the `linemill` binary, its benches and its fuzz targets.
//!
//! The data plane is `listeners` → `connections` → `sinks`, each using only those after it. The
//! control plane is [`control`]. The two never import each other: they meet in [`generation`], which
//! holds what the control plane publishes and what it may ask of the data plane. [`net`], `rate`,
//! [`memory`], [`panics`] and [`log`] are below both, and [`app`] wires everything. [`settings_table`]
//! belongs to verbs.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod app;
mod columns;
pub mod complaints;
pub mod connections;
pub mod control;
pub mod file_size_limit;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod generation;
pub mod listeners;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod net;
pub mod panics;
mod rate;
pub mod settings_table;
pub mod sinks;
pub mod top;
pub mod version;
