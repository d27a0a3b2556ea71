//! From settings to a generation that can go live.
//!
//! In: settings, and the generation before; files, or what was made of them before. Out: a whole new generation, every filter compiled,
//! started and tested, or everything that is wrong; nothing in force is touched either way.
//! Filters whose settings and plugin are as before are taken over with their instances, and so are
//! certificates.

use std::collections::HashMap;
use std::sync::Arc;

use super::load::{LoadError, Plugins};
use super::reloader::Recipe;
use super::{certificates, destinations};
use crate::generation::{Generation, Service};
use crate::stream::output::Outputs;
use crate::telemetry::metrics::Metrics;
use linemill_config::report::{Report, Reports};
use linemill_config::settings::{
    FilterSettings, ListenerSettings, Settings, StageSettings, trial_name,
};
use linemill_sandbox::chain::{Chain, Stage};
use linemill_sandbox::filter::self_test::{self, Mismatch};
use linemill_sandbox::filter::{Filter, Reporting, StartError};
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::Plugin;
use linemill_sandbox::trial::Trial;
use linemill_telemetry::Gate;

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;

/// Builds the generation that `settings` ask for, of the files that they name.
///
/// # Errors
/// Everything that is wrong with it, each pointing into the configuration.
pub async fn build(
    settings: &Settings,
    before: Option<&Generation>,
    plugins: &Plugins,
    metrics: &Metrics,
    outputs: Option<&Outputs>,
) -> Result<Generation, Reports> {
    build_of(settings, before, None, plugins, metrics, outputs).await
}

/// Builds the generation that `settings` ask for. Of what is `kept`, no file is read. What takes the
/// lines that filters fail is opened among `outputs`; without these, it is not.
pub(super) async fn build_of(
    settings: &Settings,
    before: Option<&Generation>,
    kept: Option<&Recipe>,
    plugins: &Plugins,
    metrics: &Metrics,
    outputs: Option<&Outputs>,
) -> Result<Generation, Reports> {
    let mut filters = HashMap::new();
    let mut wrong = Vec::new();
    let on_trial: Vec<_> = settings
        .filters
        .values()
        .filter_map(FilterSettings::on_trial)
        .collect();
    for filter in settings.filters.values().chain(&on_trial) {
        let known = before.and_then(|before| before.filters.get(&filter.name));
        let plugin = match kept.and_then(|kept| kept.plugin(&filter.name)) {
            Some(plugin) => Ok(Arc::clone(plugin)),
            None => plugins.load(filter, &settings.host).await,
        };
        match build_filter(filter, plugin, known, plugins, metrics, outputs).await {
            Ok(built) => drop(filters.insert(filter.name.clone(), built)),
            Err(refused) => {
                metrics.filter_refused(&filter.name, refused.kind);
                wrong.extend(refused.reports);
            }
        }
    }
    let mut tls = Vec::new();
    for listener in &settings.listeners {
        let known = before.and_then(|before| before.services.get(&listener.name));
        if let Some(loaded) = kept.and_then(|kept| kept.tls(&listener.name)) {
            tls.push(loaded.clone());
            continue;
        }
        match certificates::load(listener, known.map(|known| &**known)).await {
            Ok(loaded) => tls.push(loaded),
            Err(reports) => wrong.extend(reports),
        }
    }
    if let Some(reports) = Reports::new(wrong) {
        return Err(reports);
    }
    let (mut services, mut wrong) = (HashMap::new(), Vec::new());
    for (listener, tls) in settings.listeners.iter().zip(tls) {
        // Validation made sure that each name in a chain is a filter.
        let stages = |chain: &[StageSettings]| {
            let stage = |stage: &StageSettings| {
                let filter: &Arc<Filter> = filters.get(&stage.filter)?;
                let trial = filter.settings().trial.as_ref();
                let trial = trial.and_then(|trial| {
                    let tried = filters.get(&trial_name(filter.name(), trial.kind))?;
                    Some(Trial::new(Arc::clone(tried), trial))
                });
                Some(Stage::new(Arc::clone(filter), stage.when.clone()).trying(trial))
            };
            chain.iter().filter_map(stage).collect()
        };
        let routes = listener.routes.keys().map(String::as_str);
        let chain = Chain::new(stages(&listener.chain), routes);
        let reply_chain = Chain::new(stages(&listener.reply_chain), []);
        wrong.extend(unused_routes(listener, &chain));
        let known = before.and_then(|before| before.services.get(&listener.name));
        let (chain, reply_chain) = (Arc::new(chain), Arc::new(reply_chain));
        let service = Service::new(
            listener,
            chain,
            reply_chain,
            tls.tls,
            tls.to_tls,
            known.map(|known| &**known),
        );
        services.insert(listener.name.clone(), Arc::new(service));
    }
    if let Some(reports) = Reports::new(wrong) {
        return Err(reports);
    }
    Ok(Generation {
        number: before.map_or(1, |before| before.number + 1),
        services,
        leaving: HashMap::new(),
        drain: settings.host.drain,
        filters,
    })
}

/// A route that no filter sends lines by is a mistake in one name or the other.
fn unused_routes(listener: &ListenerSettings, chain: &Chain) -> Option<Report> {
    let unused: Vec<_> = chain
        .routes()
        .filter(|route| !chain.declares(route))
        .collect();
    if unused.is_empty() {
        return None;
    }
    let filters = chain.stages().iter().map(Stage::filter);
    let known = filters.flat_map(|filter| {
        let of = |route| format!("`{route}` of filter `{}`", filter.name());
        filter.routes().iter().map(of)
    });
    let known: Vec<_> = known.collect();
    let hint = match known.is_empty() {
        true => {
            "no filter of the chain has routes; grep has one with `route` in its settings".into()
        }
        false => format!("the routes of its filters: {}", known.join(", ")),
    };
    let text = format!(
        "listener `{}`: no filter of its chain sends lines by the route `{}`",
        listener.name,
        unused.join("`, `")
    );
    Some(listener.places.of("routes").report(text, &hint))
}

/// Why a filter cannot be put in force.
struct Refused {
    /// Label for metrics.
    kind: &'static str,
    reports: Vec<Report>,
}

async fn build_filter(
    filter: &FilterSettings,
    plugin: Result<Arc<Plugin>, LoadError>,
    known: Option<&Arc<Filter>>,
    plugins: &Plugins,
    metrics: &Metrics,
    outputs: Option<&Outputs>,
) -> Result<Arc<Filter>, Refused> {
    let wrong = |problem: String, hint: &str| {
        filter
            .place
            .report(format!("filter `{}`: {problem}", filter.name), hint)
    };
    let plugin = plugin.map_err(|error| Refused {
        kind: error.kind,
        reports: vec![wrong(error.problem, &error.hint)],
    })?;
    if let Some(known) = known
        && known.digest() == plugin.digest
        && known.settings() == filter
    {
        return Ok(Arc::clone(known));
    }
    let start = |metrics, notices| {
        let engine = Arc::clone(plugins.engine());
        Filter::start(
            engine,
            Arc::clone(&plugin),
            filter.clone(),
            metrics,
            notices,
        )
    };
    let wrong_start = |error: StartError| {
        let author = "the fault is the plugin's: tell its author";
        let (kind, key, hint) = match error {
            StartError::Refused(_) => {
                let hint = "its documentation lists the settings it takes";
                ("settings", "settings", hint)
            }
            StartError::Failed { kind, .. } => match kind {
                "memory" => (kind, "memory", "raise `memory`"),
                "deadline" => (kind, "deadline", "raise `deadline`"),
                "table" | "imports" | "output" | "host_memory" => (
                    kind,
                    "limits",
                    "raise that limit if the plugin is meant to need more",
                ),
                _ => (kind, "plugin", author),
            },
        };
        let text = format!("filter `{}`: {error}", filter.name);
        let reports = vec![filter.places.of(key).report(text, hint)];
        Refused { kind, reports }
    };
    if !filter.tests.is_empty() {
        // On a filter of its own: examples are no traffic, so they are neither counted nor logged.
        let silent = Reporting {
            log: Gate::shut(),
            ..Reporting::default()
        };
        let probed = start(FilterFamilies::default().filter(&filter.name), silent).await;
        let tested = run_tests(filter, &probed.map_err(wrong_start)?).await;
        tested.map_err(|reports| Refused {
            kind: "test",
            reports,
        })?;
    }
    let quarantine = match outputs {
        Some(outputs) => destinations::quarantine(filter, outputs, metrics),
        None => Ok(None),
    };
    let notices = Reporting {
        log: Gate::default(),
        quarantine: quarantine.map_err(|report| Refused {
            kind: "quarantine",
            reports: vec![report],
        })?,
        capsules: plugins.capsules().cloned(),
    };
    let started = start(metrics.filter(&filter.name), notices).await;
    started.map_err(wrong_start)
}

async fn run_tests(filter: &FilterSettings, probed: &Arc<Filter>) -> Result<(), Vec<Report>> {
    let mut failed = Vec::new();
    for test in &filter.tests {
        if let Err(Mismatch {
            input,
            expected,
            found,
        }) = self_test::run(probed, test).await
        {
            let text = format!(
                "filter `{}`: its test does not hold: {} gave {}, not {}",
                filter.name,
                list(&input),
                list(&found),
                list(&expected)
            );
            let hint = "correct the test, or the filter's settings";
            failed.push(test.place.report(text, hint));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed)
    }
}

fn list(lines: &[Vec<u8>]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| format!("{:?}", String::from_utf8_lossy(line)))
        .collect();
    format!("[{}]", lines.join(", "))
}
