//! wasmtime, embedded as its guide shows: a plain module, typed functions, one call a line.
//!
//! No deadline, no bound on memory, nobody who checks the answer: the least that a call costs.

use wasmtime::error::Context as _;
use wasmtime::{Engine as Wasmtime, Instance, Memory, Module, Store, TypedFunc};

use crate::engine::{Engine, each_line, told};
use crate::guest;
use crate::measure::LONGEST;

/// The module with its functions.
struct Guest {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    rot13: TypedFunc<(u32, u32), ()>,
}

/// Asks the guest for room for each line.
pub(crate) struct Alloc(Guest);

/// Asks once, for the longest line, and writes each there.
pub(crate) struct OneBuffer {
    guest: Guest,
    room: u32,
}

impl Guest {
    fn new() -> wasmtime::Result<Self> {
        let engine = Wasmtime::default();
        let module = Module::new(&engine, guest::core()?)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let memory = instance.get_memory(&mut store, "memory");
        Ok(Self {
            memory: memory.context("the guest has no memory")?,
            alloc: instance.get_typed_func(&mut store, "alloc")?,
            rot13: instance.get_typed_func(&mut store, "rot13")?,
            store,
        })
    }

    fn alloc(&mut self, length: usize) -> wasmtime::Result<u32> {
        self.alloc.call(&mut self.store, u32::try_from(length)?)
    }

    /// Turns a line in that place of the guest's memory.
    fn turn(&mut self, at: u32, line: &[u8], output: &mut Vec<u8>) -> wasmtime::Result<()> {
        let place = at as usize..at as usize + line.len();
        self.memory.write(&mut self.store, place.start, line)?;
        let length = u32::try_from(line.len())?;
        self.rot13.call(&mut self.store, (at, length))?;
        let turned = self.memory.data(&self.store).get(place);
        output.extend_from_slice(turned.context("the guest's memory shrank")?);
        Ok(())
    }
}

impl Alloc {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Guest::new().map(Self).map_err(told)
    }
}

impl OneBuffer {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut guest = Guest::new().map_err(told)?;
        let room = guest.alloc(LONGEST).map_err(told)?;
        Ok(Self { guest, room })
    }
}

impl Engine for Alloc {
    fn name(&self) -> &'static str {
        "wasmtime"
    }

    fn turn(&mut self, block: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        each_line(&block, |line, output| {
            let at = self.0.alloc(line.len())?;
            self.0.turn(at, line, output)
        })
        .map_err(told)
    }
}

impl Engine for OneBuffer {
    fn name(&self) -> &'static str {
        "wasmtime, one buffer"
    }

    fn turn(&mut self, block: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        each_line(&block, |line, output| {
            self.guest.turn(self.room, line, output)
        })
        .map_err(told)
    }
}
