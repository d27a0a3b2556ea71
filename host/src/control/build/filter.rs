//! Builds the filters of a generation: load the plugin, check the settings, start it, run the filter's own
//! tests.
//!
//! In: settings, the filters in force, plugins. Out: started filters, and reports of those that cannot
//! be put in force, which are counted by reason.

use std::sync::Arc;

use super::Filters;
use super::inner_settings::{self, Wrong};
use crate::control::reloader::Recipe;
use crate::generation::Generation;
use crate::sinks::registry::SinkRegistry;
use linemill_config::settings::{FilterSettings, ListenerSettings, Settings};
use linemill_config::{Files, Place, Problem, json_pointer};
use linemill_sandbox::FaultKind;
use linemill_sandbox::filter::{Filter, Reporting};
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::Plugin;
use linemill_sandbox::plugin::loader::Loader;
use linemill_sandbox::self_test::{self, Failed, Mismatch};
use linemill_sandbox::{Refusal, RefusalKind};
use linemill_telemetry::Gate;

/// What filters are built of.
pub(super) struct FilterBuilder<'a> {
    pub(super) settings: &'a Settings,
    /// The files of this load.
    pub(super) files: &'a Files,
    /// The generation in force, whose unchanged filters are reused.
    pub(super) before: Option<&'a Generation>,
    /// Plugins that are not read from files.
    pub(super) recipe: Option<&'a Recipe>,
    pub(super) plugins: &'a Loader,
    pub(super) metrics: &'a FilterFamilies,
    /// Opens quarantines; `None` leaves them closed.
    pub(super) sinks: Option<&'a SinkRegistry>,
}

/// Why a filter cannot be put in force.
pub(super) struct Refused {
    kind: RefusalKind,
    pub(super) reports: Vec<Problem>,
}

impl FilterBuilder<'_> {
    /// Builds all filters, with their versions on trial. What is wrong goes into `wrong`.
    pub(super) async fn build_all(&self, wrong: &mut Vec<Problem>) -> Filters {
        let mut built = Filters::new();
        for filter in self.settings.filters.values() {
            self.build_into(&mut built, filter, wrong).await;
            let Some(mut on_trial) = filter.on_trial() else {
                continue;
            };
            // A version on trial treats lines that fail as its filter does, whatever it declares itself.
            if let Some(filter) = built.get(&filter.name) {
                on_trial.on_error.get_or_insert(filter.on_error());
            }
            self.build_into(&mut built, &on_trial, wrong).await;
        }
        built
    }

    async fn build_into(
        &self,
        built: &mut Filters,
        filter: &FilterSettings,
        wrong: &mut Vec<Problem>,
    ) {
        match self.build(filter).await {
            Ok(started) => drop(built.insert(filter.name.clone(), started)),
            Err(refused) => {
                self.metrics.refused(&filter.name, refused.kind);
                // A plugin may quote its settings.
                let values = &self.settings.outside;
                let reports = refused.reports.into_iter();
                wrong.extend(reports.map(|report| report.hiding(values)));
            }
        }
    }

    async fn build(&self, filter: &FilterSettings) -> Result<Arc<Filter>, Refused> {
        let plugin = self.plugin(filter).await;
        let plugin = plugin.map_err(|refusal| refused(filter, refusal))?;
        self.ask_memory(filter, &plugin).await?;
        let before = self
            .before
            .and_then(|before| before.filters.get(&filter.name));
        if let Some(before) = before
            && before.digest() == plugin.digest
            && before.settings() == filter
        {
            return Ok(Arc::clone(before));
        }
        let checked = inner_settings::check(filter, plugin.description()).await;
        checked.map_err(|wrong| match wrong {
            Wrong::Schema(refusal) => refused(filter, refusal),
            Wrong::Settings(reports) => Refused {
                kind: RefusalKind::Settings,
                reports,
            },
        })?;
        if !filter.test.is_empty() {
            self.run_tests(filter, &plugin).await?;
        }
        let quarantine = match self.sinks {
            Some(sinks) => sinks.quarantine(filter),
            None => Ok(None),
        };
        let reporting = Reporting {
            log: Gate::default(),
            quarantine: quarantine.map_err(|report| Refused {
                kind: RefusalKind::Quarantine,
                reports: vec![report],
            })?,
            capsules: self.plugins.capsules().clone(),
        };
        self.start(filter, &plugin, self.metrics, reporting).await
    }

    /// Asks a plugin how much memory it needs for the longest lines that the filter can get; warnings compare
    /// the answer with the filter's `memory`.
    async fn ask_memory(&self, filter: &FilterSettings, plugin: &Plugin) -> Result<(), Refused> {
        let calls = |listener: &&ListenerSettings| {
            let mut stages = listener.stages();
            stages.any(|stage| stage.filter == filter.name)
        };
        let listeners = self.settings.listeners.iter().filter(calls);
        let Some(max_line) = listeners.map(|listener| listener.lines.max_line).max() else {
            return Ok(());
        };
        let asked = plugin.ask_memory(self.plugins.engine(), filter, max_line);
        asked
            .await
            .map(drop)
            .map_err(|refusal| refused(filter, refusal))
    }

    async fn plugin(&self, filter: &FilterSettings) -> Result<Arc<Plugin>, Refusal> {
        match self.recipe.and_then(|recipe| recipe.plugin(&filter.name)) {
            Some(plugin) => Ok(Arc::clone(plugin)),
            None => {
                let host = &self.settings.host;
                self.plugins.load(filter, host, self.files).await
            }
        }
    }

    async fn start(
        &self,
        filter: &FilterSettings,
        plugin: &Arc<Plugin>,
        families: &FilterFamilies,
        reporting: Reporting,
    ) -> Result<Arc<Filter>, Refused> {
        let engine = Arc::clone(self.plugins.engine());
        Filter::start(
            engine,
            Arc::clone(plugin),
            filter.clone(),
            families,
            reporting,
        )
        .await
        .map_err(|refusal| refused(filter, refusal))
    }

    /// Starts a filter that is neither counted nor logged.
    pub(super) async fn start_for_tests(
        &self,
        filter: &FilterSettings,
        plugin: &Arc<Plugin>,
    ) -> Result<Arc<Filter>, Refused> {
        let reporting = Reporting {
            log: Gate::shut(),
            ..Reporting::default()
        };
        let families = FilterFamilies::default();
        self.start(filter, plugin, &families, reporting).await
    }

    /// Runs the tests of `filter` on a separate filter, which is neither counted nor logged.
    async fn run_tests(
        &self,
        filter: &FilterSettings,
        plugin: &Arc<Plugin>,
    ) -> Result<(), Refused> {
        let tested = self.start_for_tests(filter, plugin).await?;
        let mut reports = Vec::new();
        for test in &filter.test {
            let (failure, hint, is_passing) = match self_test::run(&tested, test).await {
                Ok(()) => continue,
                Err(Failed::Mismatch(mismatch)) => (
                    shown(&mismatch),
                    "correct the test, or the filter's settings",
                    false,
                ),
                Err(Failed::Host) => (
                    "its test could not run: the host lacks memory or another resource".to_owned(),
                    "see the limits of the process and the machine",
                    true,
                ),
            };
            let text = format!("filter `{}`: {failure}", filter.name);
            reports.push(test.place.problem(text, hint).passing_if(is_passing));
        }
        if reports.is_empty() {
            Ok(())
        } else {
            Err(Refused {
                kind: RefusalKind::Test,
                reports,
            })
        }
    }
}

/// The report of a refusal, at the key to change.
fn refused(filter: &FilterSettings, refusal: Refusal) -> Refused {
    let key = match refusal.kind {
        RefusalKind::Settings => Some("settings"),
        RefusalKind::Start(FaultKind::Memory) => Some("memory"),
        RefusalKind::Start(FaultKind::Deadline) => Some("deadline"),
        RefusalKind::Start(
            FaultKind::Table | FaultKind::Imports | FaultKind::Output | FaultKind::HostMemory,
        ) => Some("limits"),
        _ => None,
    };
    // A bundled filter without a table has no places.
    let place = key
        .map(|key| filter.places.of(key))
        .filter(|place| place.path().is_some())
        .unwrap_or(&filter.place);
    let named = match refusal.kind {
        RefusalKind::Settings => named_setting(filter, refusal.problem.what()),
        _ => None,
    };
    let problem = refusal.problem.of(format_args!("filter `{}`", filter.name));
    Refused {
        kind: refusal.kind,
        reports: vec![problem.at(named.unwrap_or(place))],
    }
}

/// The place of the first setting that a message of a filter names, such as `rules[1].with`, if the filter has
/// that setting.
fn named_setting<'a>(filter: &'a FilterSettings, message: &str) -> Option<&'a Place> {
    let names = message.split('`').skip(1).step_by(2);
    let mut pointers = names.filter_map(json_pointer::of_path);
    let pointer = pointers.find(|pointer| filter.settings.pointer(pointer).is_some())?;
    filter.inner_places.value(&pointer)
}

fn shown(mismatch: &Mismatch) -> String {
    format!(
        "its test does not hold: {} gave {}, not {}",
        list(&mismatch.input),
        list(&mismatch.found),
        list(&mismatch.expected)
    )
}

/// Lines as a configuration shows them.
pub(super) fn list(lines: &[Vec<u8>]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| format!("{:?}", String::from_utf8_lossy(line)))
        .collect();
    format!("[{}]", lines.join(", "))
}
