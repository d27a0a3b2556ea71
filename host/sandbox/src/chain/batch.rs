//! A batch of lines on its way through a chain, between two stages.
//!
//! In: the lines of a batch, then what each stage made of them. Out: [`ChainOutput`]. What a stage that
//! closes ends, and how the lines of a route stand in order, is settled here, so that a batch comes
//! to what its lines would one by one. Pure.
//! Not here: running stages (`chain`), conditions (`condition`).

use std::sync::Arc;

use crate::verdict::routed_lines::{HeldLines, RoutedLines};
use crate::verdict::{Close, Verdicts};
use linemill_framing::Framing;
use linemill_framing::Lines;

#[cfg(test)]
mod tests;

/// What comes out of a chain.
#[derive(Debug, Default)]
pub struct ChainOutput {
    /// Lines that went through all of it.
    pub lines: Lines,
    /// Lines that left it by a route which the chain knows: each such route once, its lines in
    /// the order of the stream, every one with a terminator.
    pub routed: Vec<(Arc<str>, Lines)>,
    /// The connection closes once all these lines are written.
    pub close: Option<Close>,
}

/// A batch under way.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The lines for the next stage.
    pub(crate) lines: Lines,
    /// The lines that left, with their places among `lines`.
    routed: RoutedLines,
    /// The stream ends behind all of these.
    pub(crate) close: Option<Close>,
}

impl Batch {
    pub(crate) fn new(lines: Lines) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }

    /// A stage has judged the lines. If it closes, that ends what earlier stages let through and
    /// sent off, so the first to do so in the order of lines decides.
    pub(crate) fn advance(&mut self, verdicts: Verdicts) {
        if verdicts.close.is_some() {
            self.routed.end_at(verdicts.counts.len().saturating_sub(1));
        }
        self.routed.merge(verdicts.routed);
        self.routed.follow(&verdicts.counts);
        self.lines = verdicts.lines;
        self.close = verdicts.close.or(self.close);
    }

    /// Adds what a filter held back behind all other lines.
    pub(crate) fn add(&mut self, held: HeldLines, framing: Framing) {
        self.routed.append(held.routed, self.lines.len());
        if !held.lines.is_empty() {
            self.lines.terminate(framing);
            self.lines.append(held.lines);
        }
    }

    /// What came of it, with `routes` of the chain.
    pub(crate) fn end(self, routes: &[Arc<str>]) -> ChainOutput {
        ChainOutput {
            lines: self.lines,
            routed: self.routed.by_route(routes),
            close: self.close,
        }
    }
}
