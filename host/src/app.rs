//! Runs a host in phases, each with a type for its result. The only module that wires the planes together.
//!
//! | phase | function | result |
//! |---|---|---|
//! | load | [`load`] | [`Loaded`]: validated settings, and a loader of plugins |
//! | build | [`build`] | [`Built`]: the first generation, with its filters started and tested, and its sinks open |
//! | bind | [`bind`] | [`Host`]: sockets bound, nothing accepted yet |
//! | run, drain | [`Host::serve`] | serves until a shutdown, then drains |
//!
//! An error in a phase leaves nothing running.
//! Not here: what a listener or a reload does.

mod host;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;

use crate::control::build::BuildContext;
use crate::control::circles;
use crate::control::origin::Origin;
use crate::control::taps::Taps;
use crate::control::triggers::{Signals, StopSignal};
use crate::control::warnings;
use crate::generation::Generation;
use crate::log;
use crate::memory;
use crate::metrics::Metrics;
use crate::net::descriptors;
use crate::panics;
use crate::sinks::registry::SinkRegistry;
use crate::version::{REVISION, VERSION};
pub use host::{Host, bind};
use linemill_config::diff::not_default;
use linemill_config::settings::Settings;
use linemill_config::{Files, Inputs};
use linemill_sandbox::engine::Engine;
use linemill_sandbox::plugin::loader::Loader;

/// The result of the load phase.
pub struct Loaded {
    origin: Origin,
    settings: Settings,
    metrics: Metrics,
    plugins: Arc<Loader>,
    taps: Arc<Taps>,
    /// The files that loading looks for.
    inputs: Inputs,
    /// When loading began.
    started: Instant,
}

/// The result of the build phase.
pub struct Built {
    loaded: Loaded,
    /// The open sinks of the generation.
    sinks: SinkRegistry,
    generation: Generation,
}

/// A second signal has ended the host before it had drained.
#[derive(Debug, thiserror::Error)]
#[error("ended by {0}, the second signal, before the drain was over")]
pub struct Aborted(pub StopSignal);

/// Runs a host from its configuration until SIGTERM, SIGINT or SIGQUIT, and drains it. A second signal
/// ends the drain.
///
/// # Errors
/// The configuration is invalid, or a socket or a sink cannot be opened; nothing has been served then. Or
/// [`Panicked`](panics::Panicked): there was a bug, and the host has drained. Or [`Aborted`].
pub async fn run(origin: Origin) -> anyhow::Result<()> {
    // First of all: until then, they kill the process.
    let Signals {
        mut stop,
        hangups,
        unused,
    } = Signals::catch().context("cannot catch signals")?;
    panics::catch();
    let metrics = Metrics::default();
    log::run_in_thread(metrics.log.clone()).context("cannot start the thread of the log")?;
    let host = tokio::select! {
        biased;
        () = panics::fatal() => return ended(),
        signal = stop.next() => {
            tracing::info!(%signal, "stopped before anything was served");
            return Ok(());
        }
        host = start(origin, metrics) => host?,
    };
    let sinks = host.sinks();
    tokio::spawn(unused.ignore());
    tokio::spawn(hangups.reload(host.requests(), move || sinks.reopen()));
    let (stopped, second) = stop.split();
    let shutdown = async {
        tokio::select! {
            biased;
            () = panics::fatal() => "none: a bug in linemill",
            signal = stopped => signal.name(),
        }
    };
    let ended_early = host.serve(shutdown, second).await;
    ended()?;
    ended_early.map_or(Ok(()), |signal| Err(Aborted(signal).into()))
}

/// Everything before serving.
async fn start(origin: Origin, metrics: Metrics) -> anyhow::Result<Host> {
    let loaded = load(origin, metrics)?;
    log::start(&loaded.settings.host.log);
    tell_start(&loaded);
    descriptors::raise_limit();
    bind(build(loaded).await?)
}

/// How a host has ended that has drained.
fn ended() -> anyhow::Result<()> {
    panics::ended_by().map_or(Ok(()), |panicked| Err(panicked.into()))
}

/// Loads the configuration. The host counts in `metrics`.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn load(origin: Origin, metrics: Metrics) -> anyhow::Result<Loaded> {
    let started = Instant::now();
    let inputs = Inputs::default();
    let settings = origin.load(&Files::recording(&inputs))?;
    let budget = memory::budget(&settings.host, metrics.memory.clone());
    let engine = Engine::within(settings.host.stack, budget)?;
    let plugins = Loader::of_user(Arc::new(engine))
        .capturing(&settings.host)
        .map_err(|refusal| refusal.problem)?;
    Ok(Loaded {
        origin,
        settings,
        taps: Taps::new(metrics.taps.clone()),
        metrics,
        plugins: Arc::new(plugins),
        inputs,
        started,
    })
}

/// Logs what begins to run: the first line of the log.
fn tell_start(loaded: &Loaded) {
    let config = loaded.settings.place.source();
    let config = config.map(|source| {
        let path = std::path::absolute(&source.path);
        path.unwrap_or_else(|_| source.path.clone())
    });
    let config = config.as_ref().map(|path| path.display());
    let settings = not_default(&loaded.settings).join(" ");
    tracing::info!(
        version = VERSION,
        revision = REVISION,
        config = config.map(tracing::field::display),
        %settings,
        "linemill starts"
    );
}

/// Builds the first generation: loads its plugins, starts its filters and runs their tests.
///
/// # Errors
/// Every filter, certificate and sink that cannot be used.
pub async fn build(loaded: Loaded) -> anyhow::Result<Built> {
    let (settings, plugins, metrics) = (&loaded.settings, &loaded.plugins, &loaded.metrics);
    let sinks = SinkRegistry::new(
        metrics.outputs.clone(),
        metrics.upstreams.clone(),
        metrics.own_upstreams.clone(),
    )
    .within(plugins.engine().budget());
    circles::check(settings).await?;
    let files = Files::recording(&loaded.inputs);
    let observed = loaded.taps.observed();
    let context = BuildContext {
        sinks: Some(&sinks),
        observed: Some(&observed),
        ..BuildContext::new(plugins, &metrics.filters, &files)
    };
    let built = crate::control::build::build(settings, &context);
    let generation = built.await?;
    warnings::log(settings, &generation, plugins.engine().budget());
    Ok(Built {
        loaded,
        sinks,
        generation,
    })
}
