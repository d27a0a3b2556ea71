//! Picks, removes and renames fields of lines that are JSON objects.
//!
//! Values go on byte for byte, in the order they came: a line is read only as far as needed to see
//! where its fields begin and end.

mod object;

use std::collections::{BTreeMap, HashMap};

use linemill_sdk::{Error, Filter, Output, export};
use serde::Deserialize;

/// Fields that are treated in some way, and how all others are.
pub struct Json {
    named: HashMap<Box<str>, Fate>,
    others: Fate,
    /// A line is one step of object parsing; the renamed names seen in it, by number.
    seen: Vec<bool>,
}

/// What becomes of a field.
#[derive(Clone, Debug)]
enum Fate {
    Keep,
    Remove,
    /// The new name as JSON text, quotes included, and its number.
    Rename(Box<str>, usize),
    /// Kept under its own name, which is also the new name of that number.
    Target(usize),
}

/// See the README.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pick: Option<Vec<String>>,
    remove: Vec<String>,
    rename: BTreeMap<String, String>,
}
