//! A batch of lines on its way through a chain, between two stages.
//!
//! In: the lines of a batch, then what each stage made of them. Out: [`Flow`]. What a stage that
//! closes ends, and how the lines of a route stand in order, is settled here, so that a batch comes
//! to what its lines would one by one. Pure.
//! Not here: running stages (`chain`), conditions (`condition`).

use std::sync::Arc;

use super::departed::Departed;
use super::verdict::{Close, Judged};
use crate::config::settings::Framing;
use crate::lines::Lines;

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;

/// What comes out of a chain.
#[derive(Debug, Default)]
pub struct Flow {
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
pub(super) struct Course {
    /// The lines for the next stage.
    pub(super) lines: Lines,
    /// The lines that left, with their places among `lines`.
    departed: Departed,
    /// The stream ends behind all of these.
    pub(super) close: Option<Close>,
}

/// What a filter held back.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) lines: Lines,
    /// With their places among `lines`.
    pub(super) departed: Departed,
}

impl Course {
    pub(super) fn new(lines: Lines) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }

    /// A stage has judged the lines. If it closes, that ends what earlier stages let through and
    /// sent off, so the first to do so in the order of lines decides.
    pub(super) fn advance(&mut self, judged: Judged) {
        if judged.close.is_some() {
            self.departed.end_at(judged.counts.len().saturating_sub(1));
        }
        self.departed.merge(judged.departed);
        self.departed.follow(&judged.counts);
        self.lines = judged.lines;
        self.close = judged.close.or(self.close);
    }

    /// Adds what a filter held back behind all other lines.
    pub(super) fn add(&mut self, held: Held, framing: Framing) {
        self.departed.append(held.departed, self.lines.len());
        if !held.lines.is_empty() {
            self.lines.terminate(framing);
            self.lines.append(held.lines);
        }
    }

    /// What came of it, with `routes` of the chain.
    pub(super) fn end(self, routes: &[Arc<str>]) -> Flow {
        Flow {
            lines: self.lines,
            routed: self.departed.by_route(routes),
            close: self.close,
        }
    }
}
