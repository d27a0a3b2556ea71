//! An upstream's connections that belong to single clients: how many there are, and whether they work.
//!
//! In: attempts to connect, connections, and how they end. Out: counts, and whether the upstream is up. A
//! connection proves that it is once it has lasted for a second or has brought a byte: a load balancer without
//! a server behind it accepts connections, too, and closes them at once.
//! Not here: which upstream a client gets (`list`), upstreams of shared sinks (`trial`).

use std::fmt::Display;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;

use super::Upstream;
use crate::sinks::metrics::{OwnState, OwnUpstreamMetrics};

/// A connection that has lasted this long has proven itself.
pub const PROVEN: Duration = Duration::from_secs(1);

/// The connections of single clients to an upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnCounts {
    /// Open ones.
    pub open: i64,
    /// Those being made.
    pub connecting: i64,
    /// Failed attempts, and connections that ended before they had proven themselves.
    pub failed: u64,
}

/// A connection to an upstream that belongs to one client. Dropping it counts it as closed.
#[derive(Debug)]
pub struct OwnConnection {
    upstream: Upstream,
    _open: Counted,
    proven: bool,
}

/// Counts something until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Option<Gauge>);

impl Upstream {
    /// Counts connections of single clients in `metrics` from now on.
    pub(in crate::sinks) fn count_own_in(&self, metrics: OwnUpstreamMetrics) {
        // It has been set only if it is the same series.
        drop(self.0.own.set(metrics));
    }

    /// Counts an attempt until it is dropped.
    pub(super) fn connecting(&self) -> Counted {
        self.counted(OwnState::Connecting)
    }

    /// A connection to it, which a client has just got.
    pub fn opened(&self) -> OwnConnection {
        OwnConnection {
            upstream: self.clone(),
            _open: self.counted(OwnState::Open),
            proven: false,
        }
    }

    fn counted(&self, state: OwnState) -> Counted {
        let gauge = self
            .0
            .own
            .get()
            .map(|own| own.connections.of(state).clone());
        if let Some(gauge) = &gauge {
            gauge.inc();
        }
        Counted(gauge)
    }

    /// The connections of single clients to it.
    pub(super) fn own_counts(&self) -> OwnCounts {
        let Some(own) = self.0.own.get() else {
            return OwnCounts::default();
        };
        OwnCounts {
            open: own.connections.of(OwnState::Open).get(),
            connecting: own.connections.of(OwnState::Connecting).get(),
            failed: own.failures.get(),
        }
    }
}

impl OwnConnection {
    /// Notes that it works: it has brought a byte, or lasted for [`PROVEN`].
    pub fn works(&mut self) {
        if !self.proven {
            self.proven = true;
            self.upstream.note_up();
            if let Some(own) = self.upstream.0.own.get() {
                own.up.set(1);
            }
            self.upstream.trust();
        }
    }

    /// Notes that the upstream has ended it, or that it broke. If it had not proven itself, that is a failure
    /// of the upstream.
    pub fn failed(&mut self, error: &dyn Display) {
        if !self.proven {
            self.proven = true;
            self.upstream.note_failure(error, 0);
            self.upstream.shun();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(gauge) = &self.0 {
            gauge.dec();
        }
    }
}
