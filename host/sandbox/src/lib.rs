//! Filters: WebAssembly components, from a plugin file to the lines that come out of a chain.
//!
//! In the order of a filter's life: [`plugin`] reads, checks and compiles a file; [`filter`] is a
//! plugin with settings and its instances; `instance` calls one; [`verdict`] checks its answer;
//! [`supervise`] deals with faults; [`chain`] leads a stream's lines through one filter after
//! another; [`trial`] lets a canary or a shadow see some of them. [`engine`] is wasmtime, set up;
//! `limits` bounds what a guest may use; [`imports`] are what it may be granted.
//!
//! Not here: sockets, the configuration file, when to reload.

pub mod backtrace;
pub(crate) mod bindings;
pub mod bundled;
pub mod chain;
mod digest;
pub mod engine;
mod fault;
pub mod filter;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod imports;
mod instance;
mod limits;
pub mod metrics;
pub mod plugin;
mod refusal;
pub mod replay;
pub mod self_test;
#[cfg(test)]
mod smith_tests;
pub mod supervise;
pub mod trial;
pub mod verdict;

pub use digest::Digest;
pub use fault::FaultKind;
pub use refusal::{Refusal, RefusalKind};
