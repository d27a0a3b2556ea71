//! wasmtime, embedded by the component model with the bindings that it generates: one call a line.

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine as Wasmtime, Store};

use crate::engine::{Engine, each_line, told};
use crate::guest;

mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package engines:rot13;
            world guest {
                export rot13: func(line: list<u8>) -> list<u8>;
            }
        ",
    });
}

/// A component that takes a line and gives one.
pub(crate) struct OneLine {
    store: Store<()>,
    guest: bindings::Guest,
}

impl OneLine {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Self::start().map_err(told)
    }

    fn start() -> wasmtime::Result<Self> {
        let mut config = Config::new();
        // As linemill does: calls cost more than twice as much with it.
        config.concurrency_support(false);
        let engine = Wasmtime::new(&config)?;
        let component = Component::new(&engine, guest::component()?)?;
        let mut store = Store::new(&engine, ());
        let guest = bindings::Guest::instantiate(&mut store, &component, &Linker::new(&engine))?;
        Ok(Self { store, guest })
    }
}

impl Engine for OneLine {
    fn name(&self) -> &'static str {
        "wasmtime, component"
    }

    fn turn(&mut self, block: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        each_line(&block, |line, output| {
            output.extend_from_slice(&self.guest.call_rot13(&mut self.store, line)?);
            Ok(())
        })
        .map_err(told)
    }
}
