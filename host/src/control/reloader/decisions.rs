//! Decisions about trials, made while the host runs and not yet contained in the file.
//!
//! In: settings as read from the file, and decisions. Out: settings with the decisions applied, and
//! the edits to the file that make a decision survive a restart. A decision holds until the filter's
//! table in the file changes.

use std::collections::BTreeMap;

use linemill_config::settings::{FilterSettings, Settings, Trial};
use linemill_config::{Place, Problem};

/// How a trial ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrialDecision {
    /// The version on trial replaces the filter.
    Promoted,
    /// The filter stays as it is.
    Ended,
}

/// Decisions, by the filter's name.
#[derive(Debug, Clone, Default)]
pub(super) struct Decisions(BTreeMap<String, Decision>);

#[derive(Debug, Clone)]
struct Decision {
    /// The filter's table at the time of the decision; when it changes, the decision is dropped.
    file: FilterSettings,
    outcome: TrialDecision,
}

impl Decisions {
    /// Applies the decisions to `settings`, which come from the file. Drops the decisions about filters
    /// whose tables have changed or are gone.
    pub(super) fn apply_to(&mut self, settings: &mut Settings) {
        self.0.retain(|name, decision| {
            let Some(filter) = settings.filters.get_mut(name) else {
                return false;
            };
            if *filter != decision.file {
                return false;
            }
            *filter = decision.outcome.of(filter);
            true
        });
    }

    /// What no file contains, one entry for each decision.
    pub(super) fn describe(&self) -> Vec<String> {
        let decisions = self.0.iter();
        let described = decisions.map(|(name, decision)| match decision.outcome {
            TrialDecision::Promoted => format!("filter {name}: promoted at run time"),
            TrialDecision::Ended => format!("filter {name}: trial ended at run time"),
        });
        described.collect()
    }

    /// Decides the trial of filter `name` under the `settings` in force. Returns the new settings, and
    /// the edits to the file that correspond to them.
    ///
    /// # Errors
    /// The filter has no version on trial.
    pub(super) fn decide(
        &mut self,
        name: &str,
        outcome: TrialDecision,
        settings: &Settings,
    ) -> Result<(Settings, Vec<String>), Problem> {
        let Some((file, trial)) = settings
            .filters
            .get(name)
            .and_then(|filter| Some((filter, filter.trial.as_ref()?)))
        else {
            return Err(no_trial(name, settings));
        };
        let decision = Decision {
            file: file.clone(),
            outcome,
        };
        let edits = edits(file, trial, outcome);
        let mut next = settings.clone();
        next.filters.insert(name.to_owned(), outcome.of(file));
        self.0.insert(name.to_owned(), decision);
        Ok((next, edits))
    }
}

impl TrialDecision {
    /// The settings of `filter` after this decision.
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

fn no_trial(name: &str, settings: &Settings) -> Problem {
    let filters = settings.filters.values();
    let on_trial: Vec<_> = filters
        .filter(|filter| filter.trial.is_some())
        .map(|filter| format!("`{}`", filter.name))
        .collect();
    let hint = if on_trial.is_empty() {
        "no filter has a version on trial: `canary` and `shadow` of a filter start one".into()
    } else {
        format!("on trial is a version of {}", on_trial.join(", "))
    };
    Place::default().problem(format!("no version of filter `{name}` is on trial"), hint)
}

/// The edits to the file that make the decision survive a restart.
fn edits(file: &FilterSettings, trial: &Trial, outcome: TrialDecision) -> Vec<String> {
    let at = |place: &Place| {
        let spot = place.spot();
        spot.map_or_else(String::new, |spot| format!("{spot}: "))
    };
    let mut edits = vec![format!("{}remove `{}`", at(&trial.place), trial.kind.key())];
    if outcome == TrialDecision::Promoted {
        for key in ["plugin", "sha256", "settings"] {
            let old = file.places.of(key);
            match trial.places.get(key).and_then(Place::text) {
                Some(text) => edits.push(format!("{}{key} = {text}", at(old))),
                None if key == "sha256" && file.sha256.is_some() => {
                    edits.push(format!("{}remove `{key}`", at(old)));
                }
                None => {}
            }
        }
    }
    edits
}
