//! Chains: filters in order, and a stream's way through them.
//!
//! In: lines of a stream. Out: the lines that go on, those that left by a route, and whether the
//! stream ends there. A [`Passage`] belongs to one stream and holds its instances of filters that
//! keep state; a [`Chain`] is shared. Between two batches a passage can move to another chain
//! (`moving`).
//! Not here: when to move, sockets, framing, where routes lead.

use std::sync::Arc;

use super::condition::{self, Picked};
use super::course::Course;
pub use super::course::Flow;
use super::quarantine::Origin;
use super::recover::{self, Asked};
use super::stage::{Filter, Own};
use super::trial::shadow::Shadow;
use super::trial::{Lot, Trial};
use super::verdict::{Judged, Rules};
use crate::blocks;
use crate::config::settings::{TrialKind, When};
use crate::lines::Lines;

mod moving;

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
    /// A version of the filter that is on trial here.
    trial: Option<Box<Trial>>,
}

/// One stream's way through a chain.
pub struct Passage {
    chain: Arc<Chain>,
    rules: Rules,
    lot: Lot,
    origin: Origin,
    /// As many as the chain has stages.
    places: Vec<Place>,
}

/// What a stream has at a stage of its chain.
#[derive(Default)]
struct Place {
    own: Own,
    /// The stage that stands here instead of the chain's, for this stream: its filter was to be
    /// replaced, but its state could not be handed over.
    kept: Option<Box<Stage>>,
    /// What is given copies of the lines.
    shadow: Option<Shadow>,
}

impl Stage {
    /// A stage for the lines that match `when`, or for all.
    pub fn new(filter: Arc<Filter>, when: Option<When>) -> Self {
        Self {
            filter,
            when,
            ways: Vec::new(),
            trial: None,
        }
    }

    /// With a version of its filter on trial.
    pub fn trying(mut self, trial: Option<Trial>) -> Self {
        self.trial = trial.map(|trial| Box::new(trial.when(self.when.clone())));
        self
    }

    /// What is on trial here.
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_deref()
    }

    pub(super) fn ways(&self) -> &[Option<u32>] {
        &self.ways
    }

    pub(super) fn set_when(&mut self, when: Option<When>) {
        self.when = when;
    }

    /// What serves a stream here: the stage, or its canary.
    fn of(&self, lot: Lot) -> &Self {
        match self.trial() {
            Some(trial) if trial.takes(lot, TrialKind::Canary) => &trial.stage,
            _ => self,
        }
    }

    /// The shadow that sees a stream here.
    fn shadow(&self, lot: Lot) -> Option<&Trial> {
        self.trial()
            .filter(|trial| trial.takes(lot, TrialKind::Shadow))
    }

    /// Its filter.
    pub fn filter(&self) -> &Arc<Filter> {
        &self.filter
    }

    /// Finds the filter's routes among those of the chain.
    fn lead(&mut self, routes: &[Arc<str>]) {
        let way = |name: &String| {
            let at = routes.iter().position(|route| **route == **name);
            at.map(|at| at as u32)
        };
        self.ways = self.filter.routes().iter().map(way).collect();
        if let Some(trial) = &mut self.trial {
            trial.stage.lead(routes);
        }
    }
}

impl Chain {
    /// A chain of these stages, which lines leave by `routes`, and by no other: a line that takes
    /// a route which is not among them goes on.
    pub fn new<'a>(mut stages: Vec<Stage>, routes: impl IntoIterator<Item = &'a str>) -> Self {
        let routes: Vec<Arc<str>> = routes.into_iter().map(Arc::from).collect();
        for stage in &mut stages {
            stage.lead(&routes);
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
}

impl Passage {
    /// The way of a new stream through `chain`. No instance is made before the first line.
    pub fn new(chain: Arc<Chain>, rules: Rules) -> Self {
        let places = chain.stages.iter().map(|_| Place::default()).collect();
        Self {
            chain,
            rules,
            lot: Lot::NONE,
            origin: Origin::default(),
            places,
        }
    }

    /// The same for the stream of a client, which versions on trial may serve.
    pub fn with(mut self, lot: Lot, origin: Origin) -> Self {
        self.lot = lot;
        self.origin = origin;
        self
    }

    /// Leads lines through the chain.
    pub async fn process(&mut self, lines: Lines) -> Flow {
        let mut course = Course::new(lines);
        for at in 0..self.places.len() {
            self.step(at, &mut course).await;
        }
        course.end(&self.chain.routes)
    }

    /// Ends the stream: leads its last lines through the chain, and after them what filters held.
    pub async fn finish(&mut self, last: Lines) -> Flow {
        let mut course = Course::new(last);
        for at in 0..self.places.len() {
            self.step(at, &mut course).await;
            if course.close.is_none() {
                let own = std::mem::take(&mut self.places[at].own);
                self.flush(at, own, &mut course).await;
            }
        }
        course.end(&self.chain.routes)
    }

    /// Adds what the filter of a place still holds of the stream, given its instance there.
    async fn flush(&self, at: usize, own: Own, course: &mut Course) {
        let Stage { filter, ways, .. } = self.stage(at);
        let asked = Asked {
            rules: self.rules,
            ways,
            origin: &self.origin,
        };
        let held = filter.finish(own, asked).await;
        course.add(held, self.rules.framing);
    }

    /// One stage.
    async fn step(&mut self, at: usize, course: &mut Course) {
        if course.lines.is_empty() {
            return;
        }
        let Place { own, kept, shadow } = &mut self.places[at];
        let tried = self.chain.stages[at].shadow(self.lot);
        let stage = kept
            .as_deref()
            .unwrap_or_else(|| self.chain.stages[at].of(self.lot));
        let (filter, when) = (&stage.filter, &stage.when);
        let asked = Asked {
            rules: self.rules,
            ways: &stage.ways,
            origin: &self.origin,
        };
        if let Some(tried) = tried {
            shadow.get_or_insert_with(|| Shadow::start(tried));
        }
        let all = std::mem::take(&mut course.lines);
        let picked = when.as_ref().map_or(Picked::All, |when| {
            condition::pick(&all, |content| when.is_match(content))
        });
        let judged = match picked {
            Picked::Nothing => {
                course.lines = all;
                return;
            }
            Picked::All => run(filter, own, shadow.as_ref(), all, asked).await,
            Picked::Some { lines, runs } => {
                let judged = run(filter, own, shadow.as_ref(), lines, asked).await;
                let judged = condition::put_back(&all, &runs, judged);
                blocks::give_back(all.into_bytes());
                judged
            }
        };
        course.advance(judged);
    }

    /// The stage that serves the stream at a place.
    fn stage(&self, at: usize) -> &Stage {
        let kept = self.places[at].kept.as_deref();
        kept.unwrap_or_else(|| self.chain.stages[at].of(self.lot))
    }
}

/// Runs a filter over lines, and lets its shadow see them.
async fn run(
    filter: &Filter,
    own: &mut Own,
    shadow: Option<&Shadow>,
    lines: Lines,
    asked: Asked<'_>,
) -> Judged {
    let Some(room) = shadow.and_then(|shadow| shadow.room(lines.len())) else {
        return recover::run(filter, own, lines, asked).await;
    };
    let copy = lines.clone();
    let judged = recover::run(filter, own, lines, asked).await;
    room.fill(copy, asked.rules, &judged);
    judged
}
