//! Tables `[filter.NAME]`.

use super::NAME_HINT;
use crate::checker::Checker;
use crate::item::{Item, Table};
use crate::json;
use crate::key::TableSettings as _;
use crate::keyword::Keyword as _;
use crate::plugin_ref::is_name;
use crate::printable::quote;
use crate::settings::{FilterSettings, OnError, PluginRef};

impl Checker<'_> {
    /// Adds the filters of one file to those of the others.
    pub(super) fn filters(&mut self, item: Option<&Item<'_>>) {
        let Some(item) = item else { return };
        let right = "write a line [filter.NAME], in one pair of brackets, and its keys below";
        let Some(table) = self
            .problems
            .keep(item.table("`[filter]`".to_owned(), right))
        else {
            return;
        };
        for (name, place, item) in table.iter() {
            if !is_name(name) {
                let text = format!("{} is not a name for a filter", quote(name));
                self.problems.push(place.problem(text, NAME_HINT));
                continue;
            }
            if let Some(first) = self.filters.get(name) {
                let there = first.place.spot().unwrap_or_default();
                let text = format!("there are two filters `{name}`; the first is at {there}");
                let hint = "give one of them another name, or leave it out";
                self.problems.push(place.problem(text, hint));
                continue;
            }
            if let Some(mut table) = self
                .problems
                .keep(item.table(format!("filter `{name}`"), right))
            {
                // The place is the name in the header, not the keys below it.
                table.place = place;
                let filter = self.filter(name, &table);
                self.filters.insert(name.to_owned(), filter);
            }
        }
    }

    fn filter(&mut self, name: &str, table: &Table<'_>) -> FilterSettings {
        let settings = FilterSettings::read(table, self);
        let plugin = match table.item("plugin") {
            Some(_) => settings.plugin,
            None => PluginRef::Name(name.to_owned()),
        };
        self.quarantine(table);
        FilterSettings {
            name: name.to_owned(),
            plugin,
            trial: self.trial(table, name),
            place: match table.item("plugin") {
                Some(item) => item.place,
                None => table.place.clone(),
            },
            places: table.places(FilterSettings::KEYS),
            inner_places: json::places_of(table),
            ..settings
        }
    }

    /// `quarantine` is required with one choice of `on_error`, and refused with any other.
    fn quarantine(&mut self, table: &Table<'_>) {
        let on_error = table.item("on_error");
        let policy = match &on_error {
            None => None,
            Some(item) => match item.choice() {
                Ok(policy) => Some(policy),
                // Has been reported already.
                Err(_) => return,
            },
        };
        match (
            table.item("quarantine"),
            policy == Some(OnError::Quarantine),
        ) {
            (Some(item), false) => {
                let why = match policy {
                    Some(policy) => format!("`on_error` is \"{}\"", policy.keyword()),
                    None => "`on_error` is not set".to_owned(),
                };
                let problem = item.vain(why, "write on_error = \"quarantine\"");
                self.problems.push(problem);
            }
            (None, true) => {
                let right =
                    "name where lines that fail go: quarantine = \"file:PATH\", or an upstream";
                let problem = table.lacks("quarantine", right);
                self.problems.push(match on_error {
                    Some(item) => problem.at(&item.place),
                    None => problem,
                });
            }
            (Some(_), true) | (None, false) => {}
        }
        let to = table.item("quarantine").map(|item| item.text());
        let is_file = |to| matches!(to, Some(Ok(to)) if str::starts_with(to, "file:"));
        if let (Some(item), false) = (table.item("file_mode"), is_file(to)) {
            let hint = "write quarantine = \"file:PATH\"";
            let problem = item.vain("no failed line goes to a file", hint);
            self.problems.push(problem);
        }
    }
}
