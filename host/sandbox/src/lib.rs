//! The sandbox: filters as WebAssembly components, from a plugin file to the output of a chain.
//!
//! In: plugin files, validated settings, and the lines of streams. Out: the lines that each chain
//! makes of them, and metrics.
//!
//! In the order of a filter's life: [`plugin`] reads, checks and compiles a file; [`filter`] is a
//! plugin with settings and its instances; `instance` calls one instance; [`verdict`] checks its
//! answer; [`supervise`] handles faults; [`chain`] runs a stream's lines through filters in order;
//! [`trial`] selects the streams that a canary or a shadow sees; [`self_test`] runs a filter's tests,
//! and [`replay`] reproduces a trap. [`engine`] configures wasmtime, `limits` limits what a guest may
//! use, and [`imports`] defines what a guest may be granted.
//!
//! Not here: sockets, the configuration file, when to reload.

pub mod backtrace;
pub(crate) mod bindings;
pub mod bundled;
pub mod chain;
mod client_network;
mod digest;
pub mod engine;
mod fault;
pub mod filter;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod guest_metrics;
pub mod imports;
mod instance;
mod limits;
pub mod metrics;
pub mod origin;
pub mod plugin;
mod private_folder;
mod refusal;
pub mod replay;
pub mod self_test;
#[cfg(test)]
mod smith_tests;
mod store;
pub mod supervise;
pub mod trial;
pub mod verdict;

pub use client_network::ClientNetwork;
pub use digest::Digest;
pub use fault::FaultKind;
pub use instance::instance_mappings;
pub use refusal::{Refusal, RefusalKind};
