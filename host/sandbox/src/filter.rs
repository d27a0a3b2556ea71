//! A filter: a plugin with settings, and the instances that run it.
//!
//! In: lines of a stream. Out: verdicts on them. A filter without state lends its instances from a
//! pool, so an idle connection holds none; one with state keeps an instance for each stream.
//! Not here: the order of stages (`chain`), what follows a fault (`supervise`).

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::Digest;
use crate::engine::Engine;
use crate::fault::FaultKind;
use crate::filter::pool::Pool;
use crate::imports::{Grants, ImportContext};
use crate::instance::{Instance, NotStarted};
use crate::limits::Bounds;
use crate::metrics::FilterMetrics;
use crate::plugin::Plugin;
use crate::supervise::accounting::Accounting;
use crate::supervise::breaker::Opened;
use crate::supervise::supervisor::{CallContext, Supervisor};
use crate::verdict::Verdicts;
use linemill_config::settings::{FilterSettings, Isolation};
use linemill_framing::Lines;
use linemill_telemetry::Gate;

mod call;
mod capture;
pub mod comparison;
mod handover;
mod pool;

pub use crate::supervise::accounting::Reporting;
use comparison::Comparison;
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
    supervisor: Supervisor,
    handover_log: Gate,
    /// Limits the streams that take over state at the same time.
    turns: Semaphore,
    /// How its answers compare to those of the filter it shadows, when it is a shadow.
    comparison: Comparison,
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
    /// are told of by `reporting`.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(
        engine: Arc<Engine>,
        plugin: Arc<Plugin>,
        settings: FilterSettings,
        metrics: FilterMetrics,
        reporting: Reporting,
    ) -> Result<Arc<Self>, StartError> {
        let bounds = Bounds::of(&settings);
        let json = settings.settings.to_string().into_bytes();
        let grants = Grants::of(&settings.grant);
        let log_lines = (!reporting.log.is_shut()).then_some(settings.limits.log_lines);
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
        let accounting = Accounting::new(
            settings.name.clone(),
            plugin.digest,
            settings.on_error,
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
            pool,
            supervisor: Supervisor::new(accounting),
            handover_log: Gate::default(),
            turns: Semaphore::new(handover::AT_ONCE),
            comparison: Comparison::default(),
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

    /// How its answers compare to those of the filter it shadows, when it is a shadow.
    pub fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    /// Since when its breaker is open; `None` while it is called.
    pub fn opened(&self) -> Option<Opened> {
        self.supervisor.opened()
    }

    /// Lines given to it in this generation.
    pub fn lines(&self) -> u64 {
        self.supervisor.accounting().lines()
    }

    /// Of these, the lines that failed.
    pub fn failed_lines(&self) -> u64 {
        self.supervisor.accounting().failed_lines()
    }

    /// Leads lines of a stream through it. Never fails: faults have been dealt with.
    pub(crate) async fn process(
        &self,
        own: &mut OwnInstance,
        lines: Lines,
        context: CallContext<'_>,
    ) -> Verdicts {
        self.supervisor.run(self, own, lines, context).await
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
