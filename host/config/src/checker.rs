//! What the readers of all tables need.

use std::path::PathBuf;

use super::collector::Collector;
use super::item::{Item, Table};
use super::problem::Problem;
use super::validate::Filters;

/// Where problems are collected, and where paths and names are looked up.
pub(super) struct Checker<'b> {
    pub(super) problems: Collector,
    /// Folder that relative paths start from.
    pub(super) folder: PathBuf,
    /// Names of the bundled plugins.
    pub(super) bundled: &'b [&'b str],
    /// The filters that chains may name, once they have been read.
    pub(super) filters: Filters,
    /// Every table with its keys, for hints.
    pub(super) tables: &'static [(&'static str, &'static [&'static str])],
}

impl Checker<'_> {
    /// The table that has `key`, if there is one.
    pub(super) fn table_of(&self, key: &str) -> Option<&'static str> {
        let mut tables = self.tables.iter();
        let found = tables.find(|(_, keys)| keys.contains(&key));
        found.map(|(table, _)| *table)
    }

    /// The items of a list; those that are invalid become problems.
    pub(super) fn list<'a, T>(
        &mut self,
        item: &Item<'a>,
        read: impl Fn(&Item<'a>) -> Result<T, Problem>,
    ) -> Vec<T> {
        let items = self.problems.keep(item.list()).unwrap_or_default();
        items
            .iter()
            .filter_map(|item| self.problems.keep(read(item)))
            .collect()
    }

    /// Reports each of `keys` that `table` lacks. `right` is what to write.
    pub(super) fn require(&mut self, table: &Table<'_>, keys: &[&str], right: &str) {
        for key in keys.iter().filter(|key| !table.has(key)) {
            self.problems.push(table.lacks(key, right));
        }
    }
}
