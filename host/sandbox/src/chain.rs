//! Chains: filters in order, and a stream's way through them.
//!
//! In: lines of a stream. Out: the lines that go on, those that left by a route, and whether the
//! stream ends there. A [`StreamState`] belongs to one stream and holds its instances of filters that
//! keep state; a [`Chain`] is shared. Between two batches a passage can move to another chain
//! (`moving`).
//! Not here: when to move, sockets, framing, where routes lead.

use std::sync::Arc;

use crate::chain::batch::Batch;
pub use crate::chain::batch::ChainOutput;
use crate::chain::condition::Picked;
use crate::filter::{Filter, OwnInstance};
use crate::supervise::quarantine::Origin;
use crate::supervise::supervisor::{self, CallContext};
use crate::trial::shadow::Shadow;
use crate::trial::{Cohort, Trial};
use crate::verdict::{Rules, Verdicts};
use linemill_config::settings::{TrialKind, When};
use linemill_framing::Lines;
use linemill_framing::blocks;

pub(crate) mod batch;
pub(crate) mod condition;
mod migrate;
pub mod routed_lines;

#[cfg(test)]
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
    route_indices: Vec<Option<u32>>,
    /// A version of the filter that is on trial here.
    trial: Option<Box<Trial>>,
}

/// One stream's way through a chain.
pub struct StreamState {
    chain: Arc<Chain>,
    rules: Rules,
    cohort: Cohort,
    origin: Origin,
    /// As many as the chain has stages.
    stages: Vec<StageState>,
}

/// What a stream has at a stage of its chain.
#[derive(Default)]
struct StageState {
    own: OwnInstance,
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
            route_indices: Vec::new(),
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

    pub(crate) fn route_indices(&self) -> &[Option<u32>] {
        &self.route_indices
    }

    pub(crate) fn set_when(&mut self, when: Option<When>) {
        self.when = when;
    }

    /// What serves a stream here: the stage, or its canary.
    fn of(&self, cohort: Cohort) -> &Self {
        match self.trial() {
            Some(trial) if trial.takes(cohort, TrialKind::Canary) => &trial.stage,
            _ => self,
        }
    }

    /// The shadow that sees a stream here.
    fn shadow(&self, cohort: Cohort) -> Option<&Trial> {
        self.trial()
            .filter(|trial| trial.takes(cohort, TrialKind::Shadow))
    }

    /// Its filter.
    pub fn filter(&self) -> &Arc<Filter> {
        &self.filter
    }

    /// Finds the filter's routes among those of the chain.
    fn lead(&mut self, routes: &[Arc<str>]) {
        let route = |name: &String| {
            let at = routes.iter().position(|route| **route == **name);
            at.map(|at| at as u32)
        };
        self.route_indices = self.filter.routes().iter().map(route).collect();
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

impl StreamState {
    /// The way of a new stream through `chain`. No instance is made before the first line.
    pub fn new(chain: Arc<Chain>, rules: Rules) -> Self {
        let stages = chain.stages.iter().map(|_| StageState::default()).collect();
        Self {
            chain,
            rules,
            cohort: Cohort::NONE,
            origin: Origin::default(),
            stages,
        }
    }

    /// The same for the stream of a client, which versions on trial may serve.
    pub fn with(mut self, cohort: Cohort, origin: Origin) -> Self {
        self.cohort = cohort;
        self.origin = origin;
        self
    }

    /// Leads lines through the chain.
    pub async fn process(&mut self, lines: Lines) -> ChainOutput {
        let mut batch = Batch::new(lines);
        for at in 0..self.stages.len() {
            self.step(at, &mut batch).await;
        }
        batch.end(&self.chain.routes)
    }

    /// Ends the stream: leads its last lines through the chain, and after them what filters held.
    pub async fn finish(&mut self, last: Lines) -> ChainOutput {
        let mut batch = Batch::new(last);
        for at in 0..self.stages.len() {
            self.step(at, &mut batch).await;
            if batch.close.is_none() {
                let own = std::mem::take(&mut self.stages[at].own);
                self.flush(at, own, &mut batch).await;
            }
        }
        batch.end(&self.chain.routes)
    }

    /// Adds what the filter of a place still holds of the stream, given its instance there.
    async fn flush(&self, at: usize, own: OwnInstance, batch: &mut Batch) {
        let Stage {
            filter,
            route_indices,
            ..
        } = self.stage(at);
        let context = CallContext {
            rules: self.rules,
            route_indices,
            origin: &self.origin,
        };
        let held = filter.finish(own, context).await;
        batch.add(held, self.rules.framing);
    }

    /// One stage.
    async fn step(&mut self, at: usize, batch: &mut Batch) {
        if batch.lines.is_empty() {
            return;
        }
        let StageState { own, kept, shadow } = &mut self.stages[at];
        let tried = self.chain.stages[at].shadow(self.cohort);
        let stage = kept
            .as_deref()
            .unwrap_or_else(|| self.chain.stages[at].of(self.cohort));
        let (filter, when) = (&stage.filter, &stage.when);
        let context = CallContext {
            rules: self.rules,
            route_indices: &stage.route_indices,
            origin: &self.origin,
        };
        if let Some(tried) = tried {
            shadow.get_or_insert_with(|| Shadow::start(tried));
        }
        let all = std::mem::take(&mut batch.lines);
        let picked = when.as_ref().map_or(Picked::All, |when| {
            condition::pick(&all, |content| when.is_match(content))
        });
        let verdicts = match picked {
            Picked::Nothing => {
                batch.lines = all;
                return;
            }
            Picked::All => run(filter, own, shadow.as_ref(), all, context).await,
            Picked::Some { lines, runs } => {
                let verdicts = run(filter, own, shadow.as_ref(), lines, context).await;
                let verdicts = condition::put_back(&all, &runs, verdicts);
                blocks::give_back(all.into_bytes());
                verdicts
            }
        };
        batch.advance(verdicts);
    }

    /// The stage that serves the stream at a place.
    fn stage(&self, at: usize) -> &Stage {
        let kept = self.stages[at].kept.as_deref();
        kept.unwrap_or_else(|| self.chain.stages[at].of(self.cohort))
    }
}

/// Runs a filter over lines, and lets its shadow see them.
async fn run(
    filter: &Filter,
    own: &mut OwnInstance,
    shadow: Option<&Shadow>,
    lines: Lines,
    context: CallContext<'_>,
) -> Verdicts {
    let Some(room) = shadow.and_then(|shadow| shadow.room(lines.len())) else {
        return supervisor::run(filter, own, lines, context).await;
    };
    let copy = lines.clone();
    let verdicts = supervisor::run(filter, own, lines, context).await;
    room.fill(copy, context.rules, &verdicts);
    verdicts
}
