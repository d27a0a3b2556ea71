//! Waiting for the host: a call that the host could not make is made again after a pause.
//!
//! In: faults of the host, one after the other. Out: whether the stream should try again, after its pause.
//! Not here: the calls, and what happens to lines when the stream gives up (`supervisor`, `filter::call`).
//!
//! A fault of the host says nothing about the filter: it is not among its failures, opens no breaker,
//! leaves no capsule, and `on_error` does not apply. Meanwhile the stream reads nothing, so its client
//! waits, too.

use std::any::Any;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::fault::{Fault, FaultKind};
use crate::origin::Origin;
use crate::supervise::accounting::Accounting;
use linemill_config::printable;
use linemill_telemetry::panic_message;

/// How long a stream waits for the host before it ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// The first and the longest pause between two attempts; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// A stream that waits for the host.
#[derive(Debug)]
pub(crate) struct HostWait {
    /// When the stream gives up.
    until: Instant,
    /// The time before the next attempt; at most the longest of [`PAUSES`].
    pause: Duration,
}

impl HostWait {
    /// Begins to wait, after a first fault.
    pub(crate) fn begin() -> Self {
        Self {
            until: Instant::now() + PATIENCE,
            pause: PAUSES.0,
        }
    }

    /// Counts the fault of the last attempt, and waits before the next one. Returns whether there should
    /// be a next one.
    pub(crate) async fn again(
        &mut self,
        accounting: &Accounting,
        fault: &Fault,
        origin: &Origin,
    ) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        accounting.host_fault(fault, origin, left.is_zero());
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        true
    }
}

/// Makes a call. A panic in it, which is a bug in the host, becomes a fault of the host. The call stays
/// where it is pinned: moving a future of its size would cost more than a call of a fast filter.
pub(crate) fn contained<T>(
    mut call: Pin<&mut impl Future<Output = Result<T, Fault>>>,
) -> impl Future<Output = Result<T, Fault>> {
    poll_fn(
        move |cx| match linemill_telemetry::contained(|| call.as_mut().poll(cx)) {
            Ok(polled) => polled,
            Err(panic) => Poll::Ready(Err(bug(&*panic))),
        },
    )
}

/// The fault of a call that panicked with `panic`.
#[cold]
fn bug(panic: &(dyn Any + Send)) -> Fault {
    let text = panic_message(panic);
    Fault::new(
        FaultKind::Host,
        format!("a bug in linemill: {}", printable(text)),
    )
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::Digest;
    use crate::metrics::FilterFamilies;
    use crate::supervise::accounting::Reporting;
    use linemill_config::settings::OnError;

    #[tokio::test(start_paused = true)]
    async fn a_stream_waits_longer_each_time_and_gives_up() {
        let metrics = FilterFamilies::default().of("fake");
        let accounting = Accounting::new(
            "fake".into(),
            Digest([0; 32]),
            OnError::Pass,
            metrics,
            Reporting::default(),
        );
        let fault = Fault::new(FaultKind::Host, "no memory");
        let (began, mut wait, mut attempts) = (Instant::now(), HostWait::begin(), 0);
        let mut last = began;
        while wait.again(&accounting, &fault, &Origin::default()).await {
            attempts += 1;
            assert!(last.elapsed() <= PAUSES.1 + Duration::from_millis(2));
            last = Instant::now();
        }
        let waited = began.elapsed();
        let most = PATIENCE + Duration::from_millis(10);
        assert!((PATIENCE..most).contains(&waited), "{waited:?}");
        assert!((12..30).contains(&attempts), "{attempts}");
        assert_eq!(accounting.metrics().host_faults.get(), attempts + 1);
        assert_eq!((accounting.lines(), accounting.failed_lines()), (0, 0));
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_of_the_host() {
        let call = pin!(async { panic!("index {} of 3", 7) });
        let called: Result<(), _> = contained(call).await;
        let fault: Fault = called.expect_err("it panics");
        assert_eq!(fault.kind, FaultKind::Host);
        assert_eq!(fault.reason, "a bug in linemill: index 7 of 3");
        let call = pin!(async {
            tokio::task::yield_now().await;
            Ok(7)
        });
        assert_eq!(contained(call).await, Ok(7));
    }
}
