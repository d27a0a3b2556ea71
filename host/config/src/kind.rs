//! Kinds of values: how a key's value is written.
//!
//! In: an [`Item`] of the file. Out: the value, or a problem. In the other direction: the value as
//! it is written in a file, and the name of the kind in the reference. Kinds that several keys use
//! are in `kind/`. Code in `validate` reads a key whose kind is [`Special`].

mod access;
mod address;
mod examples;
mod log_levels;
mod memory;
mod number;
mod plain;
mod stages;

use super::checker::Checker;
use super::item::{Item, Table};
use super::key::{Change, Effect, TableSettings};
use super::shape::Shape;
pub(crate) use access::{AdminNames, ClientNames, FileMode, NetworkList};
pub(crate) use address::{AdminAddress, ListenAddress, QuarantineDestination, destination};
pub(crate) use examples::Examples;
pub(crate) use log_levels::LogLevels;
pub(crate) use memory::AutoSize;
pub(crate) use number::{Age, Count, HOUR, SHORTEST, Seconds, Size, Time, Timeout};
pub(crate) use plain::{
    Choice, Choices, File, Files, Flag, HostName, Json, Name, Percentage, Plugin, Secret, Sha256,
};
pub(crate) use stages::Stages;

/// How a value of type `T` is written.
pub(crate) trait Kind<T> {
    /// Its name in the reference: "size, `1B` to `16MiB`".
    fn name(&self) -> String;

    /// What a value looks like, for a schema.
    fn shape(&self) -> Shape;

    /// Reads a value; `None` if the problem has been collected, or if other code reads it.
    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<T>;

    /// The value as it is shown in a change, such as `16KiB`; `None` if it is secret, or too long
    /// for one line.
    fn show(&self, value: &T) -> Option<String>;

    /// The changes from `old` to `new`, which are not equal.
    fn changes(&self, key: &str, old: &T, new: &T, effect: Effect) -> Vec<Change> {
        let value = self.show(new);
        let what = match (self.show(old), &value) {
            (Some(old), Some(new)) => format!("{old} -> {new}"),
            _ => "changed".to_owned(),
        };
        let key = key.to_owned();
        vec![Change {
            key,
            what,
            effect,
            value,
        }]
    }

    /// The value as it is written in a file, such as `"16KiB"`; `None` if it can only be expressed
    /// by leaving the key out.
    fn toml(&self, value: &T) -> Option<String> {
        self.show(value).map(|shown| format!("{shown:?}"))
    }
}

/// A nested table, declared by `keys!`.
pub(crate) struct Nested<T> {
    /// Shows how to write it.
    right: &'static str,
    /// The keys that it must have.
    required: &'static [&'static str],
    /// The rules between its keys.
    rules: Rules<T>,
}

/// Checks the rules between the keys of a table, and derives the defaults that depend on other keys.
pub(crate) type Rules<T> = fn(&mut T, &Written<'_, '_>, &mut Checker<'_>);

/// A nested table as it is written, for its [`Rules`].
pub(crate) struct Written<'i, 'a> {
    pub(crate) item: &'i Item<'a>,
    pub(crate) table: &'i Table<'a>,
    /// Shows how to write it.
    pub(crate) right: &'static str,
    /// Whether all of its values are valid on their own.
    pub(crate) valid: bool,
}

/// A key that may be left out. The value is then `None`, which a change shows as `.1`.
pub(crate) struct Optional<K>(pub(crate) K, pub(crate) &'static str);

/// The kind of a single key, which code in `validate` reads.
pub(crate) struct Special<T> {
    name: &'static str,
    shape: fn() -> Shape,
    show: fn(&T) -> Option<String>,
    toml: fn(&T) -> Option<String>,
}

impl<T> Nested<T> {
    /// A table whose keys are independent. `right` shows how to write it.
    pub(crate) const fn new(right: &'static str) -> Self {
        Self {
            right,
            required: &[],
            rules: |_, _, _| {},
        }
    }

    /// The same table, which must have these keys.
    pub(crate) const fn require(self, required: &'static [&'static str]) -> Self {
        Self { required, ..self }
    }

    /// The same table with rules between its keys.
    pub(crate) const fn rules(self, rules: Rules<T>) -> Self {
        Self { rules, ..self }
    }
}

impl<T: TableSettings> Kind<T> for Nested<T> {
    fn name(&self) -> String {
        "table".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Table(T::all_keys)
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<T> {
        let table = checker.problems.keep(item.own_table(self.right))?;
        let before = checker.problems.len();
        let mut settings = T::read(&table, checker);
        let written = Written {
            item,
            table: &table,
            right: self.right,
            valid: checker.problems.len() == before,
        };
        checker.require(&table, self.required, self.right);
        (self.rules)(&mut settings, &written, checker);
        Some(settings)
    }

    fn show(&self, _: &T) -> Option<String> {
        None
    }

    fn changes(&self, key: &str, old: &T, new: &T, _: Effect) -> Vec<Change> {
        let inside = |change: Change| Change {
            key: format!("{key}.{}", change.key),
            ..change
        };
        old.changes(new).into_iter().map(inside).collect()
    }

    fn toml(&self, value: &T) -> Option<String> {
        Some(value.toml())
    }
}

impl<T, K: Kind<T>> Kind<Option<T>> for Optional<K> {
    fn name(&self) -> String {
        self.0.name()
    }

    fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Option<T>> {
        self.0.read(item, checker).map(Some)
    }

    fn show(&self, value: &Option<T>) -> Option<String> {
        match value {
            Some(value) => self.0.show(value),
            None => Some(self.1.to_owned()),
        }
    }

    fn toml(&self, value: &Option<T>) -> Option<String> {
        self.0.toml(value.as_ref()?)
    }
}

impl<T> Special<T> {
    /// A kind that the reference calls `name`; a change says only that the key changed.
    pub(crate) const fn new(name: &'static str, shape: fn() -> Shape) -> Self {
        Self {
            name,
            shape,
            show: |_| None,
            toml: |_| None,
        }
    }

    /// The same kind; a change shows the value as `show` returns it.
    pub(crate) const fn shown(self, show: fn(&T) -> Option<String>) -> Self {
        Self { show, ..self }
    }

    /// The same kind; a file contains the value as `toml` returns it.
    pub(crate) const fn written(self, toml: fn(&T) -> Option<String>) -> Self {
        Self { toml, ..self }
    }
}

impl<T> Kind<T> for Special<T> {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn shape(&self) -> Shape {
        (self.shape)()
    }

    fn read(&self, _: &Item<'_>, _: &mut Checker<'_>) -> Option<T> {
        None
    }

    fn show(&self, value: &T) -> Option<String> {
        (self.show)(value)
    }

    fn toml(&self, value: &T) -> Option<String> {
        (self.toml)(value)
    }
}
