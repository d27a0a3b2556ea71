//! What has been decided about trials while the host runs, and the file does not say yet.
//!
//! In: settings as they are read, and decisions. Out: settings with the decisions on top, and the
//! lines of the file that must change for a decision to outlive a restart. A decision holds until
//! the filter's table in the file is another one.

use std::collections::BTreeMap;

use linemill_config::report::{Place, Report};
use linemill_config::settings::{FilterSettings, Settings, Trial};

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrialDecision {
    /// The version on trial is the filter from now on.
    Promoted,
    /// The trial is over, and the filter stays what it was.
    Ended,
}

/// Decisions, by the filter's name.
#[derive(Debug, Clone, Default)]
pub(super) struct Decisions(BTreeMap<String, Decision>);

#[derive(Debug, Clone)]
struct Decision {
    /// The filter, as the file had it.
    file: FilterSettings,
    verdict: TrialDecision,
}

impl Decisions {
    /// Puts them on top of `settings`, which come from the file. Those that do not fit any more are
    /// forgotten.
    pub(super) fn put_on(&mut self, settings: &mut Settings) {
        self.0.retain(|name, decision| {
            let Some(filter) = settings.filters.get_mut(name) else {
                return false;
            };
            if *filter != decision.file {
                return false;
            }
            *filter = decision.verdict.of(filter);
            true
        });
    }

    /// Decides about the trial of filter `name`, of which `settings` are in force. Returns the
    /// settings that follow, and the lines of the file to change.
    ///
    /// # Errors
    /// When there is nothing to decide about.
    pub(super) fn decide(
        &mut self,
        name: &str,
        verdict: TrialDecision,
        settings: &Settings,
    ) -> Result<(Settings, Vec<String>), Report> {
        let Some((file, trial)) = settings
            .filters
            .get(name)
            .and_then(|filter| Some((filter, filter.trial.as_ref()?)))
        else {
            return Err(nothing(name, settings));
        };
        let decision = Decision {
            file: file.clone(),
            verdict,
        };
        let lines = lines(file, trial, verdict);
        let mut next = settings.clone();
        next.filters.insert(name.to_owned(), verdict.of(file));
        self.0.insert(name.to_owned(), decision);
        Ok((next, lines))
    }
}

impl TrialDecision {
    fn of(self, filter: &FilterSettings) -> FilterSettings {
        match self {
            Self::Promoted => filter.promoted().unwrap_or_else(|| filter.clone()),
            Self::Ended => FilterSettings {
                trial: None,
                ..filter.clone()
            },
        }
    }
}

fn nothing(name: &str, settings: &Settings) -> Report {
    let filters = settings.filters.values();
    let on_trial: Vec<_> = filters
        .filter(|filter| filter.trial.is_some())
        .map(|filter| format!("`{}`", filter.name))
        .collect();
    let hint = match on_trial.is_empty() {
        true => {
            "no filter has a version on trial: `canary` and `shadow` of a filter begin one".into()
        }
        false => format!("on trial is a version of {}", on_trial.join(", ")),
    };
    Place::default().report(format!("no version of filter `{name}` is on trial"), hint)
}

/// What the file must say for the decision to outlive a restart.
fn lines(file: &FilterSettings, trial: &Trial, verdict: TrialDecision) -> Vec<String> {
    let at = |place: &Place| {
        let spot = place.spot();
        spot.map_or_else(String::new, |spot| format!("{spot}: "))
    };
    let mut lines = vec![format!("{}remove `{}`", at(&trial.place), trial.kind.key())];
    if verdict == TrialDecision::Promoted {
        for key in ["plugin", "sha256", "settings"] {
            let old = file.places.of(key);
            match trial.places.get(key).and_then(Place::text) {
                Some(text) => lines.push(format!("{}{key} = {text}", at(old))),
                None if key == "sha256" && file.sha256.is_some() => {
                    lines.push(format!("{}remove `{key}`", at(old)));
                }
                None => {}
            }
        }
    }
    lines
}
