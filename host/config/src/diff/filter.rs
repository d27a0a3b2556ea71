//! Which keys of a filter differ, and which of its trials begin or end.

use super::Diff;
use super::Effect::Live;
use crate::key::TableSettings as _;
use crate::settings::{FilterSettings, Trial, TrialKind};

impl Diff {
    pub(super) fn filter(&mut self, subject: &str, old: &FilterSettings, new: &FilterSettings) {
        self.keys(subject, old.changes(new), |_| &new.place);
        let of = |filter: &FilterSettings, kind| {
            let trial = filter.trial.as_ref();
            trial.filter(|trial| trial.kind == kind).cloned()
        };
        for kind in [TrialKind::Canary, TrialKind::Shadow] {
            let (old_trial, new_trial): (Option<Trial>, _) = (of(old, kind), of(new, kind));
            let what = match (&old_trial, &new_trial) {
                (Some(old), Some(new)) if old != new => format!("{} changed", kind.key()),
                (None, Some(new)) => format!("{} of {} begins", kind.key(), new.share),
                (Some(_), None) => format!("{} ends", kind.key()),
                _ => continue,
            };
            self.note(subject, what, Live, &new.place);
        }
    }
}
