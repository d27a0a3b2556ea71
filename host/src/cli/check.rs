//! `linemill check`: checks a configuration without serving it.

mod against;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use linemill::control::build::{BuildContext, build};
use linemill::control::circles;
use linemill::control::origin::Origin;
use linemill::control::warnings::warnings;
use linemill::memory;
use linemill::sinks::open;
use linemill_budget::MemoryMetrics;
use linemill_config::Files;
use linemill_config::settings::Address;
use linemill_sandbox::engine::Engine;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::loader::Loader;
use linemill_telemetry::Registry;

use super::output::{complain_report, say};

/// Check a configuration: load it and its plugins and run its filters' tests, without serving it
///
/// Exit status 0 means that `serve` would accept it, unless an address is in use. Otherwise
/// everything that is wrong is reported, with file, line, key and a remedy. Warnings on standard error
/// are about what `serve` accepts but is likely not meant, such as lines that may pass unfiltered.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill check config/linemill.toml
  linemill check new.toml --against 127.0.0.1:9713")]
pub(super) struct Check {
    /// Configuration file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Admin address of a running host: show what a reload there would change; exit status 1 if any
    /// change requires a restart
    #[arg(long, value_name = "ADMIN")]
    against: Option<Address>,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let origin = Origin {
                config: Some(self.file.clone()),
                ..Origin::default()
            };
            let settings = origin.load_once()?;
            open::check(&settings)?;
            circles::check(&settings).await?;
            let metrics = MemoryMetrics::register(&mut Registry::default());
            let budget = memory::budget(&settings.host, metrics);
            let engine = Engine::within(settings.host.stack, Arc::clone(&budget))?;
            let plugins = Loader::of_user(Arc::new(engine));
            let context = BuildContext {
                before: None,
                plugins: &plugins,
                metrics: &FilterFamilies::default(),
                sinks: None,
                observed: None,
                files: &Files::default(),
            };
            let built = build(&settings, &context).await?;
            if let Some(warnings) = warnings(&settings, &built, &budget) {
                complain_report(&warnings);
            }
            say!("{}: ok", self.file.display());
            for listener in &settings.listeners {
                let chain = if listener.chain.is_empty() {
                    "no filter".into()
                } else {
                    let names = listener.chain.iter().map(|stage| stage.filter.as_str());
                    names.collect::<Vec<_>>().join(" → ")
                };
                let tests = settings.tests.iter();
                let tests = tests.filter(|test| test.listener == listener.name).count();
                let held = held(tests);
                let held = if tests > 0 {
                    format!("; {held}")
                } else {
                    String::new()
                };
                say!(
                    "  listener {} on {}: {chain}{held}",
                    listener.name,
                    listener.bind
                );
            }
            for filter in settings.filters.values() {
                let (name, held) = (&filter.name, held(filter.test.len()));
                let routes = match built.filters.get(name).map(|filter| filter.routes()) {
                    None | Some([]) => String::new(),
                    Some(routes) => format!("; routes {}", routes.join(", ")),
                };
                say!("  filter {name}: {held}{routes}");
            }
            match &self.against {
                Some(admin) => against::compare(admin, settings, &built).await,
                None => Ok(()),
            }
        })
    }
}

/// "1 test held", "2 tests held".
fn held(tests: usize) -> String {
    let noun = if tests == 1 { "test" } else { "tests" };
    format!("{tests} {noun} held")
}
