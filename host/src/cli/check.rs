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
use linemill_config::{ProblemReport, Problems};
use linemill_sandbox::engine::Engine;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::loader::Loader;
use linemill_telemetry::Registry;
use serde::Serialize;

use super::output::{Reported, complain_report, problems_of, say, say_value};
use super::plugin::hinted;
use against::Differences;

/// Check a configuration: load it and its plugins and run its filters' tests, without serving it
///
/// Exit status 0 means that `serve` would accept it, unless an address is in use. Otherwise
/// everything that is wrong is reported, with file, line, key and a remedy: first what is wrong in the
/// files, and once nothing is, what plugins refuse. Warnings on standard error are about what `serve` accepts but is likely not meant, such as lines that may pass unfiltered.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill check config/linemill.toml
  linemill check new.toml --against 127.0.0.1:9713
  linemill check new.toml --warnings-as-errors --json")]
pub(super) struct Check {
    /// Configuration file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Admin address of a running host: show what a reload there would change; exit status 1 if any
    /// change requires a restart
    #[arg(long, value_name = "ADMIN")]
    against: Option<Address>,
    /// Exit with status 1 if there is a warning
    #[arg(long, visible_alias = "strict")]
    warnings_as_errors: bool,
    /// Print the result, with everything that is wrong, as JSON
    #[arg(long)]
    json: bool,
}

/// What was found, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Checked {
    /// Whether `serve` would accept it; with `--warnings-as-errors`, also whether there are no warnings.
    ok: bool,
    file: String,
    /// Errors and warnings.
    problems: Vec<ProblemReport>,
    listeners: Vec<ListenerChecked>,
    filters: Vec<FilterChecked>,
    /// With `--against`: what a reload would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Differences>,
}

#[derive(Debug, Serialize)]
struct ListenerChecked {
    name: String,
    bind: String,
    chain: Vec<String>,
    /// Tests of the whole chain that held.
    tests: usize,
}

#[derive(Debug, Serialize)]
struct FilterChecked {
    name: String,
    /// Tests that held.
    tests: usize,
    routes: Vec<String>,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            let checked = self.check().await;
            if self.json {
                return self.say_json(checked);
            }
            let checked = checked?;
            if let Some(warnings) = &checked.1 {
                complain_report(warnings);
            }
            self.say(&checked.0);
            if self.warnings_as_errors && checked.1.is_some() {
                let count = checked.0.problems.len();
                let text = format!("{}: {count} warnings, see above", self.file.display());
                let hint = "correct them, or leave out --warnings-as-errors";
                return Err(hinted(&text, hint));
            }
            match &checked.0.against {
                Some(against) => against.refused(),
                None => Ok(()),
            }
        })
    }

    async fn check(&self) -> anyhow::Result<(Checked, Option<Problems>)> {
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
        let (metrics, files) = (FilterFamilies::default(), Files::default());
        let context = BuildContext::new(&plugins, &metrics, &files);
        let built = build(&settings, &context).await?;
        let warnings = warnings(&settings, &built, &budget);
        let listeners = settings.listeners.iter().map(|listener| ListenerChecked {
            name: listener.name.clone(),
            bind: listener.bind.to_string(),
            chain: listener
                .chain
                .iter()
                .map(|stage| stage.filter.clone())
                .collect(),
            tests: settings
                .tests
                .iter()
                .filter(|test| test.listener == listener.name)
                .count(),
        });
        let filters = settings.filters.values().map(|filter| {
            let routes = built.filters.get(&filter.name);
            FilterChecked {
                name: filter.name.clone(),
                tests: filter.test.len(),
                routes: routes.map_or_else(Vec::new, |built| built.routes().to_vec()),
            }
        });
        let mut checked = Checked {
            ok: !self.warnings_as_errors || warnings.is_none(),
            file: self.file.display().to_string(),
            problems: warnings.as_ref().map_or_else(Vec::new, Problems::reports),
            listeners: listeners.collect(),
            filters: filters.collect(),
            against: None,
        };
        if let Some(admin) = &self.against {
            checked.against = Some(against::compare(admin, settings, &built).await?);
        }
        Ok((checked, warnings))
    }

    fn say(&self, checked: &Checked) {
        say!("{}: ok", self.file.display());
        for ListenerChecked {
            name,
            bind,
            chain,
            tests,
        } in &checked.listeners
        {
            let chain = if chain.is_empty() {
                "no filter".into()
            } else {
                chain.join(" → ")
            };
            let held = match tests {
                0 => String::new(),
                tests => format!("; {}", held(*tests)),
            };
            say!("  listener {name} on {bind}: {chain}{held}");
        }
        for FilterChecked {
            name,
            tests,
            routes,
        } in &checked.filters
        {
            let held = held(*tests);
            let routes = match &routes[..] {
                [] => String::new(),
                routes => format!("; routes {}", routes.join(", ")),
            };
            say!("  filter {name}: {held}{routes}");
        }
        if let (Some(admin), Some(against)) = (&self.against, &checked.against) {
            against.say(admin);
        }
    }

    fn say_json(&self, checked: anyhow::Result<(Checked, Option<Problems>)>) -> anyhow::Result<()> {
        let checked = match checked {
            Ok((mut checked, _)) => {
                let refused = checked.against.as_ref().map(Differences::refused);
                if let Some(Err(error)) = refused {
                    checked.ok = false;
                    checked.problems.extend(problems_of(&error));
                }
                checked
            }
            Err(error) => Checked {
                ok: false,
                file: self.file.display().to_string(),
                problems: problems_of(&error),
                listeners: Vec::new(),
                filters: Vec::new(),
                against: None,
            },
        };
        say_value(&checked)?;
        if checked.ok {
            Ok(())
        } else {
            Err(Reported.into())
        }
    }
}

/// "1 test held", "2 tests held".
fn held(tests: usize) -> String {
    let noun = if tests == 1 { "test" } else { "tests" };
    format!("{tests} {noun} held")
}
