//! What the readers of all tables need.

use std::path::PathBuf;

use super::collector::Collector;

/// Where problems are collected, and where paths and names are looked up.
pub(super) struct Checker<'b> {
    pub(super) problems: Collector,
    /// Folder that relative paths start from.
    pub(super) folder: PathBuf,
    /// Names of the bundled plugins.
    pub(super) bundled: &'b [&'b str],
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
}
