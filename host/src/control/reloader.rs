//! The reloader: reloads, rollbacks and the ends of trials, one at a time.
//!
//! In: [`Request`]s. Out: a new [`Snapshot`] for the data plane, and an [`Outcome`] for each
//! requester. Every action either puts a whole generation in force or leaves everything as it was.
//! Requests that arrive in a burst are answered by one reload.
//! Not here: how a generation is built (`build`), how connections move to it (`generation`), which
//! sockets are open (`listeners`).

mod actions;
mod decisions;
mod fingerprint;
pub mod metrics;
mod probation;
mod recipe;
mod rejected;
mod retry;
mod swap_state;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, timeout_at};

use super::admin::server::AdminServer;
use super::disk::Disk;
use super::history::History;
use super::origin::Origin;
use super::request::{Action, Outcome, ReloadStatus, Reloaded, Request, Trigger};
use super::service_manager::{Ping, ServiceManager};
use super::taps::Taps;
use super::watcher::{Known, Watcher};
use crate::generation::{DataPlane, Snapshot};
use crate::panics::until_panic;
use crate::sinks::registry::SinkRegistry;
use actions::Attempt;
use decisions::TrialDecision;
use linemill_config::Problems;
use linemill_config::settings::Settings;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::loader::Loader;
use metrics::ReloadMetrics;
pub(super) use recipe::Recipe;
use retry::Retry;
pub use swap_state::SwapState;

/// Requests within this time of the first are answered by one reload.
const BURST: Duration = Duration::from_millis(150);
/// Longest wait, before an answer, for the watcher to compare the files with what is in force. It looks 20
/// milliseconds after a reload; a file system that does not answer is not waited for.
const LOOK: Duration = Duration::from_millis(250);

/// Acts on requests, and owns what a swap changes.
pub struct Reloader<D> {
    /// Where settings are read from.
    pub origin: Origin,
    /// The settings of the generation in force.
    pub settings: Settings,
    /// Loads and compiles plugins.
    pub plugins: Arc<Loader>,
    /// The taps that may see the lines of the generations that it builds.
    pub taps: Arc<Taps>,
    /// The sinks of the generation in force, and those that still write their last lines.
    pub sinks: SinkRegistry,
    /// The listeners of the generation in force.
    pub listeners: D,
    /// Serves the admin address of the settings in force.
    pub admin: AdminServer,
    /// What it counts.
    pub metrics: ReloadMetrics,
    /// The metrics of the filters that it builds.
    pub filter_metrics: Arc<FilterFamilies>,
    /// Receives each generation that is put in force, and each refusal.
    pub history: History,
    /// Publishes generations to the data plane.
    pub snapshot: watch::Sender<Snapshot>,
    /// The files that the generation in force was built of, and those that the load looked for.
    pub inputs: Known,
    /// Watches the files that the last load looked for, whether it succeeded or not.
    pub watcher: Watcher,
    /// Whether the files on disk are in force.
    pub disk: Disk,
    /// What later actions need to know of earlier swaps.
    pub swap_state: SwapState,
    /// Is told when a reload begins, and when it is over.
    pub manager: ServiceManager,
}

impl<D: DataPlane> Reloader<D> {
    /// Serves requests until `end` resolves, then returns the listeners. An action under way at that
    /// time is abandoned: publishing has no await point, so no generation is in force by half.
    pub async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut pings: mpsc::Receiver<Ping>,
        end: oneshot::Receiver<()>,
    ) -> D {
        let serving = async {
            loop {
                self.serve_next(&mut requests).await;
            }
        };
        // Answered between two steps of any action: the answer shows that this task is alive.
        let answering = async {
            while let Some(ping) = pings.recv().await {
                // Who asked may have gone.
                let _gone = ping.send(());
            }
            std::future::pending().await
        };
        tokio::select! {
            biased;
            _ = end => {}
            () = answering => {}
            // Its listeners must drain even then.
            () = until_panic(serving) => {}
        }
        self.admin.hand_over();
        self.listeners
    }

    /// Waits for the next requests, or for the end of a probation, and handles them.
    async fn serve_next(&mut self, requests: &mut mpsc::Receiver<Request>) {
        let probation = async {
            match &self.swap_state.probation {
                Some(probation) => probation.fails(&self.swap_state.usual).await,
                None => std::future::pending().await,
            }
        };
        let retry = async {
            match &self.swap_state.retry {
                Some(retry) => time::sleep_until(retry.at()).await,
                None => std::future::pending().await,
            }
        };
        let first = tokio::select! {
            first = requests.recv() => first,
            () = retry => self.swap_state.retry.as_ref().map(|retry| retry.request()),
            failing = probation => {
                self.swap_state.probation = None;
                match failing {
                    Some(failing) => self.roll_back_failing(failing).await,
                    // The generation in force has passed its probation.
                    None => self.swap_state.proved = None,
                }
                return;
            }
        };
        let Some(first) = first else {
            // All senders are gone.
            return std::future::pending().await;
        };
        let mut waiting = VecDeque::from([first]);
        gather(&mut waiting, requests).await;
        while !waiting.is_empty() {
            self.serve_first(&mut waiting).await;
        }
    }

    /// Performs the first waiting action, and answers the requests behind it that ask for the same.
    async fn serve_first(&mut self, waiting: &mut VecDeque<Request>) {
        if self.refuse_impossible(waiting) {
            return;
        }
        let Some(first) = waiting.front() else { return };
        let action = first.action.clone();
        let mut same = waiting.iter().take_while(|other| other.action == action);
        // What somebody asks for is not put off.
        let trigger = same
            .find(|other| !other.trigger.is_automatic())
            .unwrap_or(first);
        let trigger = trigger.trigger.clone();
        let started = Instant::now();
        self.manager.reloading();
        let done = match &action {
            Action::Reload | Action::ForcedReload => {
                match self.reload(&trigger, action == Action::ForcedReload).await {
                    Attempt::Ended(done) => {
                        self.end_reload(&trigger, &done);
                        done
                    }
                    Attempt::PutOff => {
                        // The watcher requests it again. Nobody waits for an answer.
                        while waiting
                            .pop_front_if(|request| request.action == action)
                            .is_some()
                        {}
                        self.swap_state.retry = None;
                        self.manager.ready(&self.state());
                        return;
                    }
                }
            }
            Action::Rollback => self.roll_back(&trigger).await,
            Action::Promote(name) => self.decide(name, TrialDecision::Promoted, &trigger).await,
            Action::EndTrial(name) => self.decide(name, TrialDecision::Ended, &trigger).await,
        };
        let outcome = Outcome::of(done.as_ref(), self.generation_number(), started.elapsed());
        self.record(&trigger, &outcome);
        let is_reload = matches!(action, Action::Reload | Action::ForcedReload);
        if let Some(retry) = self.swap_state.retry.as_ref().filter(|_| is_reload) {
            let delay = retry.delay();
            tracing::warn!("the host lacked resources: the reload is tried again in {delay:?}");
        }
        if waiting.iter().any(|request| request.answer.is_some()) {
            // The status that its requester asks for next says whether the files are in force.
            self.watcher.has_looked(LOOK).await;
        }
        answer(waiting, &action, &outcome);
    }

    /// Refuses the first waiting action, and those behind it that ask for the same, if it asks for what cannot
    /// be. That is a mistake of the requester, and no refused reload. Returns whether it did.
    fn refuse_impossible(&self, waiting: &mut VecDeque<Request>) -> bool {
        let Some(first) = waiting.front() else {
            return false;
        };
        let Some(report) = self.impossible(&first.action) else {
            return false;
        };
        let (action, trigger) = (first.action.clone(), &first.trigger);
        let outcome = Outcome::impossible(&report, self.generation_number());
        tracing::warn!("request refused ({trigger})\n{report}");
        answer(waiting, &action, &outcome);
        true
    }

    /// Records whether a reload succeeded, and when to try again if the host lacked something.
    fn end_reload(&mut self, trigger: &Trigger, done: &Result<Reloaded, Problems>) {
        self.disk.reloaded(done.is_ok());
        let last = self.swap_state.retry.take();
        if let Err(problems) = done
            && problems.are_passing()
        {
            self.swap_state.retry = Some(Retry::after(last, trigger));
        }
    }

    /// Makes known what is in force, after it has changed.
    fn show_in_force(&self) {
        self.watcher.in_force(
            self.settings.host.watch,
            Arc::clone(&self.inputs),
            self.swap_state.decisions.describe(),
        );
    }

    /// Counts and logs an outcome; a refusal goes into the history, too.
    fn record(&self, trigger: &Trigger, outcome: &Outcome) {
        self.metrics.reloads.of(outcome.result).inc();
        self.manager.ready(&self.state());
        let generation = outcome.generation;
        match outcome.result {
            // Whoever has asked for it wants to know; a file may change without meaning anything else.
            ReloadStatus::Unchanged if matches!(trigger, Trigger::Changed(_)) => {
                tracing::debug!(%trigger, "reload: no change");
            }
            ReloadStatus::Unchanged => {
                tracing::info!(%trigger, generation, "reload: nothing has changed");
            }
            ReloadStatus::Applied => {
                tracing::info!(%trigger, generation, "reload: a new generation is in force");
                for change in &outcome.changes {
                    tracing::info!("reload: {change}");
                }
            }
            ReloadStatus::Refused => {
                let error = outcome.error.as_deref().unwrap_or_default();
                self.history.refused(trigger.to_string(), error.to_owned());
                // The report comes last: it has several lines, and fields would follow its hint.
                tracing::error!(
                    "reload refused ({trigger}); generation {generation} stays in force\n{error}"
                );
            }
        }
    }

    /// What the host does now, in few words.
    pub fn state(&self) -> String {
        let (listeners, generation) = (self.settings.listeners.len(), self.generation_number());
        let s = if listeners == 1 { "" } else { "s" };
        format!("serving {listeners} listener{s}, generation {generation}")
    }

    /// The number of the generation in force.
    fn generation_number(&self) -> u64 {
        self.snapshot.borrow().generation().number
    }
}

/// Answers the first waiting requests, as far as they ask for `action`.
fn answer(waiting: &mut VecDeque<Request>, action: &Action, outcome: &Outcome) {
    while let Some(same) = waiting.pop_front_if(|request| request.action == *action) {
        if let Some(answer) = same.answer {
            // The requester may have disconnected.
            drop(answer.send(outcome.clone()));
        }
    }
}

/// Adds the requests that arrive within [`BURST`] to `waiting`. Returns at once when a request is
/// waiting that does not come in bursts, because its requester waits for the answer.
async fn gather(waiting: &mut VecDeque<Request>, requests: &mut mpsc::Receiver<Request>) {
    let until = time::Instant::now() + BURST;
    loop {
        while let Ok(request) = requests.try_recv() {
            waiting.push_back(request);
        }
        if !waiting
            .iter()
            .all(|request| request.trigger.comes_in_bursts())
        {
            return;
        }
        match timeout_at(until, requests.recv()).await {
            Ok(Some(request)) => waiting.push_back(request),
            // All senders are gone, or the time is up.
            Ok(None) | Err(_) => return,
        }
    }
}
