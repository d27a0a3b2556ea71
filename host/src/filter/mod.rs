//! Filters: from a plugin file to the lines that come out of a chain.
//!
//! In the order of a filter's life: [`plugin`] compiles and checks a file, [`stage`] makes it a
//! filter with settings and instances, `instance` calls it, from one of the `slots` if it keeps
//! failing, `pool` keeps it between calls, [`verdict`] checks the answer,
//! [`imports`] are what a filter may be granted, [`chain`] leads a stream's lines through one filter
//! after another; `condition` lets lines go round a filter, [`breaker`] takes one out that keeps
//! failing, [`departed`] are those that left, `course` keeps a batch in order.

pub(crate) mod bindings;
pub mod breaker;
pub mod bundled;
pub mod cache;
pub mod capsule;
pub mod chain;
pub mod compiler;
pub mod complexity;
mod condition;
mod course;
pub mod departed;
pub mod engine;
pub mod frame;
pub mod imports;
mod instance;
mod limits;
mod meter;
pub mod plugin;
mod pool;
pub mod probe;
pub mod quarantine;
mod recover;
pub mod replay;
mod search;
mod slots;
#[cfg(test)]
mod smith_tests;
pub mod stage;
pub mod trial;
pub mod verdict;
