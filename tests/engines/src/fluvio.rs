//! Fluvio's engine for its SmartModules, used as Fluvio's servers use it: a batch of records a call.
//!
//! Lines become records by the engine's own means, which is what it costs to have it work on lines.
//! It counts fuel, and says so to nobody but its metrics: that cannot be switched off.

use anyhow::{Context as _, anyhow};
use fluvio_smartengine::{
    DEFAULT_SMARTENGINE_VERSION, SmartEngine, SmartModuleChainBuilder, SmartModuleChainInstance,
    SmartModuleConfig,
};
use fluvio_smartmodule::Record;
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleInput;

use crate::engine::{BLOCK, Engine, lines};
use crate::guest;

/// A chain of one SmartModule.
pub(crate) struct Fluvio(SmartModuleChainInstance);

impl Fluvio {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let config = SmartModuleConfig::builder()
            .smartmodule_names(vec!["rot13".to_owned()])
            .build()?;
        let chain = SmartModuleChainBuilder::from((config, guest::fluvio()?));
        let chain = chain.initialize(&SmartEngine::new());
        Ok(Self(chain?))
    }
}

impl Engine for Fluvio {
    fn name(&self) -> &'static str {
        "fluvio-smartengine"
    }

    fn call(&self) -> &'static str {
        BLOCK
    }

    fn turn(&mut self, block: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let records = lines(&block).map(Record::new).collect();
        let input = SmartModuleInput::try_from_records(records, DEFAULT_SMARTENGINE_VERSION)
            .context("encoding records")?;
        let turned = self.0.process(input)?;
        if let Some(error) = turned.error {
            return Err(anyhow!("{error}"));
        }
        let mut output = Vec::with_capacity(block.len());
        for record in &turned.successes {
            output.extend_from_slice(record.value().as_ref());
            output.push(b'\n');
        }
        Ok(output)
    }
}
