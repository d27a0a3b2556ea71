//! Warnings about a configuration that is valid but likely to hurt: lines that would pass unfiltered, files
//! that everybody may change, and limits that cannot all be used at the same time.
//!
//! In: settings, and the generation built of them. Out: a warning for each, with its place. `check` prints
//! them; `serve` logs the same ones, at the start and at each reload. All warnings about a configuration are
//! made here.
//! Not here: what is wrong (`build`).

mod capacity;
mod writable;

use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_seconds;

use crate::generation::{Certificate, Generation};
use linemill_budget::Budget;
use linemill_config::settings::{FilterSettings, ListenerSettings, Settings};
use linemill_config::{Keyword as _, Problem, Problems};
/// A certificate that expires within this time is worth a warning.
pub(crate) const SOON: Duration = Duration::from_hours(14 * 24);

/// What is worth a warning; `None` if nothing is. `budget` says how many mappings instances may have.
pub fn warnings(settings: &Settings, generation: &Generation, budget: &Budget) -> Option<Problems> {
    let warnings = settings
        .filters
        .values()
        .flat_map(|filter| filter_warnings(filter, settings, generation))
        .chain(certificates(settings, generation))
        .chain(writable::warnings(settings))
        .chain(capacity::warnings(settings, generation, budget));
    Problems::new(warnings.map(Problem::warning).collect())
}

/// Logs what is worth a warning.
pub fn log(settings: &Settings, generation: &Generation, budget: &Budget) {
    for warning in warnings(settings, generation, budget)
        .iter()
        .flat_map(Problems::iter)
    {
        tracing::warn!(
            at = warning.place().spot(),
            hint = warning.hint(),
            "{}",
            warning.what()
        );
    }
}

/// The certificates that have expired or soon will.
fn certificates(settings: &Settings, generation: &Generation) -> Vec<Problem> {
    let now = SystemTime::now();
    let soon = generation
        .certificates()
        .filter(|certificate| certificate.not_after <= now + SOON);
    let warning = |certificate: Certificate<'_>| {
        let listener = settings
            .listeners
            .iter()
            .find(|listener| listener.name == certificate.listener)?;
        let (key, at) = (
            certificate.key,
            format_rfc3339_seconds(certificate.not_after),
        );
        let text = if certificate.not_after <= now {
            format!(
                "listener `{}`: the certificate in `{key}` expired at {at}",
                listener.name
            )
        } else {
            format!(
                "listener `{}`: the certificate in `{key}` expires at {at}",
                listener.name
            )
        };
        let hint = "replace the file; the host reads it again when it changes";
        Some(listener.places.of(key).problem(text, hint))
    };
    soon.filter_map(warning).collect()
}

fn filter_warnings(
    filter: &FilterSettings,
    settings: &Settings,
    generation: &Generation,
) -> Vec<Problem> {
    let name = &filter.name;
    let mut warnings = Vec::new();
    let built = generation.filters.get(name);
    let against = built.filter(|built| built.passes_against_declaration());
    if let Some(declared) = against.and_then(|built| built.declared_on_error()) {
        let declared = declared.keyword();
        warnings.push(filter.places.of("on_error").problem(
            format!(
                "filter `{name}`: with `on_error` \"pass\", a line that it cannot handle passes unfiltered, \
                 which it is there to prevent"
            ),
            format!(
                "write on_error = \"drop\", \"close\" or \"quarantine\", or leave it out: its default is \
                 \"{declared}\""
            ),
        ));
    }
    let calls = |listener: &&ListenerSettings| listener.stages().any(|stage| stage.filter == *name);
    let longest = settings.listeners.iter().filter(calls);
    let longest = longest.max_by_key(|listener| listener.lines.max_line);
    let need = longest.zip(built).and_then(|(listener, built)| {
        let need = built.plugin().memory_need(listener.lines.max_line)?;
        (need > filter.memory as u64).then_some((listener, need))
    });
    if let Some((listener, need)) = need {
        let line = listener.lines.max_line;
        warnings.push(filter.places.of("memory").problem(
            format!(
                "filter `{name}`: `memory` of {} bytes is less than its plugin says that it needs for a \
                 line of `max_line` of listener `{}`, {line} bytes",
                filter.memory, listener.name
            ),
            format!("raise `memory` to at least {need}B, or lower `max_line`"),
        ));
    } else if let Some(listener) = longest
        && listener.lines.max_line.saturating_mul(2) > filter.memory
    {
        let line = listener.lines.max_line;
        warnings.push(filter.places.of("memory").problem(
            format!(
                "filter `{name}`: `memory` of {} bytes has no room for a line of `max_line` of listener `{}`, \
                 {line} bytes, and the answer to it",
                filter.memory, listener.name
            ),
            "raise `memory` to at least three times `max_line`, or lower `max_line`",
        ));
    }
    warnings
}
