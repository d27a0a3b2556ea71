//! When to try a reload again that failed because the host lacked something: descriptors, memory, space on
//! a disk, or time.
//!
//! In: the trigger of the failed reload. Out: the time of the next attempt, later each time. Not here: which
//! problems are of this kind (`Problem::passing_if`).

use std::time::Duration;

use tokio::time::Instant;

use crate::control::request::{Request, Trigger};

/// Time until the first further attempt.
const FIRST: Duration = Duration::from_secs(1);
/// Most time between two attempts.
const LONGEST: Duration = Duration::from_secs(60);

/// The next attempt of a reload.
pub(super) struct Retry {
    at: Instant,
    delay: Duration,
    /// What requested the reload at first.
    first: String,
}

impl Retry {
    /// The attempt after one that `trigger` requested. `last`: that attempt was itself a further one, or
    /// replaced it.
    pub(super) fn after(last: Option<Self>, trigger: &Trigger) -> Self {
        let last = last.filter(|_| matches!(trigger, Trigger::Again(_)));
        let delay = last.map_or(FIRST, |last| (last.delay * 2).min(LONGEST));
        Self {
            at: Instant::now() + delay,
            delay,
            first: trigger.first(),
        }
    }

    /// When it is due.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// The time between the failed attempt and this one.
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// The request for it.
    pub(super) fn request(&self) -> Request {
        Request::reload(Trigger::Again(self.first.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_attempt_comes_later_and_a_new_trigger_begins_anew() {
        let mut retry = Retry::after(None, &Trigger::Hangup);
        let mut delays = vec![retry.delay()];
        for _ in 0..7 {
            let again = retry.request().trigger;
            assert_eq!(again.to_string(), "SIGHUP, tried again");
            retry = Retry::after(Some(retry), &again);
            delays.push(retry.delay());
        }
        let seconds = [1, 2, 4, 8, 16, 32, 60, 60];
        assert_eq!(delays, seconds.map(Duration::from_secs));
        let other = Retry::after(Some(retry), &Trigger::Hangup);
        assert_eq!(other.delay(), FIRST);
    }
}
