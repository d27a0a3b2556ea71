//! What filters that thin a stream share. A library for filters, not a filter.
//!
//! In: the settings `key`, `field` and `count_line`, and lines. Out: the key of a line ([`Key`]), and lines
//! that say how many others were dropped ([`CountLine`]). Not here: which lines a filter drops.

mod count_line;
mod key;

pub use count_line::{CountLine, MAX_SHOWN, shown};
pub use key::{Fields, Key, MEMORY};
