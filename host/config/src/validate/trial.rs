//! Keys `canary` and `shadow` of a filter.

use super::Checker;
use super::filter::{digest, plugin_ref};
use crate::file::Trial as TrialFile;
use crate::item::{Item, Table};
use crate::json;
use crate::settings::{By, Share, Trial, TrialKind};

impl Checker<'_> {
    /// What of the filter is on trial.
    pub(super) fn trial(&mut self, filter: &Table<'_>, name: &str) -> Option<Trial> {
        let (canary, shadow) = (filter.item("canary"), filter.item("shadow"));
        let (kind, item) = match (&canary, &shadow) {
            (Some(_), Some(shadow)) => {
                let hint = "one version is on trial at a time: leave out `canary` or `shadow`";
                let both = shadow.refuse("is one trial too many beside `canary`", hint);
                self.problems.push(both);
                return None;
            }
            (Some(item), None) => (TrialKind::Canary, item),
            (None, Some(item)) => (TrialKind::Shadow, item),
            (None, None) => return None,
        };
        let key = kind.key();
        let right = format!("write {key} = {{ plugin = \"PATH\", share = \"5%\" }}");
        let table = self
            .problems
            .keep(item.table(format!("`{key}` of filter `{name}`"), &right))?;
        let file = TrialFile::read(&table, &mut self.problems);
        let folder = self.folder.clone();
        for (name, item) in [("plugin", &file.plugin), ("share", &file.share)] {
            if item.is_none() {
                self.problems.push(table.lacks(name, &right));
            }
        }
        let plugin = file.plugin.as_ref();
        let plugin = plugin.and_then(|item| self.problems.keep(plugin_ref(item, &folder)));
        let share = file.share.as_ref();
        let share: Option<Share> = share.and_then(|item| self.problems.keep(item.parsed()));
        let places = table.places(TrialFile::KEYS);
        let problems = &mut self.problems;
        Some(Trial {
            kind,
            sha256: problems.read(file.sha256.as_ref(), None, |item| digest(item).map(Some)),
            settings: problems.read(file.settings.as_ref(), None, |item| {
                json::object(item).map(Some)
            }),
            by: problems.read(file.by.as_ref(), By::Connection, Item::choice),
            plugin: plugin?,
            share: share?,
            place: item.place.clone(),
            places,
        })
    }
}
