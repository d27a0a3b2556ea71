//! Limits on the log lines that clients can cause, for all connections of a listener.
//!
//! In: refusals and failed handshakes. Out: at most one log line per second and kind, so that many of one
//! kind do not hide another. Not here: counting (`metrics`).

use super::connection_span::ConnectionSpan;
use super::metrics::RefusalReason;
use crate::connections::end::EndReason;
use crate::net::transport::{HandshakeError, HandshakeFailure};
use linemill_telemetry::Gate;

/// A gate for each kind of log line.
#[derive(Debug, Default)]
pub(super) struct Gates {
    refusals: [Gate; RefusalReason::ALL.len()],
    handshakes: [Gate; HandshakeFailure::COUNT],
    tls_to_plain: Gate,
}

impl Gates {
    /// Logs a refusal by `log`, which gets the number of refusals that were not logged before it.
    pub(super) fn refusal(
        &self,
        reason: RefusalReason,
        span: &ConnectionSpan,
        log: impl FnOnce(u64),
    ) {
        if let Some(not_logged) = self.refusals[reason as usize].pass() {
            span.in_scope(|| log(not_logged));
        }
    }

    /// Logs that a client began TLS on a listener without `tls`.
    pub(super) fn tls_to_plain(&self, span: &ConnectionSpan) {
        if let Some(not_logged) = self.tls_to_plain.pass() {
            span.in_scope(|| {
                tracing::warn!(not_logged, "the client begins a TLS handshake, but this listener has no `tls`: its bytes are taken for lines");
            });
        }
    }

    /// Logs a failed handshake. Returns the reason by which it counts.
    pub(super) fn failed_handshake(
        &self,
        error: &HandshakeError,
        span: &ConnectionSpan,
    ) -> EndReason {
        let Some(failure) = error.failure() else {
            tracing::debug!("{error}");
            return EndReason::NoHandshake;
        };
        if let Some(not_logged) = self.handshakes[failure as usize].pass() {
            span.in_scope(|| tracing::warn!(not_logged, "{error}"));
        }
        match failure {
            HandshakeFailure::ClientName => EndReason::ClientName,
            _ => EndReason::Handshake,
        }
    }
}
