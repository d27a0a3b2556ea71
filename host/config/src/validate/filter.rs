//! Tables `[filter.NAME]`.

use std::collections::BTreeMap;

use super::egress::quarantine;
use super::{Filters, NAME_HINT};
use crate::checker::Checker;
use crate::item::{Item, Table};
use crate::key::TableSettings as _;
use crate::keyword::Keyword as _;
use crate::plugin_ref::is_name;
use crate::printable::quote;
use crate::problem::Problem;
use crate::settings::{Destination, FilterSettings, FilterTest, OnError, PluginRef};

impl Checker<'_> {
    pub(super) fn filters(&mut self, item: Option<&Item<'_>>) -> Filters {
        let Some(item) = item else {
            return BTreeMap::new();
        };
        let right = "write a line [filter.NAME], in one pair of brackets, and its keys below";
        let Some(table) = self
            .problems
            .keep(item.table("`[filter]`".to_owned(), right))
        else {
            return BTreeMap::new();
        };
        let mut filters = BTreeMap::new();
        for (name, place, item) in table.iter() {
            if !is_name(name) {
                let text = format!("{} is not a name for a filter", quote(name));
                self.problems.push(place.problem(text, NAME_HINT));
            } else if let Some(mut table) = self
                .problems
                .keep(item.table(format!("filter `{name}`"), right))
            {
                // The place is the name in the header, not the keys below it.
                table.place = place;
                filters.insert(name.to_owned(), self.filter(name, &table));
            }
        }
        filters
    }

    fn filter(&mut self, name: &str, table: &Table<'_>) -> FilterSettings {
        let settings = FilterSettings::read(table, self);
        let plugin = match table.item("plugin") {
            Some(_) => settings.plugin,
            None => PluginRef::Name(name.to_owned()),
        };
        FilterSettings {
            name: name.to_owned(),
            plugin,
            quarantine: self.quarantine(table),
            tests: self.tests(table.item("test").as_ref(), name),
            trial: self.trial(table, name),
            place: match table.item("plugin") {
                Some(item) => item.place,
                None => table.place.clone(),
            },
            places: table.places(FilterSettings::KEYS),
            ..settings
        }
    }

    /// `quarantine`, which is allowed with exactly one choice of `on_error`.
    fn quarantine(&mut self, table: &Table<'_>) -> Option<Destination> {
        let on_error = table.item("on_error");
        // An invalid choice has been reported already.
        let policy = match &on_error {
            None => OnError::Pass,
            Some(item) => item.choice().ok()?,
        };
        match (table.item("quarantine"), policy == OnError::Quarantine) {
            (Some(item), true) => self.problems.keep(quarantine(&item, &self.folder)),
            (Some(item), false) => {
                let why = format!("`on_error` is \"{}\"", policy.keyword());
                let problem = item.vain(why, "write on_error = \"quarantine\"");
                self.problems.push(problem);
                None
            }
            (None, true) => {
                let right =
                    "name where lines that fail go: quarantine = \"file:PATH\", or an upstream";
                let problem = table.lacks("quarantine", right);
                self.problems.push(match on_error {
                    Some(item) => problem.at(&item.place),
                    None => problem,
                });
                None
            }
            (None, false) => None,
        }
    }

    fn tests(&mut self, item: Option<&Item<'_>>, filter: &str) -> Vec<FilterTest> {
        let Some(item) = item else { return Vec::new() };
        let right = "write test = [ { in = [\"a line\"], out = [\"what must come\"] } ]";
        let Some(items) = self.problems.keep(
            item.list()
                .map_err(|_| item.refuse("is not a list of tables", right)),
        ) else {
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                let name = format!("test {} of filter `{filter}`", index + 1);
                let table = self.problems.keep(item.table(name, right))?;
                table.refuse_unknown(FilterTest::KEYS, self);
                self.require(&table, FilterTest::KEYS, right);
                let (given, expected) = (table.item("in"), table.item("out"));
                if let Some(item) = &given
                    && item.list().is_ok_and(|lines| lines.is_empty())
                {
                    let hint = "give the filter at least one line";
                    self.problems.push(item.refuse("has no line", hint));
                }
                let [input, output] = [given, expected].map(|item| match item {
                    Some(item) => self.list(&item, line),
                    None => Vec::new(),
                });
                Some(FilterTest {
                    input,
                    output,
                    place: table.place,
                })
            })
            .collect()
    }
}

/// A line of a test; it may be empty.
fn line(item: &Item<'_>) -> Result<Vec<u8>, Problem> {
    match item.value().as_str() {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => Err(item.refuse("is not a line", "put each line in double quotes")),
    }
}
