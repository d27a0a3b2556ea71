//! A filter in a chain: a plugin with settings, and the instances that run it.
//!
//! In: lines of a stream. Out: the lines that go on, `on_error` applied; faults become counts and
//! a log line a second at most. A filter without state lends instances from a pool, so an idle
//! connection holds none; one with state keeps an instance for each stream.
//! Not here: the order of stages (`chain`), what follows a fault (`recover`), when it is called no
//! more (`breaker`), what is counted and told (`account`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prometheus_client::metrics::counter::Atomic as _;
use tokio::sync::Semaphore;

use crate::chain::batch::HeldLines;
use crate::engine::Engine;
use crate::fault::{Fault, FaultKind};
use crate::filter::pool::Pool;
use crate::imports::{Grants, ImportContext};
use crate::instance::slots;
use crate::instance::{Instance, NotStarted};
use crate::limits::Bounds;
use crate::metrics::FilterMetrics;
use crate::plugin::{Digest, Linked, Plugin};
use crate::supervise::breaker::{Breaker, Opened};
use crate::supervise::capsule::Capsules;
use crate::supervise::quarantine::Quarantine;
use crate::supervise::supervisor::{CallContext, SuspectMode};
use crate::trial::shadow::Comparison;
use crate::verdict::{Close, Verdicts, judge};
use linemill_config::settings::{FilterSettings, Isolation, OnError};
use linemill_framing::Lines;
use linemill_telemetry::Gate;
use linemill_telemetry::Shards;

mod account;
mod capture;
mod handover;
mod pool;
pub mod self_test;

pub(crate) use handover::HandedOver;

/// A filter of one generation, shared by all its connections.
pub struct Filter {
    settings: FilterSettings,
    /// `settings.settings` as the guest gets it.
    json: Vec<u8>,
    bounds: Bounds,
    engine: Arc<Engine>,
    plugin: Arc<Plugin>,
    import_context: Arc<ImportContext>,
    /// What its first instance said of itself.
    keeps_state: bool,
    /// Each stream has an instance of its own.
    exclusive: bool,
    /// What its first instance declared; the others must declare the same.
    routes: Vec<String>,
    /// Boxed: it is large, and moves with every call.
    pool: Pool<Box<Instance>>,
    metrics: FilterMetrics,
    notices: Reporting,
    handover_log: Gate,
    /// Streams that may take over at the same time.
    turns: Semaphore,
    failed: AtomicU64,
    taken: Shards<AtomicU64>,
    breaker: Breaker,
    suspect_mode: SuspectMode,
    /// What its answers came to beside another's, when it is a shadow.
    compared: Comparison,
}

/// What leaves a filter beside its lines.
#[derive(Default)]
pub struct Reporting {
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
pub(crate) struct OwnInstance(Option<Box<Instance>>);

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
        kind: FaultKind,
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
        notices: Reporting,
    ) -> Result<Arc<Self>, StartError> {
        let bounds = Bounds::of(&settings);
        let json = settings.settings.to_string().into_bytes();
        let grants = Grants::of(&settings.grant);
        let log_lines = match notices.log.is_shut() {
            true => None,
            false => Some(settings.limits.log_lines),
        };
        let import_context = ImportContext::new(&settings.name, grants, log_lines, &metrics);
        let (import_context, gauge) = (Arc::new(import_context), metrics.instances.clone());
        let first = Instance::start(
            &engine,
            &plugin.linked,
            bounds,
            &json,
            &import_context,
            gauge,
        )
        .await;
        let (first, routes) = first
            .map_err(NotStarted::into_fault)
            .map_err(|fault| match fault.kind {
                FaultKind::Refused => StartError::Refused(fault.reason),
                kind => StartError::Failed {
                    kind,
                    reason: fault.reason,
                },
            })?;
        let keeps_state = first.keeps_state;
        let exclusive = keeps_state || settings.isolation == Isolation::Connection;
        let pool = Pool::new((!exclusive).then(|| Box::new(first)));
        Ok(Arc::new(Self {
            settings,
            json,
            bounds,
            engine,
            plugin,
            import_context,
            keeps_state,
            exclusive,
            routes,
            pool,
            breaker: Breaker::new(metrics.breaker_open.clone()),
            suspect_mode: SuspectMode::default(),
            metrics,
            notices,
            handover_log: Gate::default(),
            turns: Semaphore::new(handover::AT_ONCE),
            failed: AtomicU64::new(0),
            taken: Shards::default(),
            compared: Comparison::default(),
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
    pub fn compared(&self) -> &Comparison {
        &self.compared
    }

    /// Whether it is called.
    pub(crate) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Since when it is not called, but for probes; `None` when it is.
    pub fn opened(&self) -> Option<Opened> {
        self.breaker.opened()
    }

    /// How many lines have come to it, in this generation.
    pub fn lines(&self) -> u64 {
        self.taken.get()
    }

    /// How many lines have failed in it.
    pub fn failed_lines(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Whether it is called in small parts.
    pub(crate) fn suspect_mode(&self) -> &SuspectMode {
        &self.suspect_mode
    }

    pub(crate) fn on_error(&self) -> OnError {
        self.settings.on_error
    }

    /// Calls the filter once. The instance goes back to where it came from unless it failed; `input`
    /// is spent unless it did.
    pub(crate) async fn call(
        &self,
        own: &mut OwnInstance,
        input: &mut Lines,
        context: CallContext<'_>,
    ) -> Result<Verdicts, Fault> {
        let CallContext {
            rules,
            route_indices,
            ..
        } = context;
        let mut instance = self.instance(own).await?;
        let started = Instant::now();
        let outcome = instance
            .process(&self.engine, self.bounds, input, rules.max_output)
            .await;
        self.metrics.call_seconds.observe(started.elapsed());
        self.metrics.calls.inc();
        if outcome
            .as_ref()
            .is_err_and(|fault| fault.kind == FaultKind::Deadline)
        {
            let overrun = instance.overrun().as_secs_f64();
            self.metrics.overrun_seconds.observe(overrun);
        }
        let verdicts = judge(input, outcome?, rules, route_indices, self.on_error())
            .map_err(|broken| Fault::new(FaultKind::Outcome, broken.to_string()))?;
        self.give_back(own, instance);
        Ok(verdicts)
    }

    /// Takes back what the filter still holds of a stream, if it has an instance for it.
    pub(crate) async fn finish(&self, own: OwnInstance, context: CallContext<'_>) -> HeldLines {
        let CallContext {
            rules,
            route_indices,
            ..
        } = context;
        let mut held = HeldLines::default();
        let Some(instance) = own.0.filter(|instance| instance.keeps_state) else {
            return held;
        };
        let terminator = rules.framing.terminator();
        let (bounds, most) = (self.bounds, rules.max_output);
        let lines = instance
            .finish(&self.engine, bounds, route_indices.len(), most)
            .await;
        let lines = lines.unwrap_or_else(|fault| {
            self.failed(fault.kind, 1, &fault.reason);
            Vec::new()
        });
        for (content, route) in lines {
            let wrong = match () {
                () if content.len() > rules.max_output => Some((
                    FaultKind::Length,
                    "a line held back is longer than may go on",
                )),
                () if rules.framing.ends_inside(&content) => {
                    Some((FaultKind::Terminator, "a line held back holds a terminator"))
                }
                () => None,
            };
            if let Some((kind, reason)) = wrong {
                self.failed(kind, 1, reason);
                self.set_aside(context.origin, kind, reason, &content);
            } else if let Some(route) = route.and_then(|route| route_indices[route as usize]) {
                let at = held.lines.len();
                held.routed.push(&content, terminator, route, at);
            } else {
                held.lines.push(&content, terminator);
            }
        }
        held
    }

    async fn instance(&self, own: &mut OwnInstance) -> Result<Box<Instance>, Fault> {
        if let Some(own) = own.0.take() {
            return Ok(own);
        }
        if !self.exclusive
            && let Some(pooled) = self.pool.take()
        {
            return Ok(pooled);
        }
        // Boxed: it is large, and made seldom.
        Box::pin(self.start_one()).await.map(Box::new)
    }

    /// A new instance: in a slot, if the filter has failed before and there is one.
    async fn start_one(&self) -> Result<Instance, Fault> {
        let in_slot = match self.in_slots().await {
            Some(linked) => self.start_of(linked).await,
            None => Err(NotStarted::NoSlot),
        };
        let started = match in_slot {
            Err(NotStarted::NoSlot) => self.start_of(&self.plugin.linked).await,
            started => started,
        };
        match started.map_err(NotStarted::into_fault)? {
            (instance, routes) if routes == self.routes => Ok(instance),
            _ => Err(Fault::new(
                FaultKind::Outcome,
                "it declares other routes than before, with the same settings",
            )),
        }
    }

    /// The plugin as slots want it, when the filter has failed before and fits into them.
    async fn in_slots(&self) -> Option<&Linked> {
        if !self.suspect_mode.has_begun() || self.bounds.limits.tables > slots::ELEMENTS {
            return None;
        }
        if !self.plugin.knows_slots() {
            let (engine, plugin) = (Arc::clone(&self.engine), Arc::clone(&self.plugin));
            let making = tokio::task::spawn_blocking(move || plugin.in_slots(&engine).is_some());
            // Without them it goes on as before.
            drop(making.await);
        }
        self.plugin.in_slots(&self.engine)
    }

    async fn start_of(&self, plugin: &Linked) -> Result<(Instance, Vec<String>), NotStarted> {
        let (engine, import_context) = (&self.engine, &self.import_context);
        let gauge = self.metrics.instances.clone();
        Instance::start(
            engine,
            plugin,
            self.bounds,
            &self.json,
            import_context,
            gauge,
        )
        .await
    }

    fn give_back(&self, own: &mut OwnInstance, instance: Box<Instance>) {
        if self.exclusive {
            own.0 = Some(instance);
        } else {
            self.pool.put(instance);
        }
    }
}

/// What becomes of lines whose call came to nothing.
pub(crate) fn give_up(input: Lines, on_error: OnError) -> Verdicts {
    match on_error {
        OnError::Pass => Verdicts {
            lines: input,
            ..Verdicts::default()
        },
        OnError::Drop | OnError::Quarantine => Verdicts {
            counts: vec![0; input.len()],
            ..Verdicts::default()
        },
        OnError::Close => Verdicts {
            counts: vec![0],
            close: Some(Close::OnError),
            ..Verdicts::default()
        },
    }
}

// === impl OwnInstance ===

impl OwnInstance {
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the instance knows something of its stream.
    pub(crate) fn has_state(&self) -> bool {
        self.0.as_ref().is_some_and(|instance| instance.keeps_state)
    }
}
