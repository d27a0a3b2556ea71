//! Chains: filters in order.
//!
//! In: filters, their conditions and versions on trial, and the routes that have a destination. Out:
//! [`Chain`], shared by all streams of a direction, and [`StreamState`], one stream's state in it.
//! `batch` holds the lines between two stages, and `condition` separates the lines that bypass a
//! stage. `observer` shows an observer what stages do with lines.
//! Not here: when a stream moves to another chain, sockets, framing, the destinations of routes.

use std::sync::Arc;

use crate::filter::Filter;
use crate::limits::room::Room;
use crate::trial::{Cohort, Trial};
use linemill_budget::NoRoom;
use linemill_config::settings::{TrialKind, When};

pub(crate) mod batch;
pub(crate) mod condition;
pub mod observation;
pub mod observer;
pub(crate) mod stage_counts;
mod stream_state;

#[cfg(test)]
mod tests;

pub use batch::ChainOutput;
use observer::{Observed, View};
pub use stage_counts::{Counted, StageCounts};
pub use stream_state::StreamState;

/// Room for the instances that one stream will own in a chain.
#[derive(Default)]
pub struct Rooms(Vec<Option<Box<Room>>>);

/// Filters in order; an empty chain passes lines untouched.
#[derive(Default)]
pub struct Chain {
    stages: Vec<Stage>,
    /// The names of the routes that have a destination.
    routes: Vec<Arc<str>>,
    /// From where its stages are observed; `None`: by nobody, ever.
    view: Option<View>,
}

/// A position in a chain, with the filter that serves it.
pub struct Stage {
    filter: Arc<Filter>,
    /// Lines that do not match bypass the filter; `None`: all lines go through it.
    when: Option<When>,
    /// For each route of the filter, its index among those of the chain; `None` if it has no
    /// destination.
    route_indices: Vec<Option<u32>>,
    /// The version of the filter that is on trial here, if there is one.
    on_trial: Option<Box<OnTrial>>,
    /// The generation of its chain; 0 if there are none.
    generation: u64,
    /// What the filter has done here.
    counts: Arc<StageCounts>,
}

/// A version on trial, and a stage that has it instead of the filter.
struct OnTrial {
    trial: Trial,
    stage: Stage,
}

impl Stage {
    /// A stage for the lines that match `when`, or for all lines.
    pub fn new(filter: Arc<Filter>, when: Option<When>) -> Self {
        Self {
            filter,
            when,
            route_indices: Vec::new(),
            on_trial: None,
            generation: 0,
            counts: Arc::default(),
        }
    }

    /// Adds a version of the filter on trial.
    pub fn trying(mut self, trial: Option<Trial>) -> Self {
        self.on_trial = trial.map(|trial| {
            let stage = Self::new(Arc::clone(trial.filter()), self.when.clone());
            Box::new(OnTrial { trial, stage })
        });
        self
    }

    /// What the filter has done here, since the chain is in force.
    pub fn counted(&self) -> Counted {
        self.counts.now()
    }

    /// The stage that has the version on trial instead of the filter.
    pub fn on_trial(&self) -> Option<&Self> {
        self.on_trial.as_ref().map(|on_trial| &on_trial.stage)
    }

    /// The version on trial here.
    pub fn trial(&self) -> Option<&Trial> {
        self.on_trial.as_ref().map(|on_trial| &on_trial.trial)
    }

    /// The stage that serves a stream of this cohort: this one, or that of its canary.
    fn of(&self, cohort: Cohort) -> &Self {
        match &self.on_trial {
            Some(on_trial) if on_trial.trial.takes(cohort, TrialKind::Canary) => &on_trial.stage,
            _ => self,
        }
    }

    /// The stage of the shadow that receives copies of the lines of a stream of this cohort.
    fn shadow(&self, cohort: Cohort) -> Option<&Self> {
        let on_trial = self.on_trial.as_ref()?;
        let sees = on_trial.trial.takes(cohort, TrialKind::Shadow);
        sees.then_some(&on_trial.stage)
    }

    /// For each route of the filter, its index among those of the chain.
    pub(crate) fn route_indices(&self) -> &[Option<u32>] {
        &self.route_indices
    }

    /// What the filter has done here.
    pub(crate) fn counts(&self) -> &Arc<StageCounts> {
        &self.counts
    }

    /// The filter that serves this stage.
    pub fn filter(&self) -> &Arc<Filter> {
        &self.filter
    }

    /// Looks up the filter's routes among those of the chain.
    fn resolve_routes(&mut self, routes: &[Arc<str>]) {
        let route = |name: &String| {
            let at = routes.iter().position(|route| **route == **name);
            at.map(|at| at as u32)
        };
        self.route_indices = self.filter.routes().iter().map(route).collect();
        if let Some(on_trial) = &mut self.on_trial {
            on_trial.stage.resolve_routes(routes);
        }
    }
}

impl Rooms {
    /// Whether no instances will be owned.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Chain {
    /// A chain of these stages. Lines leave it only by `routes`: a line that takes any other route
    /// continues through the chain.
    pub fn new<'a>(mut stages: Vec<Stage>, routes: impl IntoIterator<Item = &'a str>) -> Self {
        let routes: Vec<Arc<str>> = routes.into_iter().map(Arc::from).collect();
        for stage in &mut stages {
            stage.resolve_routes(&routes);
        }
        Self {
            stages,
            routes,
            view: None,
        }
    }

    /// Lets `observed` see what its stages do. `reply`: the chain is for answers of an upstream.
    pub fn observed(mut self, observed: &Observed, generation: u64, reply: bool) -> Self {
        self.view = Some(View {
            observed: observed.clone(),
            reply,
            generation,
            routes: self.routes.clone(),
        });
        for stage in &mut self.stages {
            stage.generation = generation;
            if let Some(on_trial) = &mut stage.on_trial {
                on_trial.stage.generation = generation;
            }
        }
        self
    }

    /// From where it is observed, if anybody does so now.
    #[inline]
    fn attended(&self) -> Option<&View> {
        self.view.as_ref().filter(|view| view.is_attended())
    }

    /// The stages, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The routes that have a destination, whether or not a filter declares them.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &**route)
    }

    /// Takes room for the instances that a new stream will own.
    ///
    /// # Errors
    /// When there is no memory for one of them.
    pub fn reserve(&self, cohort: Cohort) -> Result<Rooms, NoRoom> {
        let mut stages = self.stages.iter();
        if !stages.any(|stage| stage.of(cohort).filter.is_exclusive()) {
            return Ok(Rooms::default());
        }
        let stages = self.stages.iter();
        let rooms = stages.map(|stage| stage.of(cohort).filter.reserve());
        rooms.collect::<Result<_, _>>().map(Rooms)
    }

    /// Whether a filter of the chain declares this route.
    pub fn declares(&self, route: &str) -> bool {
        let mut declared = self.stages.iter().flat_map(|stage| stage.filter.routes());
        declared.any(|name| name == route)
    }
}
