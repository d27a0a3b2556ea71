//! The state of one stream in a chain: its own instances, and its lines on their way through the
//! stages.
//!
//! In: lines of a stream, in batches. Out: [`ChainOutput`]: the lines that went through, those that
//! left by a route, and whether the stream ends there. Between two batches a stream can move to
//! another chain (`migrate`).
//! Not here: calling filters (`filter`), the order of lines in a batch (`batch`).

use std::sync::Arc;
use std::time::Instant;

use super::batch::{Batch, ChainOutput};
use super::condition::{self, Picked};
use super::observer::View;
use super::{Chain, Rooms, Stage};
use crate::filter::{Filter, OwnInstance};
use crate::imports::{instant, now};
use crate::origin::Origin;
use crate::supervise::breaker::stream::StreamBreaker;
use crate::supervise::supervisor::CallContext;
use crate::trial::Cohort;
use crate::trial::shadow::Shadow;
use crate::verdict::routed_lines::HeldLines;
use crate::verdict::{Close, Rules, Verdicts};
use linemill_framing::{Lines, blocks};

mod migrate;

/// The state of one stream in a chain.
pub struct StreamState {
    pub(super) chain: Arc<Chain>,
    rules: Rules,
    cohort: Cohort,
    origin: Arc<Origin>,
    /// One element per stage of the chain.
    pub(super) stages: Vec<StageState>,
}

/// The state of a stream at one stage of its chain.
#[derive(Default)]
pub(super) struct StageState {
    /// The instance that the stream owns here, if it has one.
    pub(super) own: OwnInstance,
    /// Keeps lines from the filter if it kept failing on them.
    pub(super) breaker: StreamBreaker,
    /// The stage that serves this stream here instead of the chain's: a swap replaced its filter,
    /// but the state could not be handed over.
    kept: Option<Box<Stage>>,
    /// The shadow that receives copies of the lines, once it has started.
    shadow: Option<Shadow>,
}

impl StreamState {
    /// The state of a new stream in `chain`. No instance starts before the first line.
    pub fn new(chain: Arc<Chain>, rules: Rules) -> Self {
        let stages = chain.stages.iter().map(|_| StageState::default()).collect();
        Self {
            chain,
            rules,
            cohort: Cohort::NONE,
            origin: Arc::default(),
            stages,
        }
    }

    /// Says which client the stream belongs to. Without it, no version on trial sees the stream.
    pub fn with(mut self, cohort: Cohort, origin: Arc<Origin>) -> Self {
        self.cohort = cohort;
        self.origin = origin;
        self
    }

    /// Uses the room that has been reserved for the stream's instances, if it is still in that chain and has
    /// none yet.
    pub fn take_rooms(&mut self, chain: &Arc<Chain>, rooms: Rooms) {
        if !Arc::ptr_eq(chain, &self.chain) {
            return;
        }
        for (stage, room) in self.stages.iter_mut().zip(rooms.0) {
            if stage.own.is_none() {
                stage.own = OwnInstance::reserved(room);
            }
        }
    }

    /// Where the stream comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Runs lines through the chain.
    pub async fn process(&mut self, lines: Lines) -> ChainOutput {
        let mut batch = self.batch(lines);
        for at in 0..self.stages.len() {
            self.step(at, &mut batch).await;
        }
        batch.end(&self.chain.routes)
    }

    /// Ends the stream: runs its last lines through the chain, then the lines that filters held back.
    pub async fn finish(&mut self, last: Lines) -> ChainOutput {
        let mut batch = self.batch(last);
        for at in 0..self.stages.len() {
            self.step(at, &mut batch).await;
            if batch.close.is_none() {
                let own = std::mem::take(&mut self.stages[at].own);
                self.flush(at, own, &mut batch).await;
            }
        }
        batch.end(&self.chain.routes)
    }

    /// When a filter is to be called without lines; `None` if none wants to be.
    pub fn next_tick(&self) -> Option<Instant> {
        let times = self.stages.iter().filter_map(|stage| stage.own.next_tick());
        times.min().map(instant)
    }

    /// Calls the filters whose time has come, and runs the lines that they return through the later stages.
    pub async fn tick(&mut self) -> ChainOutput {
        let (mut batch, now) = (self.batch(Lines::default()), now());
        for at in 0..self.stages.len() {
            self.step(at, &mut batch).await;
            let next = self.stages[at].own.next_tick();
            if batch.close.is_none() && next.is_some_and(|next| next <= now) {
                self.call_at_time(at, &mut batch).await;
            }
        }
        batch.end(&self.chain.routes)
    }

    /// A batch of the stream.
    fn batch(&self, lines: Lines) -> Batch {
        let mut batch = Batch::new(lines);
        if let Some(view) = self.chain.attended() {
            batch.observed = true;
            if self.stages.is_empty() && !batch.lines.is_empty() {
                view.pass(&self.origin, &batch.lines);
            }
        }
        batch
    }

    /// Calls the instance of the stage `at` without lines, and adds those that are due to the batch.
    async fn call_at_time(&mut self, at: usize, batch: &mut Batch) {
        let StageState {
            own, breaker, kept, ..
        } = &mut self.stages[at];
        let stage = serving(kept, &self.chain.stages[at], self.cohort);
        let context = context(stage, self.rules, &self.origin, batch.observed);
        let held = stage.filter.tick(own, breaker, context).await;
        self.add_held(at, held, batch);
    }

    /// Ends the instance `own` of the stage `at`, and adds the lines that it held back to the batch.
    async fn flush(&self, at: usize, own: OwnInstance, batch: &mut Batch) {
        let stage = self.stage(at);
        let context = context(stage, self.rules, &self.origin, batch.observed);
        let held = stage.filter.finish(own, context).await;
        self.add_held(at, held, batch);
    }

    /// Adds the lines that the stage `at` had held back to the batch.
    fn add_held(&self, at: usize, held: HeldLines, batch: &mut Batch) {
        if let Some(view) = self.chain.view.as_ref().filter(|_| batch.observed) {
            view.held(at, self.stage(at), &self.origin, &held);
        }
        batch.add(held, self.rules.framing);
    }

    /// Runs the batch through the stage `at`.
    async fn step(&mut self, at: usize, batch: &mut Batch) {
        if batch.lines.is_empty() {
            return;
        }
        let StageState {
            own,
            breaker,
            kept,
            shadow,
        } = &mut self.stages[at];
        let on_trial = self.chain.stages[at].shadow(self.cohort);
        let stage = serving(kept, &self.chain.stages[at], self.cohort);
        let (filter, when) = (&stage.filter, &stage.when);
        let context = context(stage, self.rules, &self.origin, batch.observed);
        if let Some(on_trial) = on_trial {
            shadow.get_or_insert_with(|| Shadow::start(on_trial));
        }
        let all = std::mem::take(&mut batch.lines);
        let inputs = all.len();
        let picked = when.as_ref().map_or(Picked::All, |when| {
            condition::pick(&all, |content| when.is_match(content))
        });
        let view = self.chain.view.as_ref().filter(|_| batch.observed);
        let mut watched = view.and_then(|view| view.begin(at, stage, &self.origin, &all));
        let view = view.map(|view| (view, at));
        let shadow = shadow.as_ref().zip(on_trial);
        let verdicts = match picked {
            Picked::Nothing => {
                if let Some(mut watched) = watched {
                    watched.picked(&[]);
                    let passed = Verdicts {
                        lines: all.clone(),
                        ..Verdicts::default()
                    };
                    watched.end(&passed);
                }
                batch.lines = all;
                return;
            }
            Picked::All => run(filter, own, breaker, shadow, all, context, view).await,
            Picked::Some { lines, runs } => {
                if let Some(watched) = &mut watched {
                    watched.picked(&runs);
                }
                let verdicts = run(filter, own, breaker, shadow, lines, context, view).await;
                let verdicts = condition::put_back(&all, &runs, verdicts);
                blocks::give_back(all.into_bytes());
                verdicts
            }
        };
        if let Some(watched) = watched {
            watched.end(&verdicts);
        }
        batch.advance(inputs, verdicts);
    }

    /// The stage that serves the stream at position `at`.
    fn stage(&self, at: usize) -> &Stage {
        serving(&self.stages[at].kept, &self.chain.stages[at], self.cohort)
    }
}

/// The stage that serves a stream of this cohort: the one that it has `kept`, or the one in its chain.
fn serving<'a>(kept: &'a Option<Box<Stage>>, in_chain: &'a Stage, cohort: Cohort) -> &'a Stage {
    kept.as_deref().unwrap_or_else(|| in_chain.of(cohort))
}

/// The context of a call at `stage`.
fn context<'a>(
    stage: &'a Stage,
    rules: Rules,
    origin: &'a Origin,
    observed: bool,
) -> CallContext<'a> {
    CallContext {
        rules,
        route_indices: &stage.route_indices,
        origin,
        observed,
        counts: &stage.counts,
    }
}

/// Runs lines through a filter, and gives its shadow, which is at the other stage, a copy of them. `view`:
/// from where the stage is observed, and its index.
async fn run(
    filter: &Filter,
    own: &mut OwnInstance,
    breaker: &mut StreamBreaker,
    shadow: Option<(&Shadow, &Stage)>,
    lines: Lines,
    context: CallContext<'_>,
    view: Option<(&View, usize)>,
) -> Verdicts {
    let room = shadow.and_then(|(shadow, stage)| Some((shadow.room(lines.len())?, stage)));
    let Some((room, stage)) = room else {
        return filter.process(own, breaker, lines, context).await;
    };
    let copy = lines.clone();
    let watched = view.and_then(|(view, at)| view.begin(at, stage, context.origin, &copy));
    let verdicts = filter.process(own, breaker, lines, context).await;
    if verdicts.close == Some(Close::Host) {
        room.skip(copy.len());
    } else {
        room.fill(copy, context.rules, &verdicts, watched);
    }
    verdicts
}
