//! The two worlds of `wit/`, as Rust types.
//!
//! In: the WIT package. Out: [`filter`] (many lines a call) and [`line_filter`] (one).
//! Not here: meaning. What a guest answers is checked in `verdict`.

/// World `filter`: many lines a call.
pub(super) mod filter {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "filter",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// World `line-filter`: one line a call.
pub(super) mod line_filter {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "line-filter",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}
