//! Lines through bundled filters, as a connection leads them through its chain.
//!
//! The clock by which guests are interrupted stands still, or else the time that a machine takes
//! would be among what it does.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use linemill_config::settings::{FilterSettings, HostSettings, Limits, PluginRef};
use linemill_framing::Framer;
use linemill_framing::LineSettings;
use linemill_framing::Lines;
use linemill_sandbox::bundled;
use linemill_sandbox::chain::observer::{Observed, Observer, Place, See};
use linemill_sandbox::chain::{Chain, Stage, StreamState};
use linemill_sandbox::engine::Engine;
use linemill_sandbox::filter::{Filter, Reporting};
use linemill_sandbox::imports::Grants;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::Plugin;
use linemill_sandbox::plugin::admission::Admission;
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::verdict::Rules;
use tokio::runtime::Builder;

use super::case::{Ready, Work};

/// A block through this many `rot13` filters.
pub(crate) fn rot13(filters: usize, block: Vec<u8>) -> Ready {
    chain("rot13", filters, block)
}

/// A block through `redact`.
pub(crate) fn redact(block: Vec<u8>) -> Ready {
    chain("redact", 1, block)
}

struct Nobody;

impl Observer for Nobody {
    fn look(&self, _: &Place<'_>, _: usize) -> Option<See> {
        None
    }
}

fn chain(plugin: &str, filters: usize, block: Vec<u8>) -> Ready {
    let runtime = Builder::new_current_thread().build()?;
    let engine = Arc::new(Engine::without_clock(HostSettings::default().stack)?);
    let component = bundled::component(plugin).context("no such plugin is bundled")?;
    let limits = Limits::default();
    let admission = Admission {
        sha256: None,
        limits: &limits,
        grants: Grants::NONE,
    };
    let admitted = admission.admit(component.to_vec())?;
    let made = Plugin::compile(&engine, &admitted, &Compiler::of_user())?;
    let metrics = FilterFamilies::default();
    let mut started = Vec::new();
    for at in 1..=filters {
        let name = format!("{plugin}-{at}");
        let filter = Filter::start(
            Arc::clone(&engine),
            Arc::clone(&made),
            FilterSettings::new(&name, PluginRef::from_arg(plugin)),
            &metrics,
            Reporting::default(),
        );
        started.push(runtime.block_on(filter)?);
    }
    let settings = LineSettings::default();
    let rules = Rules::of(settings);
    let stages = started.iter().cloned();
    let stages = stages.map(|filter| Stage::new(filter, None)).collect();
    // As in a host that nobody taps.
    let nobody = Observed {
        attended: Arc::default(),
        observer: Arc::new(Nobody),
    };
    let chain = Chain::new(stages, []).observed(&nobody, 1, false);
    let mut stream = StreamState::new(Arc::new(chain), rules);
    let mut run = move |lines: Lines| runtime.block_on(stream.process(lines)).lines;
    let (bytes, input) = (block.len(), Framer::new(settings).frame(block));
    let (output, all) = (run(input.clone()), input.len() as u64);
    let done = |filter: &Arc<Filter>| filter.lines() == all && filter.failed_lines() == 0;
    ensure!(
        output.len() == input.len() && started.iter().all(done),
        "{plugin} does not do its work"
    );
    Ok(Box::new(Work { input, bytes, run }))
}
