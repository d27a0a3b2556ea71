//! Reloads: reads the settings again and puts a new generation in place, or leaves everything.
//!
//! In: [`Request`]s. Out: new [`Orders`] for the data plane, and answers; bursts of requests are
//! one reload, and there is one at a time. Not here: what a connection does with new orders, how a
//! generation is built (`build`), what listens (`fleet`).

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, timeout_at};

use super::build::build;
use super::fleet::Fleet;
use super::history::History;
use super::load::Plugins;
use super::origin::Origin;
use super::request::{Outcome, Reloaded, Request, Result as Word, Trigger, What};
use super::watch::Watcher;
use crate::config::diff::diff;
use crate::config::report::{Place, Report, Reports};
use crate::config::settings::Settings;
use crate::generation::{Generation, Orders};
use crate::telemetry::metrics::Metrics;

/// Triggers within this time of the first are one.
const BURST: Duration = Duration::from_millis(150);

/// What reloads and swaps.
pub struct Swapper {
    /// Where settings come from.
    pub origin: Origin,
    /// The settings in force.
    pub settings: Settings,
    /// Where plugins come from.
    pub plugins: Arc<Plugins>,
    /// What listens.
    pub fleet: Fleet,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// What has been in force.
    pub history: History,
    /// Where new orders go.
    pub orders: watch::Sender<Orders>,
}

impl Swapper {
    /// Does what is asked for until the `end`, in the middle of it if need be: a generation is in
    /// force with all that goes with it, or it is not. Gives back what listens.
    pub async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut watcher: Watcher,
        end: oneshot::Receiver<()>,
    ) -> Fleet {
        watcher.follow(&self.origin, &self.settings);
        let mut waiting = VecDeque::new();
        let doing = async {
            loop {
                if waiting.is_empty() {
                    let Some(request) = requests.recv().await else {
                        std::future::pending().await
                    };
                    waiting.push_back(request);
                }
                gather(&mut waiting, &mut requests).await;
                self.serve(&mut waiting, &mut watcher).await;
            }
        };
        tokio::select! {
            biased;
            _ = end => {}
            () = doing => {}
        }
        self.fleet
    }

    /// Does the first of what waits, and whatever of the rest is the same.
    async fn serve(&mut self, waiting: &mut VecDeque<Request>, watcher: &mut Watcher) {
        let Some(first) = waiting.front() else { return };
        let (what, trigger) = (first.what.clone(), first.trigger.clone());
        let started = Instant::now();
        let done = match what {
            What::Reload => match watcher.quiet().await {
                Ok(()) => self.reload(&trigger).await,
                Err(path) => Err(half_written(&path).into()),
            },
        };
        let outcome = Outcome::of(done.as_ref(), self.number(), started.elapsed());
        self.tell(&trigger, &outcome);
        if outcome.result == Word::Applied {
            watcher.follow(&self.origin, &self.settings);
        }
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
            Word::Unchanged => tracing::debug!(%trigger, "reload: nothing changed"),
            Word::Applied => {
                tracing::info!(%trigger, generation, "reload: new chains are in force");
                for change in &outcome.changes {
                    tracing::info!("reload: {change}");
                }
            }
            Word::Refused => {
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
        let settings = self.origin.load()?;
        let diff = diff(&self.settings, &settings);
        if let Some(refusal) = diff.refusal() {
            return Err(refusal);
        }
        let before = Arc::clone(self.orders.borrow().generation());
        let mut next = build(&settings, Some(&before), &self.plugins, &self.metrics).await?;
        let mut changes: Vec<_> = diff.iter().map(ToString::to_string).collect();
        changes.extend(other_files(&before, &next));
        if changes.is_empty() {
            return Ok(Reloaded::Unchanged);
        }
        let joining = self.fleet.prepare(&settings, &next, &self.metrics)?;
        next.leaving = self.fleet.leaving(&before, &next);
        let (generation, next) = (next.number, Arc::new(next));
        Orders::publish(&self.orders, Arc::clone(&next));
        self.fleet.start(joining, &self.metrics);
        self.metrics.in_force(generation);
        let mark = Arc::clone(&self.orders.borrow().in_force.mark);
        let by = trigger.to_string();
        self.history.read_from(settings.place.source().cloned());
        self.history
            .add(&next, &mark, by, changes.clone(), started.elapsed());
        self.settings = settings;
        Ok(Reloaded::Applied {
            generation,
            changes,
        })
    }

    fn number(&self) -> u64 {
        self.orders.borrow().generation().number
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
