//! A batch of lines between two stages of a chain.
//!
//! In: the lines of a batch, then the verdicts of each stage on them. Out: [`ChainOutput`]. The batch
//! keeps routed lines in order, and cuts everything after a line at which a stage closes the stream,
//! so the result is the same as for each line on its own. Pure.
//! Not here: running stages (`stream_state`), conditions (`condition`).

use std::sync::Arc;

use crate::verdict::routed_lines::{HeldLines, RoutedLines};
use crate::verdict::{Close, Verdicts};
use linemill_framing::Framing;
use linemill_framing::Lines;

#[cfg(test)]
mod tests;

/// The output of a chain for one batch.
#[derive(Debug, Default)]
pub struct ChainOutput {
    /// Lines that passed through the whole chain.
    pub lines: Lines,
    /// Lines that left the chain by a route. Each route occurs once, with its lines in the order of
    /// the stream, and every line has a terminator.
    pub routed: Vec<(Arc<str>, Lines)>,
    /// If set, the connection closes once all these lines are written.
    pub close: Option<Close>,
    /// Lines that were lost because the host could not run a filter.
    pub cut: u64,
}

/// A batch on its way through a chain.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The lines for the next stage.
    pub(crate) lines: Lines,
    /// The lines that left by a route, with their positions among `lines`.
    routed: RoutedLines,
    /// If set, the stream ends after all of these lines.
    pub(crate) close: Option<Close>,
    /// Lines that were lost because the host could not run a filter.
    cut: u64,
    /// Somebody observes the chain.
    pub(crate) observed: bool,
}

impl Batch {
    pub(crate) fn new(lines: Lines) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }

    /// Applies the verdicts of a stage. If the stage closes the stream, lines after that point are
    /// cut, including those that earlier stages sent to routes. So the earliest line at which any
    /// stage closes decides.
    /// `inputs` is how many lines the stage received.
    pub(crate) fn advance(&mut self, inputs: usize, verdicts: Verdicts) {
        self.cut += verdicts.cut(inputs);
        if verdicts.close.is_some() {
            self.routed.end_at(verdicts.counts.len().saturating_sub(1));
        }
        self.routed.merge(verdicts.routed);
        self.routed.follow(&verdicts.counts);
        self.lines = verdicts.lines;
        self.close = verdicts.close.or(self.close);
    }

    /// Adds the lines that a filter held back, after all others.
    pub(crate) fn add(&mut self, held: HeldLines, framing: Framing) {
        self.cut += held.cut;
        self.routed.append(held.routed, self.lines.len());
        if !held.lines.is_empty() {
            self.lines.terminate(framing);
            self.lines.append(held.lines);
        }
    }

    /// Ends the batch. `routes` are the names of the chain's routes.
    pub(crate) fn end(self, routes: &[Arc<str>]) -> ChainOutput {
        ChainOutput {
            lines: self.lines,
            routed: self.routed.by_route(routes),
            close: self.close,
            cut: self.cut,
        }
    }
}
