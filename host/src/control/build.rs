//! Builds a generation.
//!
//! In: settings, the generation before, and either the files that the settings name or the
//! `Recipe` of an earlier generation. Out: a whole new generation, every filter compiled, started
//! and tested, every sink open, or reports of everything that is wrong. Neither case touches what is in
//! force.
//! Filters whose settings and plugin are unchanged keep their instances; certificates whose files
//! are unchanged keep their TLS sessions.
//! Not here: publishing (`reloader`).

mod chain_test;
mod filter;
pub mod inner_settings;

use std::collections::HashMap;
use std::sync::Arc;

use super::certificates::{self, ListenerTls};
use super::reloader::Recipe;
use crate::generation::{Generation, Service};
use crate::sinks::egress::Egress;
use crate::sinks::open;
use crate::sinks::registry::SinkRegistry;
use crate::sinks::upstream::ConnectOptions;
use filter::FilterBuilder;
use linemill_config::settings::{ListenerSettings, Settings, StageSettings, trial_name};
use linemill_config::{Files, Problem, Problems};
use linemill_sandbox::chain::observer::Observed;
use linemill_sandbox::chain::{Chain, Stage};
use linemill_sandbox::filter::Filter;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::loader::Loader;
use linemill_sandbox::trial::Trial;

#[cfg(test)]
mod tests;

/// The filters of a generation, by name; versions on trial have names of their own.
type Filters = HashMap<String, Arc<Filter>>;

/// What a generation is built of, besides its settings.
#[derive(Clone, Copy)]
pub struct BuildContext<'a> {
    /// The generation in force, whose unchanged filters and TLS sessions are kept.
    pub before: Option<&'a Generation>,
    /// Loads plugins.
    pub plugins: &'a Loader,
    /// Counts what filters do.
    pub metrics: &'a FilterFamilies,
    /// Where sinks are opened; without it, all stay closed, and lines would go back to their clients.
    pub sinks: Option<&'a SinkRegistry>,
    /// Who may see the lines.
    pub observed: Option<&'a Observed>,
    /// The files of the load, some of which the settings name.
    pub files: &'a Files,
}

impl<'a> BuildContext<'a> {
    /// For a first generation, without sinks, whose lines nobody may see.
    pub fn new(plugins: &'a Loader, metrics: &'a FilterFamilies, files: &'a Files) -> Self {
        Self {
            before: None,
            plugins,
            metrics,
            sinks: None,
            observed: None,
            files,
        }
    }
}

/// Builds the generation of `settings` from the files that they name.
///
/// # Errors
/// Everything that is wrong, each report pointing into the configuration.
pub async fn build(
    settings: &Settings,
    context: &BuildContext<'_>,
) -> Result<Generation, Problems> {
    build_of(settings, None, context).await
}

/// Builds the generation of `settings`. What `recipe` contains is not read from a file.
pub(super) async fn build_of(
    settings: &Settings,
    recipe: Option<&Recipe>,
    context: &BuildContext<'_>,
) -> Result<Generation, Problems> {
    let BuildContext {
        before,
        plugins,
        metrics,
        sinks,
        observed,
        files,
    } = *context;
    let number = before.map_or(1, |before| before.number + 1);
    let mut wrong = Vec::new();
    if let Some(sinks) = sinks {
        sinks.expect(settings);
    }
    let on_trial = settings.filters.values().filter_map(|filter| {
        let trial = filter.trial.as_ref()?;
        Some(trial_name(&filter.name, trial.kind))
    });
    let on_trial: Vec<_> = on_trial.collect();
    let tried = settings.filters.keys().chain(&on_trial);
    let in_force = before.iter().flat_map(|before| before.filters.keys());
    metrics.count_refusals_of(tried.chain(in_force).map(String::as_str));
    let builder = FilterBuilder {
        settings,
        files,
        before,
        recipe,
        plugins,
        metrics,
        sinks,
    };
    let filters = builder.build_all(&mut wrong).await;
    let tls = load_tls(settings, before, recipe, files, &mut wrong).await;
    // Services need all filters and certificates.
    if let Some(reports) = Problems::new(wrong) {
        return Err(reports);
    }
    let mut wrong = Vec::new();
    // What a recipe contains has been in force before.
    if recipe.is_none() {
        chain_test::run_all(&builder, &filters, &mut wrong).await;
    }
    let mut services = HashMap::new();
    for (listener, tls) in settings.listeners.iter().zip(tls) {
        let before = before.and_then(|before| before.services.get(&listener.name));
        let egress = match sinks {
            Some(sinks) => open::open(listener, tls.to_tls.clone(), sinks),
            None => Ok(Egress::reply(ConnectOptions::of(listener, None))),
        };
        let egress = match egress {
            Ok(egress) => egress,
            Err(problem) => {
                wrong.push(problem);
                continue;
            }
        };
        let before = before.map(|before| &**before);
        let service = service(
            listener,
            &filters,
            egress,
            tls,
            before,
            observed.zip(Some(number)),
        );
        let service = service.within(plugins.engine().budget());
        wrong.extend(unused_routes(listener, &service.chain));
        services.insert(listener.name.clone(), Arc::new(service));
    }
    if let Some(reports) = Problems::new(wrong) {
        return Err(reports);
    }
    Ok(Generation {
        number,
        services,
        leaving: HashMap::new(),
        drain: settings.host.drain,
        admin_token: settings.host.admin_token.clone(),
        admin_names: settings.host.admin_names.clone(),
        tap: settings.host.tap,
        drain_delay: settings.host.drain_delay,
        filters,
    })
}

/// Loads the TLS contexts of all listeners, in their order. What is wrong goes into `wrong`.
async fn load_tls(
    settings: &Settings,
    before: Option<&Generation>,
    recipe: Option<&Recipe>,
    files: &Files,
    wrong: &mut Vec<Problem>,
) -> Vec<ListenerTls> {
    let mut all = Vec::with_capacity(settings.listeners.len());
    for listener in &settings.listeners {
        if let Some(tls) = recipe.and_then(|recipe| recipe.tls(&listener.name)) {
            all.push(tls.clone());
            continue;
        }
        let before = before.and_then(|before| before.services.get(&listener.name));
        match certificates::load(listener, before.map(|before| &**before), files).await {
            Ok(tls) => all.push(tls),
            Err(reports) => wrong.extend(reports),
        }
    }
    all
}

/// The service of a listener, with its chains of `filters`. `observed`: who may see their lines, and the
/// generation.
fn service(
    listener: &ListenerSettings,
    filters: &Filters,
    egress: Egress,
    tls: ListenerTls,
    before: Option<&Service>,
    observed: Option<(&Observed, u64)>,
) -> Service {
    let routes = listener.routes.keys().map(String::as_str);
    let mut chain = Chain::new(stages(&listener.chain, filters), routes);
    let mut reply_chain = Chain::new(stages(&listener.reply_chain, filters), []);
    if let Some((observed, generation)) = observed {
        chain = chain.observed(observed, generation, false);
        reply_chain = reply_chain.observed(observed, generation, true);
    }
    Service::new(
        listener,
        Arc::new(chain),
        Arc::new(reply_chain),
        egress,
        tls.tls,
        tls.to_tls,
        before,
    )
}

/// The stages of a chain, each with its version on trial. Validation has checked that all names are
/// those of filters.
fn stages(chain: &[StageSettings], filters: &Filters) -> Vec<Stage> {
    let stage = |stage: &StageSettings| {
        let filter = filters.get(&stage.filter)?;
        let trial = filter.settings().trial.as_ref().and_then(|trial| {
            let on_trial = filters.get(&trial_name(filter.name(), trial.kind))?;
            Some(Trial::new(Arc::clone(on_trial), filter, trial))
        });
        Some(Stage::new(Arc::clone(filter), stage.when.clone()).trying(trial))
    };
    chain.iter().filter_map(stage).collect()
}

/// The report about routes of `listener` to which no filter of `chain` sends lines: one of the two names
/// is a mistake.
fn unused_routes(listener: &ListenerSettings, chain: &Chain) -> Option<Problem> {
    let unused: Vec<_> = chain
        .routes()
        .filter(|route| !chain.declares(route))
        .collect();
    if unused.is_empty() {
        return None;
    }
    let filters = chain.stages().iter().map(Stage::filter);
    let declared: Vec<_> = filters
        .flat_map(|filter| {
            let of = |route| format!("`{route}` of filter `{}`", filter.name());
            filter.routes().iter().map(of)
        })
        .collect();
    let hint = if declared.is_empty() {
        "no filter of the chain has routes; grep has one with `route` in its settings".into()
    } else {
        format!("the routes of its filters: {}", declared.join(", "))
    };
    let text = format!(
        "listener `{}`: no filter of its chain sends lines by the route `{}`",
        listener.name,
        unused.join("`, `")
    );
    Some(listener.places.of("routes").problem(text, &hint))
}
