//! Timeouts of one direction of a connection.
//!
//! In: what it waits for, and the limits of its service. Out: which timeout comes first, and when.
//! Not here: what happens then (`pump`).

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::end::End;
use crate::generation::Service;

/// How long a connection must be silent to count as done while the host drains.
const QUIET: Duration = Duration::from_millis(50);

/// What a direction waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// The last byte in either direction.
    pub(super) active: Instant,
    /// When the partial line began; `None` while nothing is read.
    pub(super) line_began: Option<Instant>,
    /// When the socket last took output; `None` when its queue is empty.
    pub(super) writing_since: Option<Instant>,
    /// When reading goes on; `None` unless a rate has paused it.
    pub(super) paused_until: Option<Instant>,
    /// The end of the grace period, once the host drains or the listener is gone.
    pub(super) drain_until: Option<Instant>,
    /// Whether silence would mean that the connection is done: everything is written, and no line
    /// has begun.
    pub(super) done: bool,
}

/// The timeout that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// `idle_timeout`.
    Idle,
    /// `line_timeout`.
    Line,
    /// `write_timeout`.
    Write,
    /// The grace period of a drain, or silence during it.
    Drained,
    /// The pause that a rate asked for.
    Resume,
}

/// Fires at the next timeout or earlier. Most timeouts are extended before they pass, so it is
/// only set to a later time once it has fired. Allocated when the stream first waits.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Waiting {
    /// Which timeout comes first, and when.
    pub(super) fn due(&self, service: &Service) -> Option<(Instant, Due)> {
        let after = |since: Option<Instant>, limit: Option<Duration>| Some(since? + limit?);
        // While a rate pauses reading, the peer is not idle.
        let idle_since = self.paused_until.is_none().then_some(self.active);
        let drained = self.drain_until.map(|until| {
            if self.done {
                until.min(self.active + QUIET)
            } else {
                until
            }
        });
        let all = [
            (after(idle_since, service.idle_timeout), Due::Idle),
            (after(self.line_began, service.line_timeout), Due::Line),
            (after(self.writing_since, service.write_timeout), Due::Write),
            (drained, Due::Drained),
            (self.paused_until, Due::Resume),
        ];
        let due = all.into_iter().filter_map(|(at, due)| Some((at?, due)));
        due.min_by_key(|(at, _)| *at)
    }
}

impl Due {
    /// How the direction ends; `None` when it goes on.
    pub(super) fn end(self) -> Option<End> {
        match self {
            Self::Idle => Some(End::IdleTimeout),
            Self::Line => Some(End::LineTimeout),
            Self::Write => Some(End::WriteTimeout),
            Self::Drained => Some(End::Drained),
            Self::Resume => None,
        }
    }
}

impl Timer {
    /// Makes it fire at `at` or earlier.
    pub(super) fn arm(&mut self, at: Instant) {
        match &mut self.0 {
            Some(timer) if timer.is_elapsed() || at < timer.deadline() => timer.as_mut().reset(at),
            Some(_) => {}
            None => self.0 = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Waits until it fires; ready at once when it has never been armed.
    pub(super) async fn fires(&mut self) {
        if let Some(timer) = &mut self.0 {
            timer.await;
        }
    }
}
