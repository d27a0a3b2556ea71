//! What is known about keys and tables of keys, regardless of their types.

use super::checker::Checker;
use super::item::Table;
use super::shape::Shape;

/// When a change of a key takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// At the next reload, for open connections too.
    Live,
    /// Only when the host is restarted.
    Restart,
}

impl Effect {
    /// The word for it in the reference.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Restart => "restart",
        }
    }
}

/// One key of a table, as documents show it.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// The kind of its value: "size, `1B` to `16MiB`".
    pub(crate) kind: String,
    /// What its value looks like.
    pub(crate) shape: Shape,
    /// Its default as written in a file; `None` if there is none.
    pub(crate) default: Option<String>,
    /// The text in the column "default" of the reference, if not `default`.
    pub(crate) default_text: Option<&'static str>,
    /// The text in the column "reload" of the reference.
    pub(crate) effect: &'static str,
    /// Its text in the reference.
    pub(crate) text: String,
    /// Its comment in the sample configuration; `None` if the sample shows the key inside another
    /// value.
    pub(crate) sample: Option<&'static str>,
    /// The value in the sample, commented out: the key has no default, or belongs to another key that
    /// has none.
    pub(crate) example: Option<&'static str>,
}

/// A key that differs.
pub(crate) struct Change {
    /// The key; `TABLE.KEY` if it is inside another table.
    pub(crate) key: String,
    /// How: `1s -> 2s`, or `changed`.
    pub(crate) what: String,
    /// When the change takes effect.
    pub(crate) effect: Effect,
    /// The new value as it is shown; `None` if it is secret, or too long for one line.
    pub(crate) value: Option<String>,
}

/// The settings of a table that [`keys!`] declares.
pub(crate) trait TableSettings: Default + PartialEq {
    /// Every key of the table, as documents show it.
    fn all_keys() -> Vec<Key>;

    /// Reads the keys of `table`. A key that is missing or has a problem gets its default.
    fn read(table: &Table<'_>, checker: &mut Checker<'_>) -> Self;

    /// What is different in `new`, in the order of the declaration.
    fn changes(&self, new: &Self) -> Vec<Change>;

    /// The table as it is written on one line of a file.
    fn toml(&self) -> String;
}
