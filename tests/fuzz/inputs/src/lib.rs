//! Inputs of fuzz targets.
//!
//! In: bytes. Out: the choices that they encode ([`Choices`]), mutated copies of them ([`changed`],
//! [`spliced`]), and runs of a target on its corpus ([`holds`]). A target is a function
//! `fn run(input: &[u8])` in the module `fuzz` of the crate it tests. It panics when a property does
//! not hold. libFuzzer runs the same functions (`cargo xtask fuzz`).
//! Not here: the targets, and filters with random code (`smith`).

mod changes;
mod choices;
mod corpus;

pub use changes::{Numbers, changed, spliced};
pub use choices::Choices;
pub use corpus::holds;
