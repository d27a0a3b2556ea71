//! Accounting of a filter: counts its lines and failures, logs them, and quarantines failed lines.
//!
//! In: lines, with their verdicts or the fault of their call. Out: metrics, at most one log line per
//! second, and lines in quarantine. Lines and failures of a filter are counted nowhere else.
//! Not here: what happens to the lines in the stream (`supervisor`).

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Atomic as _;

use crate::Digest;
use crate::fault::{Fault, FaultKind};
use crate::metrics::{Counts, FilterMetrics};
use crate::origin::Origin;
use crate::supervise::capsule::{Capsules, CapsulesInForce};
use crate::supervise::quarantine::{Case, Quarantine};
use crate::verdict::{Failed, Verdicts};
use linemill_config::Keyword as _;
use linemill_config::settings::OnError;
use linemill_framing::Lines;
use linemill_telemetry::{Gate, Held, Shards};

/// Why a line failed that was not offered to the filter.
pub(crate) const NOT_CALLED: &str = "the filter kept failing, so it was not called";

/// Where a filter's failures are reported, in addition to metrics.
#[derive(Default)]
pub struct Reporting {
    /// Limits how often failed lines are logged.
    pub log: Gate,
    /// Receives failed lines when `on_error` is `quarantine`; `None`: they are dropped.
    pub quarantine: Option<Quarantine>,
    /// Records how to reproduce a trap.
    pub capsules: CapsulesInForce,
}

/// The counts of one filter in one generation, and where its failures are reported.
pub(crate) struct Accounting {
    name: String,
    plugin: Digest,
    on_error: OnError,
    metrics: Held<FilterMetrics>,
    reporting: Reporting,
    /// What `metrics` had counted when this version of the filter started.
    before: Counts,
    /// Lines that reached the filter, including those that its open breaker kept from it.
    lines: Shards<AtomicU64>,
    /// The lines among these that failed.
    failed: AtomicU64,
    /// Limits how often it is logged that streams wait for the host, and that they give up.
    host_log: [Gate; 2],
    /// Limits how often it is logged that streams are suspended, and called again.
    suspension_log: [Gate; 2],
    state_log: Gate,
}

impl Accounting {
    /// Creates the accounting of a filter, with all counts at zero.
    pub(crate) fn new(
        name: String,
        plugin: Digest,
        on_error: OnError,
        metrics: Held<FilterMetrics>,
        reporting: Reporting,
    ) -> Self {
        Self {
            name,
            plugin,
            on_error,
            before: Counts::of(&metrics),
            metrics,
            reporting,
            lines: Shards::default(),
            failed: AtomicU64::new(0),
            host_log: Default::default(),
            suspension_log: Default::default(),
            state_log: Gate::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn on_error(&self) -> OnError {
        self.on_error
    }

    pub(crate) fn metrics(&self) -> &FilterMetrics {
        &self.metrics
    }

    /// What this version of the filter has counted.
    pub(crate) fn counts(&self) -> Counts {
        Counts::of(&self.metrics).since(&self.before)
    }

    /// The folder for capsules; `None` when none is configured.
    pub(crate) fn capsules(&self) -> Option<Capsules> {
        self.reporting.capsules.get()
    }

    /// Lines that have reached the filter so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines.get()
    }

    /// The lines among these that failed.
    pub(crate) fn failed_lines(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Counts the verdicts on `lines` lines. Only the failed ones are looked up in `input`.
    pub(crate) fn verdicts(
        &self,
        lines: usize,
        input: &Lines,
        verdicts: &Verdicts,
        origin: &Origin,
    ) {
        let lines = lines as u64;
        self.metrics.lines.inc_by(lines);
        self.lines.inc_by(lines);
        if verdicts.dropped > 0 {
            self.metrics.dropped.inc_by(verdicts.dropped);
        }
        // Consecutive failures of one kind are counted together: looking up a counter by its labels
        // is slow.
        for run in verdicts.failed.chunk_by(|one, next| one.kind == next.kind) {
            if let [Failed { kind, reason, .. }, ..] = run {
                self.failures(*kind, run.len() as u64, reason, origin);
            }
        }
        for Failed { line, kind, reason } in &verdicts.failed {
            self.quarantine(origin, *kind, reason, input.content(*line));
        }
    }

    /// Counts lines whose call failed and that will not be called again.
    pub(crate) fn lost(&self, input: &Lines, fault: &Fault, origin: &Origin) {
        self.verdicts(input.len(), input, &Verdicts::default(), origin);
        self.failures(fault.kind, input.len() as u64, &fault.reason, origin);
        self.quarantine_all(origin, fault.kind, &fault.reason, input);
    }

    /// Counts lines that were not offered to the filter because the stream's breaker is open. Logs
    /// nothing: the opening was logged.
    pub(crate) fn not_offered(&self, input: &Lines, origin: &Origin) {
        let lines = input.len() as u64;
        self.quarantine_all(origin, FaultKind::Breaker, NOT_CALLED, input);
        self.metrics.failures.of(FaultKind::Breaker).inc_by(lines);
        self.lines.inc_by(lines);
        self.failed.fetch_add(lines, Ordering::Relaxed);
    }

    /// Counts lines that failed. Logs at most once per second.
    pub(crate) fn failures(&self, kind: FaultKind, lines: u64, reason: &str, origin: &Origin) {
        self.metrics.failures.of(kind).inc_by(lines);
        self.failed.fetch_add(lines, Ordering::Relaxed);
        if let Some(suppressed) = self.reporting.log.pass() {
            tracing::warn!(
                filter = self.name,
                kind = kind.label(),
                reason,
                listener = origin.listener.as_deref(),
                peer = origin.peer.map(tracing::field::display),
                on_error = self.on_error.keyword(),
                not_logged = suppressed,
                "line failed"
            );
        }
    }

    /// Counts a state that a stream has lost with its instance. Logs at most once per second.
    pub(crate) fn state_lost(&self, fault: &Fault, origin: &Origin) {
        self.metrics.lost_states.inc();
        if !self.reporting.log.is_shut()
            && let Some(suppressed) = self.state_log.pass()
        {
            tracing::warn!(
                filter = self.name,
                kind = fault.kind.label(),
                reason = fault.reason,
                listener = origin.listener.as_deref(),
                peer = origin.peer.map(tracing::field::display),
                not_logged = suppressed,
                "state lost: an instance ended by a fault, with what it remembered and the lines that it held back"
            );
        }
    }

    /// Logs that a stream's lines are kept from the filter, at most once per second.
    pub(crate) fn suspended(&self, fault: &Fault, origin: &Origin) {
        if !self.reporting.log.is_shut()
            && let Some(suppressed) = self.suspension_log[0].pass()
        {
            tracing::warn!(
                filter = self.name,
                kind = fault.kind.label(),
                reason = fault.reason,
                listener = origin.listener.as_deref(),
                peer = origin.peer.map(tracing::field::display),
                on_error = self.on_error.keyword(),
                not_logged = suppressed,
                "connection suspended: the filter kept failing on its lines, so it is called for none but probes"
            );
        }
    }

    /// Logs that a stream's lines are no longer kept from the filter, at most once per second.
    pub(crate) fn resumed(&self) {
        if !self.reporting.log.is_shut()
            && let Some(suppressed) = self.suspension_log[1].pass()
        {
            tracing::info!(
                filter = self.name,
                not_logged = suppressed,
                "connection no longer suspended: the filter is called again"
            );
        }
    }

    /// Counts a call that failed because of the host, and logs it at most once per second. It is no failure
    /// of the filter. `last`: the stream will not try again.
    pub(crate) fn host_fault(&self, fault: &Fault, origin: &Origin, last: bool) {
        self.metrics.host_faults.inc();
        if self.reporting.log.is_shut() {
            return;
        }
        let Some(suppressed) = self.host_log[usize::from(last)].pass() else {
            return;
        };
        let listener = origin.listener.as_deref();
        let peer = origin.peer.map(tracing::field::display);
        let what = if last {
            "connection ends: the host could not run the filter, and its lines must not pass unfiltered"
        } else {
            "the host cannot run the filter: the connection waits"
        };
        tracing::warn!(
            filter = self.name,
            kind = fault.kind.label(),
            reason = fault.reason,
            listener,
            peer,
            not_logged = suppressed,
            "{what}"
        );
    }

    /// How many calls failed because of the host.
    pub(crate) fn host_faults(&self) -> u64 {
        self.metrics.host_faults.get()
    }

    /// Sends a failed line to quarantine if the filter has one.
    pub(crate) fn quarantine(
        &self,
        origin: &Origin,
        kind: FaultKind,
        reason: &str,
        content: &[u8],
    ) {
        if let Some(quarantine) = &self.reporting.quarantine {
            let case = Case {
                filter: &self.name,
                plugin: self.plugin,
                kind,
                reason,
                origin,
            };
            quarantine.take(case, content, &self.metrics.quarantined);
        }
    }

    fn quarantine_all(&self, origin: &Origin, kind: FaultKind, reason: &str, lines: &Lines) {
        if self.reporting.quarantine.is_some() {
            for line in 0..lines.len() {
                self.quarantine(origin, kind, reason, lines.content(line));
            }
        }
    }
}
