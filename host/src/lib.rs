//! The linemill host: its parts, for the binary and for benches.
//!
//! `stream` is the data plane and `control` the control plane. They never import each other; they
//! meet in `generation`, of which the one publishes a new one and the others follow.

pub mod app;
pub mod bind;
pub mod control;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod generation;
mod rate;
pub mod stream;
pub mod telemetry;
pub mod tls;
