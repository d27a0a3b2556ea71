//! The tracing span of a connection: its listener, its peer, the generation it is on, and its number.
//!
//! In: these. Out: a span for log lines about the connection, which need not repeat them.
//!
//! An open span costs about 0.7 KiB, and must be entered and left for each poll of its task. So
//! connections run in their spans only when the log has details, at level debug. Otherwise the span is
//! opened for the line that needs it: the warning with which a connection ends early.

use std::sync::Arc;

use tracing::{Level, Span};

use crate::net::transport::Peer;

/// Identifies a connection in the log.
pub(crate) struct ConnectionSpan {
    /// The listener's name.
    pub(super) listener: Arc<str>,
    pub(super) peer: Peer,
    /// The number of the generation in force as it arrived.
    pub(super) generation: u64,
    /// Its number among the connections of the process; `None` for datagrams.
    pub(super) number: Option<u64>,
}

impl ConnectionSpan {
    /// The span for the whole connection; disabled unless the log has details.
    pub(super) fn of_connection(&self) -> Span {
        if tracing::enabled!(Level::DEBUG) {
            self.open()
        } else {
            Span::none()
        }
    }

    /// Logs by `log` inside the span, which is opened for it if the connection does not run in it.
    pub(crate) fn in_scope(&self, log: impl FnOnce()) {
        if Span::current().is_none() {
            self.open().in_scope(log);
        } else {
            log();
        }
    }

    /// At the level that is filtered out last, so that it is there for warnings, too.
    fn open(&self) -> Span {
        let Self {
            listener,
            peer,
            generation,
            number,
        } = self;
        tracing::error_span!("connection", listener = &**listener, %peer, generation, number)
    }
}
