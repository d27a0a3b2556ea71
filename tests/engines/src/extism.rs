//! Extism, as its readme shows: a plugin from bytes, one `call` a line.

use ::extism::{Manifest, Plugin, Wasm};

use crate::engine::{Engine, each_line};
use crate::guest;

/// A plugin.
pub(crate) struct Extism(Plugin);

impl Extism {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let manifest = Manifest::new([Wasm::data(guest::extism()?)]);
        Ok(Self(Plugin::new(manifest, [], false)?))
    }
}

impl Engine for Extism {
    fn name(&self) -> &'static str {
        "extism"
    }

    fn turn(&mut self, block: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        each_line(&block, |line, output| {
            output.extend_from_slice(self.0.call::<&[u8], &[u8]>("rot13", line)?);
            Ok(())
        })
    }
}
