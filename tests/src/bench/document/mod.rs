//! What was measured, as a document: kept as JSON, shown as text, Markdown and plots.
//!
//! In: tables of named columns ([`Part`]). Out: the same on a terminal, in a results file that
//! others can add to, and in a report. Not here: any measuring.

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
