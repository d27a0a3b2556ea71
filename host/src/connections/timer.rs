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
pub(super) const QUIET: Duration = Duration::from_millis(50);

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
    /// When a filter is to be called without lines; `None` while the direction may not call one.
    pub(super) tick_at: Option<Instant>,
    /// When a connection that waits for memory gives up; `None` unless it waits for that.
    pub(super) starves_until: Option<Instant>,
    /// The end of the grace period, once the host drains or the listener is gone.
    pub(super) drain_until: Option<Instant>,
    /// What silence would mean while the host drains.
    pub(super) silence: Silence,
    /// When the client is sent its FIN at the latest while the host drains, although it goes on
    /// sending; only where nothing has to be answered.
    pub(super) fin_at: Option<Instant>,
    /// Once the client has its FIN: when reading ends. The peer's own pace no longer matters then.
    pub(super) lingers_until: Option<Instant>,
}

/// What silence means while the host drains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing: a line has begun, or output is queued.
    Busy,
    /// Nothing yet, but the other direction may change that at any time.
    Undecided,
    /// After this long: nothing is owed any more.
    Done(Duration),
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
    /// Silence during a drain, or a FIN that must not wait for it.
    Settled,
    /// The grace period of a drain, or the time after a FIN.
    Drained,
    /// There was no memory for too long.
    Memory,
    /// The pause that a rate asked for.
    Resume,
    /// The time for which a filter asked.
    Tick,
    /// A moment after which to look again what the other direction has done.
    Look,
}

/// Fires at the next timeout or earlier. Most timeouts are extended before they pass, so it is
/// only set to a later time once it has fired. Allocated when the stream first waits.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Waiting {
    /// Which timeout comes first, and when.
    pub(super) fn due(&self, service: &Service) -> Option<(Instant, Due)> {
        let after = |since: Option<Instant>, limit: Option<Duration>| Some(since? + limit?);
        // While a rate or a lack of memory pauses reading, the peer is not idle.
        let waits = self.paused_until.is_none()
            && self.starves_until.is_none()
            && self.lingers_until.is_none();
        let idle_since = waits.then_some(self.active);
        let line_began = self.line_began.filter(|_| self.lingers_until.is_none());
        let silence = match self.silence {
            _ if self.drain_until.is_none() || self.lingers_until.is_some() => None,
            Silence::Busy => None,
            Silence::Undecided => Some((Instant::now() + QUIET, Due::Look)),
            Silence::Done(silence) => Some((self.active + silence, Due::Settled)),
        };
        let at = |at: Option<Instant>, due: Due| Some((at?, due));
        let all = [
            at(after(idle_since, service.idle_timeout), Due::Idle),
            at(after(line_began, service.line_timeout), Due::Line),
            at(after(self.writing_since, service.write_timeout), Due::Write),
            silence,
            at(self.fin_at, Due::Settled),
            at(self.lingers_until.or(self.drain_until), Due::Drained),
            at(self.starves_until, Due::Memory),
            at(self.paused_until, Due::Resume),
            at(self.tick_at, Due::Tick),
        ];
        all.into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

impl Due {
    /// Whether bytes that have come meanwhile prevent it.
    pub(super) fn is_silence(self) -> bool {
        matches!(self, Self::Idle | Self::Settled)
    }

    /// How the direction ends; `None` when it goes on.
    pub(super) fn end(self) -> Option<End> {
        match self {
            Self::Idle => Some(End::IdleTimeout),
            Self::Line => Some(End::LineTimeout),
            Self::Write => Some(End::WriteTimeout),
            Self::Memory => Some(End::Memory),
            Self::Settled => Some(End::Settled),
            Self::Drained => Some(End::Drained),
            Self::Resume | Self::Look | Self::Tick => None,
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
