//! From a filter's Rust crate to a WebAssembly component, and a new filter crate from nothing.
//!
//! What comes in: a folder with a `Cargo.toml`. What goes out: `NAME.wasm` components. In between,
//! [`Toolchain::find`] looks for a compiler that can make `wasm32-unknown-unknown`, and [`build()`]
//! runs cargo with it and wraps what comes out. What this crate does not do: load or run a
//! component, or judge whether it is a good filter; it does not depend on wasmtime.

#![forbid(unsafe_code)]

mod acquire;
mod artifacts;
mod build;
mod component;
mod environment;
mod machine;
pub mod new;
mod toolchain;

pub use acquire::install_packages;
pub use build::{BuildError, Built, build};
pub use component::ComponentError;
pub use toolchain::{Fetch, Missing, Toolchain};

/// What filters are compiled for: WebAssembly and nothing around it.
pub const TARGET: &str = "wasm32-unknown-unknown";
