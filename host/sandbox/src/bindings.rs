//! The worlds of `wit/` as Rust types.
//!
//! In: the WIT package. Out: [`filter`] (many lines per call), [`line_filter`] (one line per call), and
//! [`only_state`], [`only_timer`] and [`only_about`], which a component of either world may export as well.
//! Not here: checking a guest's answers (`verdict`, `instance`).

/// World `filter`: many lines per call.
pub(crate) mod filter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "filter",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// World `line-filter`: one line per call.
pub(crate) mod line_filter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "line-filter",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// World `only-state`: handing state over.
pub(crate) mod only_state {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "only-state",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// World `only-timer`: another optional export of both other worlds.
pub(crate) mod only_timer {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "only-timer",
        exports: { default: async },
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// World `only-about`: a filter's description.
pub(crate) mod only_about {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "only-about",
        exports: { default: async },
    });
}
