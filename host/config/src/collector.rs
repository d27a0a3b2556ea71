//! Collects problems, so that one run shows all.

use super::problem::{Problem, Problems};

/// The problems found so far.
#[derive(Default)]
pub(super) struct Collector(Vec<Problem>);

impl Collector {
    /// Adds a problem.
    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds problems.
    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.0.extend(problems);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value; `None` once its problem is added.
    pub(super) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// All of them.
    ///
    /// # Errors
    /// If there is any.
    pub(super) fn finish(self) -> Result<(), Problems> {
        match Problems::new(self.0) {
            None => Ok(()),
            Some(problems) => Err(problems),
        }
    }
}
