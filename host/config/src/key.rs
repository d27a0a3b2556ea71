//! What is known of a key and of a table of keys, whatever they hold.

use super::checker::Checker;
use super::item::Table;

/// When a change of a key takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// At once, for open connections too.
    Live,
    /// Only when the host is started again.
    Restart,
}

impl Effect {
    /// The word that the reference has for it.
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
    /// What it holds: "size, `1B` to `16MiB`".
    pub(crate) kind: String,
    /// Its default as the file has it; `None` if it is left out by default.
    pub(crate) default: Option<String>,
    /// What the reference has in the column "default", if not `default`.
    pub(crate) default_text: Option<&'static str>,
    /// What the reference has in the column "reload".
    pub(crate) effect: &'static str,
    /// Its text in the reference.
    pub(crate) text: String,
    /// Its comment in the sample configuration; `None` if the sample has it inside another value.
    pub(crate) sample: Option<&'static str>,
    /// What the sample sets it to in a comment, if it has no default.
    pub(crate) example: Option<&'static str>,
}

/// A key that differs.
pub(crate) struct Change {
    /// The key; inside another table `TABLE.KEY`.
    pub(crate) key: String,
    /// How: `1s -> 2s`, or `changed`.
    pub(crate) what: String,
    /// When the change takes effect.
    pub(crate) effect: Effect,
}

/// The settings of a table that [`keys!`] declares.
pub(crate) trait TableSettings: Default + PartialEq {
    /// Reads the keys of `table`; one that is left out, or has a problem, has its default.
    fn read(table: &Table<'_>, checker: &mut Checker<'_>) -> Self;

    /// What is different in `new`, in the order of the declaration.
    fn changes(&self, new: &Self) -> Vec<Change>;

    /// The table as a file has it on one line.
    fn toml(&self) -> String;
}
