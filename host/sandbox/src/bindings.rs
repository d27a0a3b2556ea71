//! The worlds of `wit/`, as Rust types.
//!
//! In: the WIT package. Out: [`filter`] (many lines a call), [`line_filter`] (one), and
//! [`only_state`], which either may have beside.
//! Not here: meaning. What a guest answers is checked in `verdict` and `instance`.

/// World `filter`: many lines a call.
pub(crate) mod filter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "filter",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// World `line-filter`: one line a call.
pub(crate) mod line_filter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "line-filter",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// World `only-state`: the optional part of both.
pub(crate) mod only_state {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "only-state",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}
