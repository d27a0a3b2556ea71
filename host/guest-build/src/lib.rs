//! Builds a filter's Rust crate into a WebAssembly component, and creates new filter crates.
//!
//! In: a folder with a `Cargo.toml`. Out: `NAME.wasm` components. [`Toolchain::find`] looks for an
//! installed compiler that can build for [`TARGET`]; [`build()`] runs cargo with it and wraps the
//! modules. Not here: installing a compiler, which only `cargo xtask` does; loading or running a
//! component, or judging whether it is a good filter. This crate does not depend on wasmtime.

#![forbid(unsafe_code)]

mod artifacts;
mod build;
mod component;
mod environment;
mod machine;
pub mod new;
mod toolchain;

pub use build::{BuildError, Built, build, look};
pub use component::ComponentError;
pub use environment::command;
pub use toolchain::{Missing, Toolchain};

/// The target that filters are compiled for: WebAssembly without an operating system.
pub const TARGET: &str = "wasm32-unknown-unknown";
