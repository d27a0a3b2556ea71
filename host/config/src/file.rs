//! The configuration as written: every table and every key that a file may have.
//!
//! In: a TOML tree. Out: structs with one optional [`Item`] a key; a key that is not here is
//! reported. Not here: what the values must be (see `validate`).
//!
//! The structs mirror the file by hand and not by serde, which stops at the first unknown key or
//! wrong type; a user should see all mistakes of a file at once, each where it stands.

use super::collector::Collector;
use super::item::{Item, Table};
use super::settings::{CompileLimits, FilterSettings, HostSettings, Limits, ListenerSettings};

/// Declares a table: a struct with one field a key, the list of its keys, and its reader.
macro_rules! table {
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    ($(#[$doc:meta])* $name:ident { $($field:ident $(= $key:literal)?),* $(,)? }) => {
        $(#[$doc])*
        pub(super) struct $name<'a> {
            $(pub(super) $field: Option<Item<'a>>,)*
        }

        impl<'a> $name<'a> {
            /// Every key that the table may have.
            pub(super) const KEYS: &'static [&'static str] = &[$(table!(@key $field $($key)?)),*];

            /// Takes the keys of `table`; unknown ones become problems.
            pub(super) fn read(table: &Table<'a>, problems: &mut Collector) -> Self {
                table.refuse_unknown(Self::KEYS, problems);
                Self {
                    $($field: table.item(table!(@key $field $($key)?)),)*
                }
            }
        }
    };
}

table! {
    /// The whole file.
    File { host, listener, filter }
}

table! {
    /// Table `rollback` of `[host]`.
    Rollback { share, window }
}

table! {
    /// An item of a chain that is more than a filter's name.
    Stage { filter, when }
}

table! {
    /// Table `to_tls` of a listener.
    HopTls { ca, cert, key, name }
}

table! {
    /// Table `watermarks` of a listener.
    Watermarks { high, low }
}

table! {
    /// Tables `rate` and `total_rate` of a listener.
    Rate { bytes, lines, burst }
}

table! {
    /// Table `tls` of a listener.
    Tls { cert, key, client_ca }
}

table! {
    /// An item of a filter's `test`.
    Test { input = "in", output = "out" }
}

table! {
    /// Tables `canary` and `shadow` of a filter.
    Trial { plugin, sha256, settings, share, by }
}

/// Every table with its keys, as users write it.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("the file", File::KEYS),
    (HostSettings::TITLE, HostSettings::KEYS),
    ("`rollback`", Rollback::KEYS),
    (ListenerSettings::TITLE, ListenerSettings::KEYS),
    ("a stage", Stage::KEYS),
    ("`to_tls`", HopTls::KEYS),
    ("`watermarks`", Watermarks::KEYS),
    ("`rate`", Rate::KEYS),
    ("`tls`", Tls::KEYS),
    (FilterSettings::TITLE, FilterSettings::KEYS),
    (Limits::TITLE, Limits::KEYS),
    ("`test`", Test::KEYS),
    ("`canary`", Trial::KEYS),
    (CompileLimits::TITLE, CompileLimits::KEYS),
];

/// The table that has `key`, when a file has it in another.
pub(super) fn elsewhere(key: &str) -> Option<&'static str> {
    TABLES
        .iter()
        .find(|(_, keys)| keys.contains(&key))
        .map(|(table, _)| *table)
}
