//! linemill: its own framing, its own chain with the bundled filter, a block a batch, as `serve`
//! runs them between a read and a write. Deadlines, bounds and the check of each answer included.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use linemill_config::settings::{FilterSettings, PluginRef};
use linemill_framing::{Framer, LineSettings, Unfit};
use linemill_sandbox::bundled;
use linemill_sandbox::chain::{Chain, Stage, StreamState};
use linemill_sandbox::engine::Engine as Host;
use linemill_sandbox::filter::{Filter, Reporting};
use linemill_sandbox::imports::Grants;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::Plugin;
use linemill_sandbox::verdict::Rules;
use tokio::runtime::{Builder, Runtime};

use crate::engine::{BLOCK, Engine};

const FILTER: &str = "rot13";

/// A stream through a chain of one filter.
pub(crate) struct Linemill {
    runtime: Runtime,
    framer: Framer,
    stream: StreamState,
    lines: LineSettings,
}

impl Linemill {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let host = Arc::new(Host::new()?);
        let bytes = bundled::component(FILTER).context("rot13 is bundled")?;
        let plugin = Plugin::new(&host, bytes, Grants::NONE)
            .map_err(|refusal| refusal.problem)?;
        let settings = FilterSettings::new(FILTER, PluginRef::from_arg(FILTER));
        let metrics = FilterFamilies::default().of(FILTER);
        let filter = Filter::start(host, plugin, settings, metrics, Reporting::default());
        let filter = runtime.block_on(filter)?;
        let lines = LineSettings::default();
        let chain = Chain::new(vec![Stage::new(filter, None)], []);
        Ok(Self {
            runtime,
            framer: Framer::new(lines),
            stream: StreamState::new(Arc::new(chain), Rules::of(lines)),
            lines,
        })
    }
}

impl Engine for Linemill {
    fn name(&self) -> &'static str {
        "linemill"
    }

    fn call(&self) -> &'static str {
        BLOCK
    }

    fn turn(&mut self, block: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let lines = self.framer.frame(block);
        ensure!(!self.framer.has_partial(), "the block ends within a line");
        let flow = self.runtime.block_on(self.stream.process(lines));
        ensure!(flow.close.is_none(), "the filter closed the stream");
        let framing = self.lines.framing;
        Ok(flow.lines.encode(framing, framing, Unfit::Drop).bytes)
    }
}
