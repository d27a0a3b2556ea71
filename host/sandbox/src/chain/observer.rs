//! Observers: who sees the lines that enter and leave the stages of chains.
//!
//! In: the stage that is about to run, and the number of lines. Out: nothing, or a function that takes the
//! [`Observation`] when the stage has run. While nobody observes, a batch costs one relaxed load.
//! Not here: what an observer does with what it sees.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Stage;
use super::observation::{Observation, Version};
use crate::origin::Origin;
use crate::verdict::Verdicts;
use crate::verdict::routed_lines::HeldLines;
use linemill_framing::Lines;

/// Sees what stages do with lines.
pub trait Observer: Send + Sync {
    /// Returns what takes the observation of the next `lines` lines at `place`; `None` if nobody wants to
    /// see them. Called on the way of the lines, as is the function that it returns, so neither waits.
    fn look(&self, place: &Place<'_>, lines: usize) -> Option<See>;
}

/// Takes an observation.
pub type See = Box<dyn FnOnce(Observation) + Send>;

/// A stage at which lines of a stream can be observed.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The listener that accepted the connection.
    pub listener: Option<&'a str>,
    /// The client's address, if it has one.
    pub peer: Option<SocketAddr>,
    /// Whether the chain is for answers of an upstream.
    pub reply: bool,
    /// The position of the stage in its chain, from 1; 0 in a chain without stages.
    pub position: usize,
    /// The name of the stage's filter; empty in a chain without stages.
    pub filter: &'a str,
}

/// The observer of chains, and whether it is attended now.
#[derive(Clone)]
pub struct Observed {
    /// Set while anybody observes.
    pub attended: Arc<AtomicBool>,
    /// Asked before each stage while `attended` is set.
    pub observer: Arc<dyn Observer>,
}

/// From where the stages of one chain are observed.
#[derive(Clone)]
pub(crate) struct View {
    pub(super) observed: Observed,
    /// Whether the chain is for answers of an upstream.
    pub(super) reply: bool,
    /// The generation of the chain.
    pub(super) generation: u64,
    /// The names of the chain's routes.
    pub(super) routes: Vec<Arc<str>>,
}

/// A stage that runs while it is observed.
pub(crate) struct Watched {
    see: See,
    observation: Observation,
    /// The names of the chain's routes.
    routes: Vec<Arc<str>>,
}

impl View {
    /// Whether anybody observes.
    #[inline]
    pub(crate) fn is_attended(&self) -> bool {
        self.observed.attended.load(Ordering::Relaxed)
    }

    /// Begins to observe the stage at index `at`, if anybody wants to see what it does with `lines`.
    pub(crate) fn begin(
        &self,
        at: usize,
        stage: &Stage,
        origin: &Origin,
        lines: &Lines,
    ) -> Option<Box<Watched>> {
        let place = self.place(at + 1, stage.filter.base_name(), origin);
        let see = self.observed.observer.look(&place, lines.len())?;
        let mut observation = Observation::at(&place, stage.generation);
        observation.version = Version::of(stage.filter.name());
        observation.on_error = stage.filter.on_error();
        observation.before = lines.clone();
        Some(Box::new(Watched {
            see,
            observation,
            routes: self.routes.clone(),
        }))
    }

    /// Observes the lines of a chain without stages.
    pub(crate) fn pass(&self, origin: &Origin, lines: &Lines) {
        let place = self.place(0, "", origin);
        if let Some(see) = self.observed.observer.look(&place, lines.len()) {
            let mut observation = Observation::at(&place, self.generation);
            observation.before = lines.clone();
            observation.after = lines.clone();
            see(observation);
        }
    }

    /// Observes the lines that the stage at index `at` held back until the stream's end.
    pub(crate) fn held(&self, at: usize, stage: &Stage, origin: &Origin, held: &HeldLines) {
        let lines = held.lines.len() + held.routed.len() + held.failed.len();
        if lines == 0 {
            return;
        }
        let place = self.place(at + 1, stage.filter.base_name(), origin);
        if let Some(see) = self.observed.observer.look(&place, lines) {
            let mut observation = Observation::at(&place, stage.generation);
            observation.version = Version::of(stage.filter.name());
            observation.on_error = stage.filter.on_error();
            observation.hold(held, &self.routes);
            see(observation);
        }
    }

    fn place<'a>(&self, position: usize, filter: &'a str, origin: &'a Origin) -> Place<'a> {
        Place {
            listener: origin.listener.as_deref(),
            peer: origin.peer,
            reply: self.reply,
            position,
            filter,
        }
    }
}

impl Watched {
    /// Only these runs of the lines go through the filter, because of the stage's condition.
    pub(crate) fn picked(&mut self, runs: &[(usize, usize)]) {
        self.observation.picked = Some(runs.to_vec());
    }

    /// The stage has run.
    pub(crate) fn end(mut self: Box<Self>, verdicts: &Verdicts) {
        self.observation.judge(verdicts, &self.routes);
        (self.see)(self.observation);
    }
}
