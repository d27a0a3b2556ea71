//! Chains: filters in order, and a stream's way through them.
//!
//! In: lines of a stream. Out: the lines that go on, those that left by a route, and whether the
//! stream ends there. A [`Passage`] belongs to one stream and holds its instances of filters that
//! keep state; a [`Chain`] is shared. Between two batches a passage can move to another chain.
//! Not here: when to move, sockets, framing, where routes lead.

use std::sync::Arc;

use super::condition::{self, Picked};
use super::course::Course;
pub use super::course::Flow;
use super::recover;
use super::stage::{Filter, Own};
use super::verdict::Rules;
use crate::blocks;
use crate::config::settings::When;
use crate::lines::Lines;

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;

/// Filters in order; empty passes lines untouched.
#[derive(Default)]
pub struct Chain {
    stages: Vec<Stage>,
    /// The names of the routes that lead somewhere.
    routes: Vec<Arc<str>>,
}

/// A place in a chain.
pub struct Stage {
    filter: Arc<Filter>,
    /// Lines that do not match go round the filter.
    when: Option<When>,
    /// For each route of the filter, its index in the chain's; `None` when it leads nowhere.
    ways: Vec<Option<u32>>,
}

/// One stream's way through a chain.
pub struct Passage {
    chain: Arc<Chain>,
    rules: Rules,
    /// As many as the chain has stages.
    own: Vec<Own>,
}

impl Stage {
    /// A stage for the lines that match `when`, or for all.
    pub fn new(filter: Arc<Filter>, when: Option<When>) -> Self {
        Self {
            filter,
            when,
            ways: Vec::new(),
        }
    }

    /// Its filter.
    pub fn filter(&self) -> &Arc<Filter> {
        &self.filter
    }
}

impl Chain {
    /// A chain of these stages, which lines leave by `routes`, and by no other: a line that takes
    /// a route which is not among them goes on.
    pub fn new<'a>(mut stages: Vec<Stage>, routes: impl IntoIterator<Item = &'a str>) -> Self {
        let routes: Vec<Arc<str>> = routes.into_iter().map(Arc::from).collect();
        let way = |name: &String| {
            let at = routes.iter().position(|route| **route == **name);
            at.map(|at| at as u32)
        };
        for stage in &mut stages {
            stage.ways = stage.filter.routes().iter().map(way).collect();
        }
        Self { stages, routes }
    }

    /// The stages, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The routes that lead somewhere, whether a filter sends lines by them or not.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &**route)
    }

    /// Whether a filter of the chain may send lines to this route.
    pub fn declares(&self, route: &str) -> bool {
        let mut declared = self.stages.iter().flat_map(|stage| stage.filter.routes());
        declared.any(|name| name == route)
    }

    fn has(&self, filter: &Arc<Filter>) -> bool {
        let mut stages = self.stages.iter();
        stages.any(|stage| Arc::ptr_eq(filter, &stage.filter))
    }
}

impl Passage {
    /// The way of a new stream through `chain`. No instance is made before the first line.
    pub fn new(chain: Arc<Chain>, rules: Rules) -> Self {
        let own = chain.stages.iter().map(|_| Own::default()).collect();
        Self { chain, rules, own }
    }

    /// Leads lines through the chain.
    pub async fn process(&mut self, lines: Lines) -> Flow {
        let mut course = Course::new(lines);
        for stage in 0..self.own.len() {
            self.step(stage, &mut course).await;
        }
        course.end(&self.chain.routes)
    }

    /// Ends the stream: leads its last lines through the chain, and after them what filters held.
    pub async fn finish(&mut self, last: Lines) -> Flow {
        self.flush(last, |_| true).await
    }

    /// Goes on with another chain. Filters that both chains share keep their state. What the
    /// others held comes out of the old chain.
    pub async fn move_to(&mut self, chain: Arc<Chain>, rules: Rules) -> Flow {
        let held = self
            .flush(Lines::default(), |filter| !chain.has(filter))
            .await;
        let mut old: Vec<_> = self.chain.stages.iter().zip(self.own.drain(..)).collect();
        let own = chain.stages.iter().map(|stage| {
            let same = old.iter().position(|(other, own)| {
                Arc::ptr_eq(&stage.filter, &other.filter) && !own.is_none()
            });
            same.map_or_else(Own::default, |at| old.remove(at).1)
        });
        self.own = own.collect();
        self.chain = chain;
        self.rules = rules;
        held
    }

    /// Leads `lines` through the chain, adding behind each stage that `ends` what it held.
    async fn flush(&mut self, lines: Lines, ends: impl Fn(&Arc<Filter>) -> bool) -> Flow {
        let mut course = Course::new(lines);
        for stage in 0..self.own.len() {
            self.step(stage, &mut course).await;
            let Stage { filter, ways, .. } = &self.chain.stages[stage];
            let own = &mut self.own[stage];
            if course.close.is_none() && !own.is_none() && ends(filter) {
                let held = filter.finish(std::mem::take(own), self.rules, ways).await;
                course.add(held, self.rules.framing);
            }
        }
        course.end(&self.chain.routes)
    }

    /// One stage.
    async fn step(&mut self, stage: usize, course: &mut Course) {
        if course.lines.is_empty() {
            return;
        }
        let Stage { filter, when, ways } = &self.chain.stages[stage];
        let (own, rules) = (&mut self.own[stage], self.rules);
        let all = std::mem::take(&mut course.lines);
        let picked = when.as_ref().map_or(Picked::All, |when| {
            condition::pick(&all, |content| when.is_match(content))
        });
        let judged = match picked {
            Picked::Nothing => {
                course.lines = all;
                return;
            }
            Picked::All => recover::run(filter, own, all, rules, ways).await,
            Picked::Some { lines, runs } => {
                let judged = recover::run(filter, own, lines, rules, ways).await;
                let judged = condition::put_back(&all, &runs, judged);
                blocks::give_back(all.into_bytes());
                judged
            }
        };
        course.advance(judged);
    }
}
