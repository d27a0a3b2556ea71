//! Which keys of a filter differ, and which trials of it begin and end.

use super::Diff;
use super::Effect::Live;
use super::keys::Keys;
use super::shown::Bytes;
use crate::settings::{FilterSettings, Trial, TrialKind};

impl Diff {
    pub(super) fn filter(&mut self, subject: &str, old: &FilterSettings, new: &FilterSettings) {
        let FilterSettings {
            name: _,
            plugin,
            sha256,
            settings,
            on_error,
            quarantine,
            memory,
            deadline,
            limits,
            grant,
            isolation,
            handover,
            size,
            tests,
            trial,
            place: _,
            places: _,
        } = old;
        let mut keys = Keys {
            diff: self,
            subject,
            place: &|_| &new.place,
        };
        keys.compare("plugin", plugin, &new.plugin, Live);
        keys.compare("on_error", on_error, &new.on_error, Live);
        keys.changed("quarantine", *quarantine != new.quarantine, Live);
        keys.compare("memory", &Bytes(*memory), &Bytes(new.memory), Live);
        keys.compare("deadline", deadline, &new.deadline, Live);
        keys.limits(limits, &new.limits);
        keys.compare("isolation", isolation, &new.isolation, Live);
        keys.compare("handover", handover, &new.handover, Live);
        // Too long for a line, or not to be repeated in a log.
        keys.changed("sha256", *sha256 != new.sha256, Live);
        keys.changed("settings", *settings != new.settings, Live);
        keys.changed("grant", *grant != new.grant, Live);
        keys.changed("size", *size != new.size, Live);
        keys.changed("test", *tests != new.tests, Live);
        let of = |trial: &Option<Trial>, kind| {
            let trial = trial.as_ref();
            trial.filter(|trial| trial.kind == kind).cloned()
        };
        for kind in [TrialKind::Canary, TrialKind::Shadow] {
            let (old, new) = (of(trial, kind), of(&new.trial, kind));
            let what = match (&old, &new) {
                (Some(old), Some(new)) if old != new => format!("{} changed", kind.key()),
                (None, Some(new)) => format!("{} of {} begins", kind.key(), new.share),
                (Some(_), None) => format!("{} ends", kind.key()),
                _ => continue,
            };
            keys.say(kind.key(), what, Live);
        }
    }
}
