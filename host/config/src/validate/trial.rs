//! Keys `canary` and `shadow` of a filter.

use crate::checker::Checker;
use crate::item::Table;
use crate::json;
use crate::key::TableSettings as _;
use crate::settings::{Trial, TrialKind};

impl Checker<'_> {
    /// The version of the filter that is on trial.
    pub(super) fn trial(&mut self, filter: &Table<'_>, name: &str) -> Option<Trial> {
        let (canary, shadow) = (filter.item("canary"), filter.item("shadow"));
        let (kind, item) = match (&canary, &shadow) {
            (Some(_), Some(shadow)) => {
                let hint = "one version is on trial at a time: leave out `canary` or `shadow`";
                let both = shadow.refuse("cannot be used together with `canary`", hint);
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
        self.require(&table, &["plugin", "share"], &right);
        Some(Trial {
            kind,
            place: item.place.clone(),
            places: table.places(Trial::KEYS),
            inner_places: json::places_of(&table),
            ..Trial::read(&table, self)
        })
    }
}
