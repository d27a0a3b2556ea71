//! A filter: a plugin with settings, and the instances that run it.
//!
//! In: lines of a stream. Out: verdicts on them. A filter without state takes its instances from a pool,
//! so an idle connection holds none. A filter with state has its own instance for each stream. `call`
//! calls instances with lines, `tick` when it is time, `pool` keeps idle ones, `handover` passes state
//! from one version to the next, `retire` replaces instances of one version, `capture` fills in trap
//! capsules, and [`comparison`] counts what a shadow answers.
//! Not here: the order of stages (`chain`), what follows a fault (`supervise`).

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::engine::Engine;
use crate::filter::pool::Pool;
use crate::imports::{Grants, ImportContext};
use crate::instance::{Instance, NotStarted, Start};
use crate::limits::room::{Cost, Room};
use crate::limits::{Bounds, START};
use crate::metrics::{Counts, FilterFamilies};
use crate::plugin::Plugin;
use crate::supervise::accounting::Accounting;
use crate::supervise::breaker::Opened;
use crate::supervise::breaker::stream::StreamBreaker;
use crate::supervise::supervisor::{CallContext, Supervisor};
use crate::verdict::Verdicts;
use crate::{Digest, Refusal, bundled};
use linemill_budget::{NoRoom, Urgency};
use linemill_config::settings::{FilterSettings, Isolation, OnError};
use linemill_framing::Lines;
use linemill_telemetry::Gate;

mod call;
mod capture;
pub mod comparison;
mod handover;
mod pool;
mod retire;
mod tick;

pub use crate::supervise::accounting::Reporting;
use comparison::Comparison;
pub(crate) use handover::HandedOver;

/// A filter of one generation, shared by all its connections.
pub struct Filter {
    settings: FilterSettings,
    /// `settings.settings` as JSON, as passed to the guest.
    json: Vec<u8>,
    bounds: Bounds,
    engine: Arc<Engine>,
    plugin: Arc<Plugin>,
    import_context: Arc<ImportContext>,
    /// Whether the first instance declared that it keeps state.
    keeps_state: bool,
    /// Each stream has its own instance. Always set if `keeps_state` is.
    exclusive: bool,
    /// The routes that the first instance declared; every other instance must declare the same.
    routes: Vec<String>,
    /// What the plugin declares for `on_error`.
    declared_on_error: Option<OnError>,
    /// What an instance needs when it starts, as the first one did.
    cost: Cost,
    /// Processor time of `start` from now on.
    start_time: Duration,
    /// When it was started.
    pub(crate) started: Instant,
    /// Idle instances; empty if `exclusive`. Boxed, since an instance is large and moves twice per
    /// call.
    pool: Pool<Box<Instance>>,
    supervisor: Supervisor,
    /// Limits how often a failed handover is logged.
    handover_log: Gate,
    /// Limits how many streams take over state at the same time.
    turns: Semaphore,
    /// How the filter's answers compare to those of the filter it shadows; empty if it is not a shadow.
    comparison: Comparison,
    /// What the filter in force had done before this one was on trial; not set if it is not on trial.
    baseline: OnceLock<Baseline>,
}

/// What a filter had done at one time.
pub(crate) struct Baseline {
    /// When it was started.
    pub(crate) started: Instant,
    pub(crate) counts: Counts,
}

/// The instance that a stream owns at a stage, if the filter is exclusive and has been called, and the room
/// that has been reserved for it before. Boxed, since most streams have none.
#[derive(Default)]
pub(crate) struct OwnInstance(Option<Box<Instance>>, Option<Box<Room>>);

/// How much longer than the first `start` of a filter any other one may take, and the shortest time that
/// each has. The first one reads more from memory, and settings are the same for all.
const START_FACTOR: u32 = 8;
const START_LEAST: Duration = Duration::from_millis(50);

impl Filter {
    /// Starts a filter with a first instance, which shows whether the plugin accepts its settings.
    /// Failures are reported to `families` and `reporting`.
    ///
    /// # Errors
    /// When the plugin refuses its settings, describes itself wrongly, or the first instance fails while
    /// starting.
    pub async fn start(
        engine: Arc<Engine>,
        plugin: Arc<Plugin>,
        settings: FilterSettings,
        families: &FilterFamilies,
        reporting: Reporting,
    ) -> Result<Arc<Self>, Refusal> {
        let description = plugin.describe(&engine, &settings).await?.cloned();
        let metrics = families.of(&settings.name);
        let bounds = Bounds::of(&settings);
        let json = settings.settings.to_string().into_bytes();
        let grants = Grants::of(&settings.grant);
        let log_lines = (!reporting.log.is_shut()).then_some(settings.limits.log_lines);
        let store = (settings.store, engine.budget());
        let import_context = ImportContext::new(&settings.name, grants, log_lines, families, store);
        let import_context = Arc::new(import_context);
        let least = Cost::least(plugin.mappings);
        let room = Room::take(engine.budget(), least, Urgency::More)
            .map_err(|no_room| Refusal::start(&NotStarted::from(no_room).into_fault()))?;
        let most = bounds.deadline.max(START);
        let start = Start {
            bounds,
            time: most,
            settings: &json,
            import_context: &import_context,
            gauge: metrics.instances.clone(),
            room,
        };
        let began = Instant::now();
        let first = Instance::start(&engine, &plugin.linked, start).await;
        let (first, routes) =
            first.map_err(|not_started| Refusal::start(&not_started.into_fault()))?;
        let least_time = bounds.deadline.max(START_LEAST);
        let start_time = (began.elapsed() * START_FACTOR).clamp(least_time, most);
        let cost = Cost {
            bytes: first.held(),
            ..least
        };
        let keeps_state = first.keeps_state;
        if keeps_state && settings.retire.is_some() && plugin.linked.state.is_none() {
            return Err(Refusal::plugin(
                "it keeps state and cannot hand it over to a new instance, so `retire` would lose it",
                "remove `retire`, or use a version of the plugin that exports `state`",
            ));
        }
        let exclusive = keeps_state || settings.isolation == Isolation::Connection;
        let pool = Pool::new((!exclusive).then(|| Box::new(first)));
        let declared_on_error = description
            .and_then(|description| description.on_error)
            .filter(|_| {
                !bundled::keeps_nothing_back(plugin.digest, plugin.size, &settings.settings)
            });
        let accounting = Accounting::new(
            settings.name.clone(),
            plugin.digest,
            settings
                .on_error
                .or(declared_on_error)
                .unwrap_or(OnError::Pass),
            metrics,
            reporting,
        );
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
            declared_on_error,
            cost,
            start_time,
            started: began,
            pool,
            supervisor: Supervisor::new(accounting),
            handover_log: Gate::default(),
            turns: Semaphore::new(handover::AT_ONCE),
            comparison: Comparison::default(),
            baseline: OnceLock::new(),
        }))
    }

    /// The filter's name. A version on trial is named after its filter, with a suffix behind `@`.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The filter's name in the configuration, which its version on trial shares.
    pub fn base_name(&self) -> &str {
        let name = self.name();
        name.split_once('@').map_or(name, |(base, _)| base)
    }

    /// The settings that the filter was started with.
    pub fn settings(&self) -> &FilterSettings {
        &self.settings
    }

    /// The digest of the filter's plugin.
    pub fn digest(&self) -> Digest {
        self.plugin.digest
    }

    /// The filter's plugin.
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    /// Whether each stream has its own instance.
    pub fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Whether it keeps state, so that what it does with a line depends on earlier ones.
    pub fn keeps_state(&self) -> bool {
        self.keeps_state
    }

    /// Takes room for an instance that a new stream will own; `None` if streams own none.
    ///
    /// # Errors
    /// When there is no memory.
    pub(crate) fn reserve(&self) -> Result<Option<Box<Room>>, NoRoom> {
        let room = || Room::take(self.engine.budget(), self.cost, Urgency::New);
        let room = self.exclusive.then(room).transpose()?;
        Ok(room.map(Box::new))
    }

    /// Bytes of memory that a connection's own instance takes at its start; `None` if connections own
    /// none.
    pub fn memory_of_own(&self) -> Option<u64> {
        self.exclusive.then_some(self.cost.bytes)
    }

    /// The routes that the filter may send lines to. A verdict refers to a route by its index.
    pub fn routes(&self) -> &[String] {
        &self.routes
    }

    /// What happens to lines that fail: as the configuration says, else as the plugin declares, else
    /// they pass.
    pub fn on_error(&self) -> OnError {
        self.supervisor.accounting().on_error()
    }

    /// Whether the configuration lets lines that fail pass unfiltered, although the plugin declares
    /// otherwise.
    pub fn passes_against_declaration(&self) -> bool {
        let keeps_back = |declared| declared != OnError::Pass;
        self.on_error() == OnError::Pass && self.declared_on_error.is_some_and(keeps_back)
    }

    /// What the plugin declares for `on_error` with these settings, if it declares anything.
    pub fn declared_on_error(&self) -> Option<OnError> {
        self.declared_on_error
    }

    /// How the filter's answers compare to those of the filter it shadows; empty if it is not a shadow.
    pub fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    /// The status of the filter's breaker while it is open; `None` while it is closed.
    pub fn opened(&self) -> Option<Opened> {
        self.supervisor.opened()
    }

    /// Connections whose lines are kept from the filter now.
    pub fn suspended(&self) -> i64 {
        self.supervisor.accounting().metrics().suspended.get()
    }

    /// What the filter has done since it was started with this plugin and these settings.
    pub fn counts(&self) -> Counts {
        self.supervisor.accounting().counts()
    }

    /// What rates are computed of: lines, calls, failed lines, and nothing.
    pub fn sampled(&self) -> [u64; 4] {
        let accounting = self.supervisor.accounting();
        let (lines, failed) = (accounting.lines(), accounting.failed_lines());
        [lines, accounting.metrics().calls.get(), failed, 0]
    }

    /// Instances that exist now, of all versions of the filter together.
    pub fn instances(&self) -> i64 {
        self.supervisor.accounting().metrics().instances.get()
    }

    /// What `incumbent` had done when this filter, which is on trial, was first seen next to it.
    pub(crate) fn baseline(&self, incumbent: &Self) -> &Baseline {
        self.baseline.get_or_init(|| Baseline {
            started: incumbent.started,
            counts: incumbent.counts(),
        })
    }

    /// Lines that have reached the filter in this generation.
    pub fn lines(&self) -> u64 {
        self.supervisor.accounting().lines()
    }

    /// The lines among these that failed.
    pub fn failed_lines(&self) -> u64 {
        self.supervisor.accounting().failed_lines()
    }

    /// Calls that failed because of the host. Their lines are not among those that failed.
    pub fn host_faults(&self) -> u64 {
        self.supervisor.accounting().host_faults()
    }

    /// Runs lines of a stream through the filter. Never fails: faults of the filter become verdicts
    /// according to `on_error`, and those of the host end the stream.
    pub(crate) async fn process(
        &self,
        own: &mut OwnInstance,
        breaker: &mut StreamBreaker,
        lines: Lines,
        context: CallContext<'_>,
    ) -> Verdicts {
        self.supervisor
            .run(self, own, breaker, lines, context)
            .await
    }
}

// === impl OwnInstance ===

impl OwnInstance {
    /// No instance yet, but room for one.
    pub(crate) fn reserved(room: Option<Box<Room>>) -> Self {
        Self(None, room)
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there is an instance and its filter keeps state.
    pub(crate) fn has_state(&self) -> bool {
        self.0.as_ref().is_some_and(|instance| instance.keeps_state)
    }
}
