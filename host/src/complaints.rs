//! What the log says of clients: of those that are refused, and of those whose bytes cannot be taken as
//! they come.
//!
//! In: what is wrong, with the client. Out: at most one warning per second and kind, for all connections of
//! a listener, so that many of one kind do not hide another. Without these warnings, a sender with the
//! wrong framing would lose its lines without a word. Not here: counting (`metrics`).

use crate::connections::end::EndReason;
use crate::listeners::connection_span::ConnectionSpan;
use crate::listeners::metrics::RefusalReason;
use crate::net::transport::{HandshakeError, HandshakeFailure};
use linemill_sandbox::origin::Origin;
use linemill_telemetry::Gate;

/// Bytes that a warning shows.
const SHOWN: usize = 48;

/// What is wrong with a client's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// A frame does not begin with a valid length.
    BadLength,
    /// A line was not complete in time.
    LineTimeout,
    /// A line was too long, and the connection is closed for it.
    Oversize,
    /// A line without a terminator was dropped.
    Partial,
    /// Lines were dropped because the outgoing framing cannot contain them.
    Unfit,
}

/// A gate for each kind of warning.
#[derive(Debug, Default)]
pub struct Complaints {
    refusals: [Gate; RefusalReason::ALL.len()],
    handshakes: [Gate; HandshakeFailure::COUNT],
    tls_to_plain: Gate,
    bytes: [Gate; Complaint::COUNT],
}

/// The first bytes of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstBytes {
    bytes: [u8; SHOWN],
    count: usize,
}

impl Complaints {
    /// Logs a refusal by `log`, which gets the number of refusals that were not logged before it.
    pub(crate) fn refusal(
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
    pub(crate) fn tls_to_plain(&self, span: &ConnectionSpan) {
        if let Some(not_logged) = self.tls_to_plain.pass() {
            span.in_scope(|| {
                tracing::warn!(not_logged, "the client begins a TLS handshake, but this listener has no `tls`: its bytes are taken for lines");
            });
        }
    }

    /// Logs a failed handshake. Returns the reason by which it counts.
    pub(crate) fn failed_handshake(
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

    /// Logs `complaint` about the client of `origin`, whose bytes begin with `first`.
    pub(crate) fn log(&self, complaint: Complaint, origin: &Origin, first: &[u8]) {
        let Some(not_logged) = self.bytes[complaint as usize].pass() else {
            return;
        };
        let listener = origin.listener.as_deref().unwrap_or_default();
        let peer = origin.peer.map(|peer| peer.to_string());
        let peer = peer.as_deref().unwrap_or("unix");
        let first = first[..first.len().min(SHOWN)].escape_ascii();
        tracing::warn!(listener, peer, %first, not_logged, "{}", complaint.text());
    }
}

impl Complaint {
    /// How many kinds there are; each is less than that, as a number.
    const COUNT: usize = Self::Unfit as usize + 1;

    fn text(self) -> &'static str {
        match self {
            Self::BadLength => {
                "connection closed: no valid length where a frame begins; does the client send `octet` frames?"
            }
            Self::LineTimeout => {
                "connection closed: no terminator within `line_timeout`; does the client end its lines as `framing` says?"
            }
            Self::Oversize => {
                "connection closed: a line is longer than `max_line`; does the client end its lines as `framing` says?"
            }
            Self::Partial => "the end of the stream was dropped: it has no terminator",
            Self::Unfit => "lines dropped: the framing in `to_framing` cannot contain them",
        }
    }
}

impl FirstBytes {
    /// Those of `block`.
    #[inline]
    pub(crate) fn of(block: &[u8]) -> Self {
        let count = block.len().min(SHOWN);
        let mut bytes = [0; SHOWN];
        bytes[..count].copy_from_slice(&block[..count]);
        Self { bytes, count }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}
