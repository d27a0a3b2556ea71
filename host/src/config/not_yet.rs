//! What the configuration can say and this version does not do yet.
//!
//! In: settings that hold. Out: a report for each use of such a thing: nothing is ignored
//! silently. A version that learns one deletes its line here.

use super::report::{Place, Report};
use super::settings::{FilterSettings, Settings};

/// One thing that is not done yet.
struct NotYet<T> {
    key: &'static str,
    /// What of the key.
    what: &'static str,
    /// What does most of it today.
    instead: &'static str,
    used: fn(&T) -> bool,
}

const FILTER: &[NotYet<FilterSettings>] = &[NotYet {
    key: "grant",
    what: "granting a filter anything to import",
    instead: "write grant = [] and use a filter that imports nothing",
    used: |filter| !filter.grant.is_empty(),
}];

/// A report for everything in `settings` that this version does not do yet.
pub fn not_yet(settings: &Settings) -> Vec<Report> {
    let mut reports = Vec::new();
    for filter in settings.filters.values() {
        let name = format!("filter `{}`", filter.name);
        reports.extend(gather(FILTER, filter, &name, |key| filter.places.of(key)));
    }
    reports
}

fn gather<'a, T>(
    table: &[NotYet<T>],
    settings: &T,
    name: &str,
    place: impl Fn(&'static str) -> &'a Place,
) -> Vec<Report> {
    let report = |line: &NotYet<T>| {
        let text = format!("key `{}` of {name}: not yet: {}", line.key, line.what);
        place(line.key).report(
            text,
            format!("until a later version has it, {}", line.instead),
        )
    };
    table
        .iter()
        .filter(|line| (line.used)(settings))
        .map(report)
        .collect()
}
