//! Reloads: reads the settings again and puts a new generation in place, or leaves everything.
//! Rollbacks: puts the one before in place again, asked for or by itself.
//!
//! In: [`Request`]s. Out: new [`Snapshot`] for the data plane, and answers; bursts of requests are
//! one reload, and there is one at a time. Not here: what a connection does with new orders, how a
//! generation is built (`build`), what listens (`fleet`).

mod decisions;
mod probation;
mod recipe;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, timeout_at};

use super::build::build_of;
use super::history::History;
use super::listeners::Listeners;
use super::load::Plugins;
use super::origin::Origin;
use super::request::{Action, Outcome, ReloadStatus, Reloaded, Request, Trigger};
use super::watch::Watcher;
use crate::generation::{Generation, Snapshot};
use crate::telemetry::metrics::Metrics;
use decisions::{Decisions, TrialDecision};
use linemill_config::diff::{Diff, diff};
use linemill_config::report::{Place, Report, Reports};
use linemill_config::settings::Settings;
use probation::{Failing, Probation, Rejected};
use recipe::Fingerprint;
pub(super) use recipe::Recipe;

/// Triggers within this time of the first are one.
const BURST: Duration = Duration::from_millis(150);

/// What reloads and swaps.
pub struct Reloader {
    /// Where settings come from.
    pub origin: Origin,
    /// The settings in force.
    pub settings: Settings,
    /// Where plugins come from.
    pub plugins: Arc<Plugins>,
    /// What listens.
    pub listeners: Listeners,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// What has been in force.
    pub history: History,
    /// Where new orders go.
    pub snapshot: watch::Sender<Snapshot>,
    /// What sees files change.
    pub watcher: Watcher,
    /// What it remembers; nothing at first.
    pub swap_state: SwapState,
}

/// What a [`Reloader`] remembers from one swap to the next.
#[derive(Default)]
pub struct SwapState {
    /// The generation before.
    previous: Option<Arc<Recipe>>,
    /// The last generation whose filters have proved themselves, if that is not the one in force.
    proved: Option<Arc<Recipe>>,
    probation: Option<Probation>,
    /// What the file does not say yet.
    decisions: Decisions,
    /// What was rolled back by itself.
    rejected: Rejected,
    /// What somebody rolled back: taken again only when somebody asks for it.
    declined: Option<Fingerprint>,
}

/// What may be put in force.
struct Built {
    generation: Generation,
    settings: Settings,
    /// How the settings differ from those in force.
    diff: Diff,
}

impl SwapState {
    /// There is nothing to go back to behind `kept`, which has been.
    fn gone_back_to(&mut self, kept: &Recipe) {
        self.decisions = kept.decisions.clone();
        self.previous = None;
        self.proved = None;
        self.probation = None;
    }
}

impl Reloader {
    /// Does what is asked for until the `end`, in the middle of it if need be: a generation is in
    /// force with all that goes with it, or it is not. Gives back what listens.
    pub async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        end: oneshot::Receiver<()>,
    ) -> Listeners {
        let doing = async {
            loop {
                self.serve_next(&mut requests).await;
            }
        };
        tokio::select! {
            biased;
            _ = end => {}
            () = doing => {}
        }
        self.listeners
    }

    /// Waits for something to do, and does it.
    async fn serve_next(&mut self, requests: &mut mpsc::Receiver<Request>) {
        let fails = async {
            match &self.swap_state.probation {
                Some(probation) => probation.fails().await,
                None => std::future::pending().await,
            }
        };
        let first = tokio::select! {
            first = requests.recv() => first,
            failing = fails => {
                self.swap_state.probation = None;
                match failing {
                    Some(failing) => self.go_back(failing).await,
                    // All have proved themselves.
                    None => self.swap_state.proved = None,
                }
                return;
            }
        };
        let Some(first) = first else {
            // Nobody can ask any more.
            return std::future::pending().await;
        };
        let mut waiting = VecDeque::from([first]);
        gather(&mut waiting, requests).await;
        while !waiting.is_empty() {
            self.serve(&mut waiting).await;
        }
    }

    /// Does the first of what waits, and whatever of the rest is the same.
    async fn serve(&mut self, waiting: &mut VecDeque<Request>) {
        let Some(first) = waiting.front() else { return };
        let (what, trigger) = (first.what.clone(), first.trigger.clone());
        let started = Instant::now();
        let done = match what {
            Action::Reload => match self.watcher.quiet().await {
                Ok(()) => self.reload(&trigger).await,
                Err(path) => Err(half_written(&path).into()),
            },
            Action::Rollback => self.roll_back(&trigger).await,
            Action::Promote(ref name) => self.decide(name, TrialDecision::Promoted, &trigger).await,
            Action::End(ref name) => self.decide(name, TrialDecision::Ended, &trigger).await,
        };
        let outcome = Outcome::of(done.as_ref(), self.number(), started.elapsed());
        self.tell(&trigger, &outcome);
        while let Some(same) = waiting.pop_front_if(|request| request.what == what) {
            if let Some(answer) = same.answer {
                // Who asked may have gone.
                drop(answer.send(outcome.clone()));
            }
        }
    }

    fn tell(&self, trigger: &Trigger, outcome: &Outcome) {
        self.metrics.reloaded(outcome.result.word());
        let generation = outcome.generation;
        match outcome.result {
            ReloadStatus::Unchanged => tracing::debug!(%trigger, "reload: nothing changed"),
            ReloadStatus::Applied => {
                tracing::info!(%trigger, generation, "reload: new chains are in force");
                for change in &outcome.changes {
                    tracing::info!("reload: {change}");
                }
            }
            ReloadStatus::Refused => {
                let error = outcome.error.as_deref().unwrap_or_default();
                self.history.refused(trigger.to_string(), error.to_owned());
                tracing::error!(%trigger, "reload refused; everything stays as it was\n{error}");
            }
        }
    }

    /// Reads, builds and publishes.
    ///
    /// # Errors
    /// What is wrong; nothing has changed then.
    async fn reload(&mut self, trigger: &Trigger) -> Result<Reloaded, Reports> {
        let started = Instant::now();
        let mut settings = self.origin.load()?;
        // Whatever comes of it: what is wrong with it may be mended in one of its files.
        self.watcher.follow(&self.origin, &settings);
        let mut decisions = self.swap_state.decisions.clone();
        decisions.put_on(&mut settings);
        let next = self.build(settings, None).await?;
        if let Some(report) = self.swap_state.rejected.refuse(&next.generation) {
            return Err(report.into());
        }
        let asked = matches!(trigger, Trigger::Asked(_));
        if !asked
            && let Some(declined) = &self.swap_state.declined
            && *declined == Fingerprint::of(&next.generation, next.settings.clone())
        {
            return Ok(Reloaded::Unchanged);
        }
        let done = self.put_in_force(next, trigger, started)?;
        self.swap_state.decisions = decisions;
        if let Reloaded::Applied { .. } = done {
            self.swap_state.declined = None;
        }
        Ok(done)
    }

    /// Ends a trial, one way or the other.
    async fn decide(
        &mut self,
        name: &str,
        verdict: TrialDecision,
        trigger: &Trigger,
    ) -> Result<Reloaded, Reports> {
        let started = Instant::now();
        let mut decisions = self.swap_state.decisions.clone();
        let (settings, lines) = decisions.decide(name, verdict, &self.settings)?;
        // Of what is in force, not of files that may have changed since.
        let before = Arc::clone(self.snapshot.borrow().generation());
        let mut kept = Recipe::of(
            &before,
            self.settings.clone(),
            self.swap_state.decisions.clone(),
        );
        if verdict == TrialDecision::Promoted {
            kept = kept.promoting(name);
        }
        let next = self.build(settings, Some(&kept)).await?;
        let mut done = self.put_in_force(next, trigger, started)?;
        self.swap_state.decisions = decisions;
        if let Reloaded::Applied { keep, .. } = &mut done {
            *keep = lines;
        }
        Ok(done)
    }

    /// Puts the generation before in force again, since somebody asks for it.
    async fn roll_back(&mut self, trigger: &Trigger) -> Result<Reloaded, Reports> {
        let started = Instant::now();
        let Some(kept) = self.swap_state.previous.clone() else {
            let hint = "a generation is remembered until it has been gone back to; change the configuration instead";
            let report = Place::default().report("there is no generation to go back to", hint);
            return Err(report.into());
        };
        let before = Arc::clone(self.snapshot.borrow().generation());
        let declined = Fingerprint::of(&before, self.settings.clone());
        let next = self.build(kept.settings.clone(), Some(&kept)).await?;
        let done = self.put_in_force(next, trigger, started)?;
        self.swap_state.gone_back_to(&kept);
        self.swap_state.declined = Some(declined);
        Ok(done)
    }

    /// Goes back by itself, since a filter that the last swap brought fails too many lines.
    async fn go_back(&mut self, failing: Failing) {
        let why = failing.to_string();
        let Some(kept) = self.swap_state.proved.take() else {
            return;
        };
        self.swap_state.rejected.add(failing);
        tracing::error!("{why}; going back to generation {}", kept.number);
        let started = Instant::now();
        let trigger = Trigger::Failing(why);
        let built = self.build(kept.settings.clone(), Some(&kept)).await;
        let done = built.and_then(|next| self.put_in_force(next, &trigger, started));
        self.swap_state.gone_back_to(&kept);
        let outcome = Outcome::of(done.as_ref(), self.number(), started.elapsed());
        if outcome.result == ReloadStatus::Applied {
            self.metrics.rolled_back();
        }
        self.tell(&trigger, &outcome);
    }

    /// Builds what may come next, unless it needs a restart.
    async fn build(&self, settings: Settings, kept: Option<&Recipe>) -> Result<Built, Reports> {
        let diff = diff(&self.settings, &settings);
        if let Some(refusal) = diff.refusal() {
            return Err(refusal);
        }
        let before = Arc::clone(self.snapshot.borrow().generation());
        let (plugins, metrics) = (&self.plugins, &self.metrics);
        let outputs = Some(self.listeners.outputs());
        let generation =
            build_of(&settings, Some(&before), kept, plugins, metrics, outputs).await?;
        Ok(Built {
            generation,
            settings,
            diff,
        })
    }

    /// Publishes a generation that has been built, if it is another one.
    ///
    /// # Errors
    /// When a listener that joins cannot be had; nothing has changed then.
    fn put_in_force(
        &mut self,
        built: Built,
        trigger: &Trigger,
        started: Instant,
    ) -> Result<Reloaded, Reports> {
        let Built {
            generation: mut next,
            settings,
            diff,
        } = built;
        let before = Arc::clone(self.snapshot.borrow().generation());
        let mut changes: Vec<_> = diff.iter().map(ToString::to_string).collect();
        changes.extend(other_files(&before, &next));
        if changes.is_empty() {
            return Ok(Reloaded::Unchanged);
        }
        // No await from here on: it is done whole, or not at all.
        let joining = self.listeners.prepare(&settings, &next, &self.metrics)?;
        next.leaving = self.listeners.leaving(&before, &next);
        let (generation, next) = (next.number, Arc::new(next));
        Snapshot::publish(&self.snapshot, Arc::clone(&next));
        self.listeners.start(joining, &self.metrics);
        self.metrics.in_force(generation);
        let mark = Arc::clone(&self.snapshot.borrow().in_force.mark);
        self.history.read_from(settings.place.source().cloned());
        let by = trigger.to_string();
        self.history
            .add(&next, &mark, by, changes.clone(), started.elapsed());
        let rule = settings.host.rollback;
        let old = std::mem::replace(&mut self.settings, settings);
        let kept = Arc::new(Recipe::of(&before, old, self.swap_state.decisions.clone()));
        if self.swap_state.probation.is_none() {
            self.swap_state.proved = Some(Arc::clone(&kept));
        }
        self.swap_state.previous = Some(kept);
        self.swap_state.probation = rule.and_then(|rule| Probation::after(&before, &next, rule));
        Ok(Reloaded::Applied {
            generation,
            changes,
            keep: Vec::new(),
        })
    }

    fn number(&self) -> u64 {
        self.snapshot.borrow().generation().number
    }
}

/// Takes what else has been asked for. A reload that comes with others soon waits for them, unless
/// somebody waits for an answer.
async fn gather(waiting: &mut VecDeque<Request>, requests: &mut mpsc::Receiver<Request>) {
    let until = time::Instant::now() + BURST;
    loop {
        while let Ok(request) = requests.try_recv() {
            waiting.push_back(request);
        }
        if !waiting.iter().all(|one| one.trigger.comes_in_bursts()) {
            return;
        }
        match timeout_at(until, requests.recv()).await {
            Ok(Some(request)) => waiting.push_back(request),
            // Nobody can ask any more, or the time is over.
            Ok(None) | Err(_) => return,
        }
    }
}

fn half_written(path: &Path) -> Report {
    let hint =
        "close it: then it is read by itself; a file renamed into place is never half-written";
    Place::file(path).report("it is still being written to", hint)
}

/// What differs that the settings do not say: plugins and certificates whose files changed.
fn other_files(before: &Generation, next: &Generation) -> Vec<String> {
    let filters = next.filters.iter().filter_map(|(name, filter)| {
        let (old, new) = (before.filters.get(name)?.digest(), filter.digest());
        (old != new).then(|| format!("filter {name}: plugin {} -> {}", old.short(), new.short()))
    });
    let services = next.services.iter().filter_map(|(name, service)| {
        let other = before.services.get(name)?;
        (!other.same_tls(service)).then(|| format!("listener {name}: certificates changed"))
    });
    let mut changes: Vec<_> = filters.chain(services).collect();
    changes.sort();
    changes
}
