//! wasmi, an interpreter: the module of `core_module`, with one call a line.

use anyhow::Context as _;
use wasmi::{Config, Engine as Interpreter, Linker, Memory, Module, Store, TypedFunc};

use crate::engine::{Engine, each_line};
use crate::guest;

/// The module with its functions.
pub(crate) struct Wasmi {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    rot13: TypedFunc<(u32, u32), ()>,
}

impl Wasmi {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut config = Config::default();
        config.wasm_simd(true);
        let engine = Interpreter::new(&config);
        let module = Module::new(&engine, guest::core()?)?;
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
        let memory = instance.get_memory(&store, "memory");
        Ok(Self {
            memory: memory.context("the guest has no memory")?,
            alloc: instance.get_typed_func(&store, "alloc")?,
            rot13: instance.get_typed_func(&store, "rot13")?,
            store,
        })
    }
}

impl Engine for Wasmi {
    fn name(&self) -> &'static str {
        "wasmi"
    }

    fn turn(&mut self, block: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        each_line(&block, |line, output| {
            let length = u32::try_from(line.len())?;
            let at = self.alloc.call(&mut self.store, length)?;
            let place = at as usize..at as usize + line.len();
            self.memory.write(&mut self.store, place.start, line)?;
            self.rot13.call(&mut self.store, (at, length))?;
            let turned = self.memory.data(&self.store).get(place);
            output.extend_from_slice(turned.context("the guest's memory shrank")?);
            Ok(())
        })
    }
}
