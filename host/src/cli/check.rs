//! `linemill check`: whether a configuration holds.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use linemill::app::destinations;
use linemill::control::build::build;
use linemill::control::load::Plugins;
use linemill::control::origin::Origin;
use linemill::filter::engine::Engine;
use linemill::telemetry::metrics::Metrics;

/// Check a configuration: load it and its plugins, run its filters' tests, open nothing
///
/// Exit status 0 means that `serve` would take it, short of an address in use. Otherwise
/// everything that is wrong is shown, with file, line, key and what would be right.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill check config/linemill.toml")]
pub(super) struct Check {
    /// Configuration file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let origin = Origin {
                config: Some(self.file.clone()),
                ..Origin::default()
            };
            let settings = origin.load()?;
            destinations::check(&settings)?;
            let engine = Engine::new()?;
            let plugins = Plugins::new(Arc::new(engine));
            let built = build(&settings, None, &plugins, &Metrics::new()).await?;
            println!("{}: ok", self.file.display());
            for listener in &settings.listeners {
                let chain = if listener.chain.is_empty() {
                    "no filter".into()
                } else {
                    let names = listener.chain.iter().map(|stage| stage.filter.as_str());
                    names.collect::<Vec<_>>().join(" → ")
                };
                println!("  listener {} on {}: {chain}", listener.name, listener.bind);
            }
            for filter in settings.filters.values() {
                let (name, tests) = (&filter.name, filter.tests.len());
                let held = if tests == 1 { "test" } else { "tests" };
                let routes = built
                    .filters
                    .get(name)
                    .map_or(&[][..], |filter| filter.routes());
                let routes = match routes {
                    [] => String::new(),
                    routes => format!("; routes {}", routes.join(", ")),
                };
                println!("  filter {name}: {tests} {held} held{routes}");
            }
            Ok(())
        })
    }
}
