//! Collects problems, so that one run shows all of them.

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

    /// The number of problems.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value; if it has a problem, adds that and returns `None`.
    pub(super) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// All problems.
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
