//! The actions of the reloader: each builds a generation and publishes it.
//!
//! In: settings, read from the file or derived from those in force. Out: a published generation, or
//! a report of what is wrong; nothing has changed then.

use std::sync::Arc;
use std::time::Instant;

use super::Reloader;
use super::decisions::{Decisions, TrialDecision};
use super::fingerprint::Fingerprint;
use super::probation::{self, Failing, Probation};
use super::recipe::Recipe;
use crate::control::build::{BuildContext, build_of};
use crate::control::circles;
use crate::control::request::{Action, Outcome, ReloadStatus, Reloaded, Trigger};
use crate::control::warnings;
use crate::generation::{DataPlane, Generation, Snapshot};
use crate::log;
use crate::memory;
use linemill_config::diff::{Diff, diff};
use linemill_config::settings::Settings;
use linemill_config::{Files, Inputs, Place, Problem, Problems};
use linemill_sandbox::plugin::loader::open_capsules;
use linemill_sandbox::supervise::capsule::Capsules;

/// How a reload went.
pub(super) enum Attempt {
    /// It succeeded, or was refused.
    Ended(Result<Reloaded, Problems>),
    /// Nobody asked for it, and a file that it read is being written to. It is requested again once the
    /// file is complete.
    PutOff,
}

/// A generation that is ready to be published.
struct Built {
    generation: Generation,
    settings: Settings,
    /// How `settings` differ from those in force.
    diff: Diff,
    /// Another folder for capsules, or none; `None` when the one in force stays.
    capsules: Option<Option<Capsules>>,
}

impl Built {
    /// The generation, and what it was built of.
    fn built(&self) -> probation::Built<'_> {
        probation::Built {
            generation: &self.generation,
            settings: &self.settings,
        }
    }
}

impl<D: DataPlane> Reloader<D> {
    /// Reads the settings again, and puts them in force.
    /// With `forced`, also if they have been rolled back.
    pub(super) async fn reload(&mut self, trigger: &Trigger, forced: bool) -> Attempt {
        let started = Instant::now();
        let inputs = if trigger.is_automatic() {
            Inputs::holding_back(self.watcher.held_back())
        } else {
            Inputs::default()
        };
        let mut decisions = self.swap_state.decisions.clone();
        let loaded = self.load(&inputs, &mut decisions).await;
        // Even if the load failed: a change to one of its files may correct that.
        self.watcher.follow(&inputs);
        let unsettled = inputs.unsettled();
        if trigger.is_automatic() && !unsettled.is_empty() {
            if !self.watcher.is_overdue(&unsettled) {
                tracing::debug!(files = ?unsettled, "reload put off: files are being written to");
                return Attempt::PutOff;
            }
            let reports = self.watcher.being_written(unsettled).await;
            return match Problems::new(reports) {
                Some(reports) => Attempt::Ended(Err(reports)),
                // Not any more.
                None => Attempt::PutOff,
            };
        }
        let read: Vec<_> = inputs.all().into_keys().collect();
        let half_written = self.watcher.being_written(read).await;
        if forced && let Ok(next) = &loaded {
            self.swap_state.rejected.forget(next.built());
        }
        let done = match loaded {
            Ok(next) => self.finish_reload(next, decisions, trigger, started, &inputs),
            Err(problems) => Err(problems),
        };
        let half_written = half_written.into_iter().map(Problem::warning);
        Attempt::Ended(match done {
            Ok(done) => {
                half_written.for_each(|warning| tracing::warn!("{warning}"));
                Ok(done)
            }
            // It may be why.
            Err(problems) => Err(half_written.fold(problems, Problems::and)),
        })
    }

    /// Reads the settings, and builds a generation of them.
    async fn load(
        &mut self,
        inputs: &Inputs,
        decisions: &mut Decisions,
    ) -> Result<Built, Problems> {
        // Reading may take as long as the file system likes, and this thread serves connections.
        let (origin, files) = (self.origin.clone(), Files::recording(inputs));
        let loading = tokio::task::spawn_blocking(move || origin.load(&files));
        let interrupted = |_| Problem::new("loading was interrupted: the host is stopping", "");
        let mut settings = loading.await.map_err(interrupted)??;
        decisions.apply_to(&mut settings);
        self.build(settings, None, &Files::recording(inputs)).await
    }

    /// Puts what a reload has loaded in force.
    fn finish_reload(
        &mut self,
        next: Built,
        decisions: Decisions,
        trigger: &Trigger,
        started: Instant,
        inputs: &Inputs,
    ) -> Result<Reloaded, Problems> {
        if let Some(report) = self.swap_state.rejected.refuse(next.built()) {
            return Err(report.into());
        }
        let explicit = matches!(trigger, Trigger::Admin(_));
        if !explicit
            && let Some(declined) = &self.swap_state.declined
            && *declined == Fingerprint::of(&next.generation, next.settings.clone())
        {
            return Ok(Reloaded::Unchanged);
        }
        let budget = self.plugins.engine().budget();
        warnings::log(&next.settings, &next.generation, budget);
        let done = self.publish(next, trigger, started)?;
        self.swap_state.decisions = decisions;
        self.inputs = Arc::new(inputs.all());
        if let Reloaded::Applied { .. } = done {
            self.swap_state.declined = None;
        }
        self.show_in_force();
        Ok(done)
    }

    /// Why an action asks for what cannot be, if it does.
    pub(super) fn impossible(&self, action: &Action) -> Option<Problems> {
        let (filter, decision) = match action {
            Action::Reload | Action::ForcedReload => return None,
            Action::Rollback if self.swap_state.previous.is_some() => return None,
            Action::Rollback => return Some(no_previous().into()),
            Action::Promote(filter) => (filter, TrialDecision::Promoted),
            Action::EndTrial(filter) => (filter, TrialDecision::Ended),
        };
        let mut decisions = self.swap_state.decisions.clone();
        let decided = decisions.decide(filter, decision, &self.settings);
        decided.err().map(Into::into)
    }

    /// Ends the trial of a filter by `decision`.
    pub(super) async fn decide(
        &mut self,
        filter: &str,
        decision: TrialDecision,
        trigger: &Trigger,
    ) -> Result<Reloaded, Problems> {
        let started = Instant::now();
        let mut decisions = self.swap_state.decisions.clone();
        let (settings, edits) = decisions.decide(filter, decision, &self.settings)?;
        // Built of what is in force: the files may have changed since.
        let in_force = Recipe::of(
            self.snapshot.borrow().generation(),
            self.settings.clone(),
            self.swap_state.decisions.clone(),
            Arc::clone(&self.inputs),
        );
        let recipe = match decision {
            TrialDecision::Promoted => in_force.promoting(filter),
            TrialDecision::Ended => in_force,
        };
        let next = self
            .build(settings, Some(&recipe), &Files::default())
            .await?;
        let mut done = self.publish(next, trigger, started)?;
        self.swap_state.decisions = decisions;
        self.show_in_force();
        if let Reloaded::Applied { keep, .. } = &mut done {
            *keep = edits;
        }
        Ok(done)
    }

    /// Restores the previous generation because a requester asks for it.
    pub(super) async fn roll_back(&mut self, trigger: &Trigger) -> Result<Reloaded, Problems> {
        let started = Instant::now();
        let Some(recipe) = self.swap_state.previous.clone() else {
            return Err(no_previous().into());
        };
        let before = Arc::clone(self.snapshot.borrow().generation());
        let declined = Fingerprint::of(&before, self.settings.clone());
        let next = self
            .build(recipe.settings.clone(), Some(&recipe), &Files::default())
            .await?;
        let done = self.publish(next, trigger, started)?;
        self.restored(&recipe);
        self.swap_state.declined = Some(declined);
        Ok(done)
    }

    /// Restores the last proved generation because a filter failed its probation.
    pub(super) async fn roll_back_failing(&mut self, failing: Failing) {
        let reason = failing.to_string();
        let Some(recipe) = self.swap_state.proved.take() else {
            return;
        };
        self.swap_state.rejected.add(failing);
        tracing::error!("{reason}; going back to generation {}", recipe.number);
        let started = Instant::now();
        let trigger = Trigger::Failing(reason);
        let built = self
            .build(recipe.settings.clone(), Some(&recipe), &Files::default())
            .await;
        let done = built.and_then(|next| self.publish(next, &trigger, started));
        if done.is_ok() {
            self.restored(&recipe);
        } else {
            // The next swap may fail, too.
            self.swap_state.proved = Some(recipe);
        }
        let outcome = Outcome::of(done.as_ref(), self.generation_number(), started.elapsed());
        if outcome.result == ReloadStatus::Applied {
            self.metrics.rollbacks.inc();
        }
        self.record(&trigger, &outcome);
    }

    /// Records that the generation of `recipe` is in force again.
    fn restored(&mut self, recipe: &Recipe) {
        self.swap_state.restored(recipe);
        self.inputs = Arc::clone(&recipe.inputs);
        self.show_in_force();
    }

    /// Builds a generation, unless a difference from the settings in force needs a restart. What `recipe`
    /// does not contain is read as some of the `files` of a load.
    async fn build(
        &self,
        settings: Settings,
        recipe: Option<&Recipe>,
        files: &Files,
    ) -> Result<Built, Problems> {
        let diff = diff(&self.settings, &settings);
        if let Some(refusal) = diff.refusal() {
            return Err(refusal);
        }
        circles::check(&settings).await?;
        let before = Arc::clone(self.snapshot.borrow().generation());
        let observed = self.taps.observed();
        let context = BuildContext {
            before: Some(&before),
            plugins: &self.plugins,
            metrics: &self.filter_metrics,
            sinks: Some(&self.sinks),
            observed: Some(&observed),
            files,
        };
        let generation = build_of(&settings, recipe, &context).await?;
        let host = &settings.host;
        let capsules = if host.capsules == self.settings.host.capsules {
            None
        } else {
            let place = host.places.of("capsules");
            let opened = open_capsules(host).map_err(|refusal| refusal.problem.at(place));
            Some(opened?)
        };
        Ok(Built {
            generation,
            settings,
            diff,
            capsules,
        })
    }

    /// Puts a generation in force, unless it is the same as the one in force. Has no await point, so
    /// that it happens completely or not at all.
    ///
    /// # Errors
    /// A new address cannot be bound; nothing has changed then.
    fn publish(
        &mut self,
        built: Built,
        trigger: &Trigger,
        started: Instant,
    ) -> Result<Reloaded, Problems> {
        let Built {
            generation: mut next,
            settings,
            diff,
            capsules,
        } = built;
        let before = Arc::clone(self.snapshot.borrow().generation());
        let mut changes: Vec<_> = diff.iter().map(ToString::to_string).collect();
        changes.extend(changed_files(&before, &next));
        if changes.is_empty() {
            return Ok(Reloaded::Unchanged);
        }
        let prepared = self.listeners.prepare(&settings, &next)?;
        let admin = self.admin.prepare(&settings, &mut self.listeners)?;
        next.leaving = self.listeners.leaving(&before, &next);
        let (generation, next) = (next.number, Arc::new(next));
        Snapshot::publish(&self.snapshot, Arc::clone(&next));
        let services = next.services.values();
        self.sinks.settle(services.map(|service| &*service.egress));
        let filters = next.filters.values();
        self.sinks
            .settle_quarantines(filters.map(|filter| filter.settings()));
        self.listeners.start(prepared);
        self.admin.start(admin, &settings);
        if let Some(capsules) = capsules {
            self.plugins.capsules().set(capsules);
        }
        let budget = self.plugins.engine().budget();
        budget.set_limit(memory::limit(&settings.host));
        self.metrics.in_force(generation);
        let filters = next.filters.keys().map(String::as_str);
        self.filter_metrics.count_refusals_of(filters);
        let leases = Arc::clone(&self.snapshot.borrow().in_force.leases);
        self.history.set_sources(settings.sources.clone());
        let by = trigger.to_string();
        self.history
            .add(&next, &leases, by, changes.clone(), started.elapsed());
        log::follow(&self.settings.host.log, &settings.host.log);
        let rule = settings.host.rollback;
        let last = self.swap_state.probation.take();
        // What is left because it failed says nothing of what is usual.
        if last.is_none() && !matches!(trigger, Trigger::Failing(_)) {
            self.swap_state.usual.learn(&before);
        }
        self.swap_state.usual.retain(&next);
        let old = std::mem::replace(&mut self.settings, settings);
        let swap = [(&*before, &old), (&*next, &self.settings)];
        let [was, is] = swap.map(|(generation, settings)| probation::Built {
            generation,
            settings,
        });
        let is_proved = last.is_none();
        self.swap_state.probation = rule.and_then(|rule| Probation::after(was, is, last, rule));
        let recipe = Arc::new(Recipe::of(
            &before,
            old,
            self.swap_state.decisions.clone(),
            Arc::clone(&self.inputs),
        ));
        if is_proved {
            self.swap_state.proved = Some(Arc::clone(&recipe));
        }
        self.swap_state.previous = Some(recipe);
        Ok(Reloaded::Applied {
            generation,
            changes,
            keep: Vec::new(),
        })
    }
}

fn no_previous() -> Problem {
    let hint = "only the previous generation is kept, and it can be restored once; change the configuration instead";
    Place::default().problem("there is no generation to go back to", hint)
}

/// The differences that the settings do not show: plugins and certificates whose files changed.
fn changed_files(before: &Generation, next: &Generation) -> Vec<String> {
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
