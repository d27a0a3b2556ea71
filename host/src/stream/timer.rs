//! When a direction of a connection has waited for long enough, and for what.
//!
//! In: what it waits for, and the limits of its service. Out: the first time that is due.
//! Not here: what follows.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::end::End;
use crate::generation::Service;

/// How long a stream under drain must be silent to count as done.
const QUIET: Duration = Duration::from_millis(50);

/// What a direction waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// Last byte either way.
    pub(super) active: Instant,
    /// When the partial line began, if more of it would be read.
    pub(super) line_began: Option<Instant>,
    /// When the output last took something, if something is owed to it.
    pub(super) owes_since: Option<Instant>,
    /// Nothing is read before, for the sake of a rate.
    pub(super) paused_until: Option<Instant>,
    /// The end of the host's grace period, once it drains.
    pub(super) drain_until: Option<Instant>,
    /// Silence means that nothing more is to come.
    pub(super) done: bool,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Idle,
    Line,
    Write,
    Drained,
    /// The pause that a rate asked for is over.
    GoOn,
}

/// A timer that is armed no later than the next timeout. Timeouts mostly move away before they
/// come, so it is only moved when it fires; it is made when the stream first waits.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Waiting {
    /// What is due first, and when.
    pub(super) fn due(&self, service: &Service) -> Option<(Instant, Due)> {
        let after = |since: Option<Instant>, limit: Option<Duration>| Some(since? + limit?);
        // Whoever is not heard for the sake of a rate is not silent.
        let heard = self.paused_until.is_none().then_some(self.active);
        let drained = self.drain_until.map(|until| {
            if self.done {
                until.min(self.active + QUIET)
            } else {
                until
            }
        });
        let all = [
            (after(heard, service.idle_timeout), Due::Idle),
            (after(self.line_began, service.line_timeout), Due::Line),
            (after(self.owes_since, service.write_timeout), Due::Write),
            (drained, Due::Drained),
            (self.paused_until, Due::GoOn),
        ];
        let due = all.into_iter().filter_map(|(at, due)| Some((at?, due)));
        due.min_by_key(|(at, _)| *at)
    }
}

impl Due {
    /// What it ends the stream with, if anything.
    pub(super) fn end(self) -> Option<End> {
        match self {
            Self::Idle => Some(End::IdleTimeout),
            Self::Line => Some(End::LineTimeout),
            Self::Write => Some(End::WriteTimeout),
            Self::Drained => Some(End::Drained),
            Self::GoOn => None,
        }
    }
}

impl Timer {
    /// Makes it fire at `at` or before.
    pub(super) fn arm(&mut self, at: Instant) {
        match &mut self.0 {
            Some(timer) if timer.is_elapsed() || at < timer.deadline() => timer.as_mut().reset(at),
            Some(_) => {}
            None => self.0 = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Waits until it fires; at once when it is not armed.
    pub(super) async fn fires(&mut self) {
        if let Some(timer) = &mut self.0 {
            timer.await;
        }
    }
}
