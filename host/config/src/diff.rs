//! What differs between two configurations, and which differences require a restart.
//!
//! In: the settings in use and those that will replace them. Out: [`Diff`], one [`Change`] per key.
//! Pure: it knows nothing about the running host. Not here: plugin files, which change without
//! their configuration; making the changes.

mod defaults;
mod filter;
mod listener;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use super::key::{self, TableSettings as _};
use super::problem::Problems;
use super::settings::{HostSettings, Settings};
use crate::problem::place::Place;

/// Every change from one configuration to another; empty when they mean the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diff {
    changes: Vec<Change>,
}

/// One change. Displays as one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What changes: "listener rot13".
    pub subject: String,
    /// How it changes: "added", `chain ["a"] -> ["b"]`.
    pub what: String,
    /// Whether the change can be made while the host runs.
    pub effect: Effect,
    /// Where it is in the new configuration.
    place: Place,
}

pub use super::key::Effect;
use Effect::{Live, Restart};
pub use defaults::not_default;

/// Compares the settings in use with new ones.
pub fn diff(old: &Settings, new: &Settings) -> Diff {
    let mut diff = Diff::default();
    diff.host(&old.host, &new.host, &new.place);
    diff.listeners(&old.listeners, &new.listeners);
    let names: BTreeSet<&String> = old.filters.keys().chain(new.filters.keys()).collect();
    for name in names {
        let subject = format!("filter {name}");
        match (old.filters.get(name), new.filters.get(name)) {
            (Some(old), Some(new)) => diff.filter(&subject, old, new),
            (None, Some(new)) => diff.note(&subject, "added", Live, &new.place),
            _ => diff.note(&subject, "removed", Live, &Place::default()),
        }
    }
    diff
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Each change.
    pub fn iter(&self) -> std::slice::Iter<'_, Change> {
        self.changes.iter()
    }

    /// The changes that cannot be made while the host runs, as errors; `None` if all can.
    pub fn refusal(&self) -> Option<Problems> {
        let restart = self.iter().filter(|change| change.effect == Restart);
        let problem = |change: &Change| {
            let hint = "restart linemill for it, or change it back; until then nothing of this configuration is taken";
            change
                .place
                .problem(format!("{change}: this needs a restart"), hint)
        };
        Problems::new(restart.map(problem).collect())
    }

    fn note(&mut self, subject: &str, what: impl Into<String>, effect: Effect, place: &Place) {
        self.changes.push(Change {
            subject: subject.to_owned(),
            what: what.into(),
            effect,
            place: place.clone(),
        });
    }

    /// Adds the changes of the keys of one table. `place` says where the new file has a key.
    fn keys<'a>(
        &mut self,
        subject: &str,
        changes: Vec<key::Change>,
        place: impl Fn(&str) -> &'a Place,
    ) {
        for key::Change {
            key, what, effect, ..
        } in changes
        {
            let place = place(key.split('.').next().unwrap_or(&key));
            self.note(subject, format!("{key} {what}"), effect, place);
        }
    }

    fn host(&mut self, old: &HostSettings, new: &HostSettings, file: &Place) {
        // If the file lacks the table, its keys have no place.
        let place = |key: &str| match new.places.of(key) {
            place if place.path().is_some() => place,
            _ => file,
        };
        self.keys("host", old.changes(new), place);
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.what)
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|change| writeln!(f, "{change}"))
    }
}
