//! JSON in lines, byte for byte. A library for filters, not a filter.
//!
//! In: a line, and paths from a filter's settings. Out: where names and values are, whether the line is
//! JSON, and strings decoded and encoded. Nothing is parsed into trees of values: what a filter does not
//! touch stays as it is, digits of numbers included.
//! Not here: what a filter does with a value.
//!
//! | to | use |
//! |---|---|
//! | read the members of an object with their names | [`Scan`], [`decode`] |
//! | find values by path | [`Path`], [`Finder`] |
//! | test values as settings say | [`Condition`], [`Conditions`] |
//! | keep something for each path of the settings | [`Tree`] |
//! | write a string | [`write_string`], [`write_bytes`] |
//!
//! Time is linear in the length of a line, whatever is in it, and so is memory: nesting takes one bit per
//! level, and only the steps of paths recurse.

mod bound;
mod conditions;
mod constant;
mod decimal;
mod finder;
mod grammar;
mod kind;
mod lanes;
mod path;
mod problem;
mod scan;
mod string;
mod tree;

pub use bound::Bound;
pub use conditions::{Condition, Conditions};
pub use finder::{Finder, Found};
pub use kind::Kind;
pub use path::{MAX_STEPS, Path, Step};
pub use problem::Problem;
pub use scan::{Name, Open, Scan};
pub use string::{decode, write_bytes, write_string};
pub use tree::Tree;

#[cfg(test)]
mod tests;
