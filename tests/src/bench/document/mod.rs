//! Results as a document: stored as JSON, shown as text, Markdown and plots.
//!
//! In: tables of named columns ([`Part`]). Out: the same on a terminal, in a results file to which
//! other programs can add, and in a report. Not here: measuring.

mod draw;
mod machine;
mod markdown;
mod part;
mod plot;
mod results;
mod target;

pub(crate) use draw::draw;
pub(crate) use machine::Machine;
pub(crate) use markdown::{markdown, plots};
pub(crate) use part::{Cell, Kind, Part, Plot};
pub(crate) use results::Results;
