//! What calls of a filter came to: counted, logged once a second at most, and set aside.
//!
//! In: lines, and how they were judged or why they were given up. Out: metrics, log lines, lines in
//! quarantine, the state of the breaker.
//! Not here: what becomes of the lines in the stream (`recover`).

use std::sync::atomic::Ordering;
use std::time::Instant;

use prometheus_client::metrics::counter::Atomic as _;

use super::Filter;
use crate::fault::{Fault, FaultKind};
use crate::supervise::breaker::After;
use crate::supervise::quarantine::{Case, Origin};
use crate::verdict::{Failed, Verdicts};
use linemill_config::Keyword as _;
use linemill_framing::Lines;

impl Filter {
    /// Counts what a call of `lines` lines came to. Of `input`, only those that failed are looked at.
    pub(crate) fn account(
        &self,
        lines: usize,
        input: &Lines,
        verdicts: &Verdicts,
        origin: &Origin,
    ) {
        let lines = lines as u64;
        self.metrics.lines.inc_by(lines);
        self.taken.inc_by(lines);
        if verdicts.dropped > 0 {
            self.metrics.dropped.inc_by(verdicts.dropped);
        }
        // Runs of one kind are counted together: finding a counter by its labels takes a while.
        for run in verdicts.failed.chunk_by(|one, next| one.kind == next.kind) {
            if let [Failed { kind, reason, .. }, ..] = run {
                self.failed(*kind, run.len() as u64, reason);
            }
        }
        for Failed { line, kind, reason } in &verdicts.failed {
            self.set_aside(origin, *kind, reason, input.content(*line));
        }
    }

    /// Counts lines that were given up after a fault.
    pub(crate) fn lost(&self, input: &Lines, fault: &Fault, origin: &Origin) {
        self.account(input.len(), input, &Verdicts::default(), origin);
        self.failed(fault.kind, input.len() as u64, &fault.reason);
        self.set_all_aside(origin, fault.kind, &fault.reason, input);
    }

    fn set_all_aside(&self, origin: &Origin, kind: FaultKind, reason: &str, lines: &Lines) {
        if self.notices.quarantine.is_some() {
            for line in 0..lines.len() {
                self.set_aside(origin, kind, reason, lines.content(line));
            }
        }
    }

    /// Sends a line that failed to quarantine, if that is what becomes of one.
    pub(super) fn set_aside(&self, origin: &Origin, kind: FaultKind, reason: &str, content: &[u8]) {
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
    pub(crate) fn works(&self) {
        if self.breaker.good() {
            tracing::info!(
                filter = self.name(),
                "breaker closed: the filter is called again"
            );
        }
    }

    /// A call came to nothing, and its lines were given up.
    pub(crate) fn broke(&self, fault: &Fault) -> After {
        let heavy = matches!(fault.kind, FaultKind::Deadline | FaultKind::Refused);
        let after = self.breaker.fault(heavy, Instant::now());
        if after == After::Opened {
            let (kind, reason, on_error) =
                (fault.kind.label(), &fault.reason, self.on_error().keyword());
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
    pub(crate) fn not_offered(&self, input: &Lines, origin: &Origin) {
        let lines = input.len() as u64;
        let reason = "the filter kept failing, and is not called";
        self.set_all_aside(origin, FaultKind::Breaker, reason, input);
        self.metrics.failures.of(FaultKind::Breaker).inc_by(lines);
        self.taken.inc_by(lines);
        self.failed.fetch_add(lines, Ordering::Relaxed);
    }

    /// Counts lines that failed, and logs it once a second at most.
    pub(crate) fn failed(&self, kind: FaultKind, lines: u64, reason: &str) {
        self.metrics.failures.of(kind).inc_by(lines);
        self.failed.fetch_add(lines, Ordering::Relaxed);
        if let Some(held) = self.notices.log.pass() {
            let on_error = self.on_error().keyword();
            tracing::warn!(
                filter = self.name(),
                kind = kind.label(),
                reason,
                on_error,
                not_logged = held,
                "line failed"
            );
        }
    }
}
