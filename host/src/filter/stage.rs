//! A filter in a chain: a plugin with settings, and the instances that run it.
//!
//! In: lines of a stream. Out: the lines that go on, `on_error` applied; faults become counts and
//! a log line a second at most. A filter without state lends instances from a pool, so an idle
//! connection holds none; one with state keeps an instance for each stream.
//! Not here: the order of stages (`chain`), what follows a fault (`recover`), when it is called no
//! more (`breaker`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Semaphore;

use super::breaker::{After, Breaker, Opened};
use super::capsule::Capsules;
use super::course::Held;
use super::engine::Engine;
use super::imports::{Grants, Reach};
use super::instance::{Fault, Instance};
use super::limits::Bounds;
use super::plugin::{Digest, Plugin};
use super::quarantine::{Case, Origin, Quarantine};
use super::recover::Asked;
use super::trial::shadow::Compared;
use super::verdict::{Close, Failed, Judged, judge};
use crate::config::settings::{FilterSettings, Isolation, OnError};
use crate::config::words::Word as _;
use crate::lines::Lines;
use crate::telemetry::log::Gate;
use crate::telemetry::metrics::FilterMetrics;

mod captured;
mod handover;

pub(super) use handover::Handed;

/// Instances a pool keeps when nobody uses them. A call ends before its thread begins another
/// unless it runs for more than a tick, so about one a thread is in use at a time.
const POOLED: usize = 16;

/// A filter of one generation, shared by all its connections.
pub struct Filter {
    settings: FilterSettings,
    /// `settings.settings` as the guest gets it.
    json: Vec<u8>,
    bounds: Bounds,
    engine: Arc<Engine>,
    plugin: Arc<Plugin>,
    reach: Arc<Reach>,
    /// What its first instance said of itself.
    keeps_state: bool,
    /// Each stream has an instance of its own.
    exclusive: bool,
    /// What its first instance declared; the others must declare the same.
    routes: Vec<String>,
    pool: Mutex<Vec<Instance>>,
    metrics: FilterMetrics,
    notices: Notices,
    handover_log: Gate,
    /// Streams that may take over at the same time.
    turns: Semaphore,
    failed: AtomicU64,
    taken: AtomicU64,
    breaker: Breaker,
    /// What its answers came to beside another's, when it is a shadow.
    compared: Compared,
}

/// What leaves a filter beside its lines.
#[derive(Default)]
pub struct Notices {
    /// How often failed lines are logged.
    pub log: Gate,
    /// What takes them, when `on_error` is `quarantine`; without it they are left out.
    pub quarantine: Option<Quarantine>,
    /// Where it is written down how to make it trap again.
    pub capsules: Option<Capsules>,
}

/// The instance that a stream keeps at a stage, if the filter is exclusive and has been called.
/// Boxed: most streams have none.
#[derive(Default)]
pub(super) struct Own(Option<Box<Instance>>);

/// Why a filter cannot go live.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// It refused its settings.
    #[error("it refuses its settings: {0}")]
    Refused(String),
    /// It failed while starting.
    #[error("it fails at its start ({kind}): {reason}")]
    Failed {
        /// Label as in metrics.
        kind: &'static str,
        /// What happened.
        reason: String,
    },
}

impl Filter {
    /// Starts a first instance, which shows whether the filter takes its settings. Lines that fail
    /// are told of by `notices`.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(
        engine: Arc<Engine>,
        plugin: Arc<Plugin>,
        settings: FilterSettings,
        metrics: FilterMetrics,
        notices: Notices,
    ) -> Result<Arc<Self>, StartError> {
        let bounds = Bounds::of(&settings);
        let json = settings.settings.to_string().into_bytes();
        let grants = Grants::of(&settings.grant);
        let log_lines = match notices.log.is_shut() {
            true => None,
            false => Some(settings.limits.log_lines),
        };
        let reach = Reach::new(&settings.name, grants, log_lines, &metrics);
        let (reach, gauge) = (Arc::new(reach), metrics.instances.clone());
        let first = Instance::start(&engine, &plugin, bounds, &json, &reach, gauge).await;
        let (first, routes) = first.map_err(|fault| match fault.kind {
            "refused" => StartError::Refused(fault.reason),
            kind => StartError::Failed {
                kind,
                reason: fault.reason,
            },
        })?;
        let keeps_state = first.keeps_state;
        let exclusive = keeps_state || settings.isolation == Isolation::Connection;
        let pool = Mutex::new(if exclusive { Vec::new() } else { vec![first] });
        Ok(Arc::new(Self {
            settings,
            json,
            bounds,
            engine,
            plugin,
            reach,
            keeps_state,
            exclusive,
            routes,
            pool,
            breaker: Breaker::new(metrics.breaker_open.clone()),
            metrics,
            notices,
            handover_log: Gate::default(),
            turns: Semaphore::new(handover::AT_ONCE),
            failed: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            compared: Compared::default(),
        }))
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The name of the filter that it is, or that it is a version on trial of.
    pub fn base_name(&self) -> &str {
        let name = self.name();
        name.split_once('@').map_or(name, |(base, _)| base)
    }

    /// The settings it was started with.
    pub fn settings(&self) -> &FilterSettings {
        &self.settings
    }

    /// The digest of its plugin.
    pub fn digest(&self) -> Digest {
        self.plugin.digest
    }

    /// Its plugin.
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    /// Whether each stream has an instance of its own.
    pub fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// The routes it may send lines to. A verdict names them by their places.
    pub fn routes(&self) -> &[String] {
        &self.routes
    }

    /// What its answers came to beside another's, when it is a shadow.
    pub fn compared(&self) -> &Compared {
        &self.compared
    }

    /// Whether it is called.
    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Since when it is not called, but for probes; `None` when it is.
    pub fn opened(&self) -> Option<Opened> {
        self.breaker.opened()
    }

    /// How many lines have come to it, in this generation.
    pub fn lines(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many lines have failed in it.
    pub fn failed_lines(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn on_error(&self) -> OnError {
        self.settings.on_error
    }

    /// Calls the filter once. The instance goes back to where it came from unless it failed.
    pub(super) async fn call(
        &self,
        own: &mut Own,
        input: &Lines,
        asked: Asked<'_>,
    ) -> Result<Judged, Fault> {
        let Asked { rules, ways, .. } = asked;
        let mut instance = self.instance(own).await?;
        let started = Instant::now();
        let outcome = instance
            .process(&self.engine, self.bounds, input, rules.max_output)
            .await;
        self.metrics
            .call_seconds
            .observe(started.elapsed().as_secs_f64());
        self.metrics.calls.inc();
        if outcome
            .as_ref()
            .is_err_and(|fault| fault.kind == "deadline")
        {
            let overrun = instance.overrun().as_secs_f64();
            self.metrics.overrun_seconds.observe(overrun);
        }
        let judged = judge(input, outcome?, rules, ways, self.on_error())
            .map_err(|broken| Fault::new("outcome", broken.to_string()))?;
        self.give_back(own, instance);
        Ok(judged)
    }

    /// Takes back what the filter still holds of a stream, if it has an instance for it.
    pub(super) async fn finish(&self, own: Own, asked: Asked<'_>) -> Held {
        let Asked { rules, ways, .. } = asked;
        let mut held = Held::default();
        let Some(instance) = own.0.filter(|instance| instance.keeps_state) else {
            return held;
        };
        let terminator = rules.framing.terminator();
        let (bounds, most) = (self.bounds, rules.max_output);
        let lines = instance
            .finish(&self.engine, bounds, ways.len(), most)
            .await;
        let lines = lines.unwrap_or_else(|fault| {
            self.failed(fault.kind, 1, &fault.reason);
            Vec::new()
        });
        for (content, route) in lines {
            let wrong = match () {
                () if content.len() > rules.max_output => {
                    Some(("length", "a line held back is longer than may go on"))
                }
                () if rules.framing.ends_inside(&content) => {
                    Some(("terminator", "a line held back holds a terminator"))
                }
                () => None,
            };
            if let Some((kind, reason)) = wrong {
                self.failed(kind, 1, reason);
                self.set_aside(asked.origin, kind, reason, &content);
            } else if let Some(way) = route.and_then(|route| ways[route as usize]) {
                let at = held.lines.len();
                held.departed.push(&content, terminator, way, at);
            } else {
                held.lines.push(&content, terminator);
            }
        }
        held
    }

    /// Counts what a call came to, of these lines.
    pub(super) fn account(&self, input: &Lines, judged: &Judged, origin: &Origin) {
        let lines = input.len() as u64;
        self.metrics.lines.inc_by(lines);
        self.taken.fetch_add(lines, Ordering::Relaxed);
        self.metrics.dropped.inc_by(judged.dropped);
        // Runs of one kind are counted together: finding a counter by its labels takes a while.
        for run in judged.failed.chunk_by(|one, next| one.kind == next.kind) {
            if let [Failed { kind, reason, .. }, ..] = run {
                self.failed(kind, run.len() as u64, reason);
            }
        }
        for Failed { line, kind, reason } in &judged.failed {
            self.set_aside(origin, kind, reason, input.content(*line));
        }
    }

    /// Counts lines that were given up after a fault.
    pub(super) fn lost(&self, input: &Lines, fault: &Fault, origin: &Origin) {
        self.account(input, &Judged::default(), origin);
        self.failed(fault.kind, input.len() as u64, &fault.reason);
        self.set_all_aside(origin, fault.kind, &fault.reason, input);
    }

    fn set_all_aside(&self, origin: &Origin, kind: &str, reason: &str, lines: &Lines) {
        if self.notices.quarantine.is_some() {
            for line in 0..lines.len() {
                self.set_aside(origin, kind, reason, lines.content(line));
            }
        }
    }

    /// Sends a line that failed to quarantine, if that is what becomes of one.
    fn set_aside(&self, origin: &Origin, kind: &str, reason: &str, content: &[u8]) {
        if let Some(quarantine) = &self.notices.quarantine {
            let case = Case {
                filter: self.name(),
                plugin: self.digest(),
                kind,
                reason,
                origin,
            };
            quarantine.take(case, content, &self.metrics.quarantined);
        }
    }

    /// A call was good.
    pub(super) fn works(&self) {
        if self.breaker.good() {
            tracing::info!(
                filter = self.name(),
                "breaker closed: the filter is called again"
            );
        }
    }

    /// A call came to nothing, and its lines were given up.
    pub(super) fn broke(&self, fault: &Fault) -> After {
        let heavy = matches!(fault.kind, "deadline" | "refused");
        let after = self.breaker.fault(heavy, Instant::now());
        if after == After::Opened {
            let (kind, reason, on_error) = (fault.kind, &fault.reason, self.on_error().word());
            tracing::error!(
                filter = self.name(),
                kind,
                reason,
                on_error,
                "breaker open: the filter is not called, but for a batch now and then to see whether it works again"
            );
        }
        after
    }

    /// Counts lines that came while the breaker was open. That has been logged.
    pub(super) fn not_offered(&self, input: &Lines, origin: &Origin) {
        let lines = input.len() as u64;
        let reason = "the filter kept failing, and is not called";
        self.set_all_aside(origin, "breaker", reason, input);
        self.metrics.failed("breaker", lines);
        self.taken.fetch_add(lines, Ordering::Relaxed);
        self.failed.fetch_add(lines, Ordering::Relaxed);
    }

    /// Counts lines that failed, and logs it once a second at most.
    pub(super) fn failed(&self, kind: &str, lines: u64, reason: &str) {
        self.metrics.failed(kind, lines);
        self.failed.fetch_add(lines, Ordering::Relaxed);
        if let Some(held) = self.notices.log.pass() {
            let on_error = self.on_error().word();
            tracing::warn!(
                filter = self.name(),
                kind,
                reason,
                on_error,
                not_logged = held,
                "line failed"
            );
        }
    }

    async fn instance(&self, own: &mut Own) -> Result<Instance, Fault> {
        if let Some(own) = own.0.take() {
            return Ok(*own);
        }
        if !self.exclusive {
            let pooled = self
                .pool
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            if let Some(pooled) = pooled {
                return Ok(pooled);
            }
        }
        self.start_one().await
    }

    /// A new instance.
    async fn start_one(&self) -> Result<Instance, Fault> {
        let (engine, plugin, reach) = (&self.engine, &self.plugin, &self.reach);
        let gauge = self.metrics.instances.clone();
        let started = Instance::start(engine, plugin, self.bounds, &self.json, reach, gauge).await;
        match started? {
            (instance, routes) if routes == self.routes => Ok(instance),
            _ => Err(Fault::new(
                "outcome",
                "it declares other routes than before, with the same settings",
            )),
        }
    }

    fn give_back(&self, own: &mut Own, instance: Instance) {
        if self.exclusive {
            own.0 = Some(Box::new(instance));
            return;
        }
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOLED {
            pool.push(instance);
        }
    }
}

/// What becomes of lines whose call came to nothing.
pub(super) fn give_up(input: Lines, on_error: OnError) -> Judged {
    match on_error {
        OnError::Pass => Judged {
            lines: input,
            ..Judged::default()
        },
        OnError::Drop | OnError::Quarantine => Judged {
            counts: vec![0; input.len()],
            ..Judged::default()
        },
        OnError::Close => Judged {
            counts: vec![0],
            close: Some(Close::OnError),
            ..Judged::default()
        },
    }
}

// === impl Own ===

impl Own {
    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the instance knows something of its stream.
    pub(super) fn has_state(&self) -> bool {
        self.0.as_ref().is_some_and(|instance| instance.keeps_state)
    }
}
