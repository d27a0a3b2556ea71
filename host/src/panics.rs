//! Panics: bugs of the host, which must not leave it half alive.
//!
//! In: a panic of any thread. Out: an error in the log, by the queue that blocks nobody. A panic in the task
//! of a connection ends that connection (`contain`). Any other one may have ended the reloader, the admin
//! address, an output or a thread: the host stops ([`fatal`]).

use std::backtrace::{Backtrace, BacktraceStatus};
use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::Notify;

use crate::log;
use linemill_telemetry::{Gate, contained, is_contained, panic_message};

/// The first panic that ends the process.
static FATAL: OnceLock<String> = OnceLock::new();
/// Wakes the one that waits for it.
static HAPPENED: Notify = Notify::const_new();
/// Limits how often others are logged.
static GATE: OnceLock<Gate> = OnceLock::new();

/// Part of the host panicked, and the host has ended for it.
#[derive(Debug, thiserror::Error)]
#[error("linemill has ended because of a bug in it: {0}; please report it")]
pub struct Panicked(String);

/// From now on, panics are logged, and those outside `contain` make [`fatal`] resolve.
pub fn catch() {
    GATE.get_or_init(Gate::default);
    panic::set_hook(Box::new(note));
}

/// Waits for a panic that ends the process. One caller waits at a time.
pub async fn fatal() {
    while FATAL.get().is_none() {
        HAPPENED.notified().await;
    }
}

/// The panic that ends the process, if there was one.
pub fn ended_by() -> Option<Panicked> {
    FATAL.get().cloned().map(Panicked)
}

/// What happens at a panic, before the stack is unwound.
fn note(info: &PanicHookInfo<'_>) {
    let message = panic_message(info.payload());
    let place = info.location().map(ToString::to_string);
    let place = place.unwrap_or_default();
    let trace = Backtrace::capture();
    let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
    if is_contained() {
        // One connection must not fill the log.
        if let Some(not_logged) = GATE.get().map_or(Some(0), Gate::pass) {
            log::panicked(message, &place, trace.as_deref(), not_logged);
        }
        return;
    }
    log::panicked(message, &place, trace.as_deref(), 0);
    // Only the first one: the others follow from it.
    let _ = FATAL.set(format!("{message}, at {place}"));
    HAPPENED.notify_one();
}

/// Does the work of one connection. A panic in it drops all that the connection holds, and is reported to
/// `on_panic`, with its message.
pub(crate) fn contain<F, P>(work: F, on_panic: P) -> impl Future<Output = ()>
where
    F: Future<Output = ()>,
    P: FnOnce(&str),
{
    Contained {
        work,
        on_panic: Some(on_panic),
    }
}

/// Does `work` until it panics. The host then ends, but not before it has used what `work` had borrowed.
pub(crate) async fn until_panic(work: impl Future<Output = ()>) {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        polled.unwrap_or(Poll::Ready(()))
    })
    .await;
}

pin_project! {
    struct Contained<F, P> {
        #[pin]
        work: F,
        // `None` once it has been called.
        on_panic: Option<P>,
    }
}

impl<F: Future<Output = ()>, P: FnOnce(&str)> Future for Contained<F, P> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        contained(|| this.work.poll(cx)).unwrap_or_else(|panic| {
            if let Some(on_panic) = this.on_panic.take() {
                on_panic(panic_message(&*panic));
            }
            Poll::Ready(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_the_work_and_is_reported() {
        let mut reported = String::new();
        let work = async {
            tokio::task::yield_now().await;
            panic!("a bug");
        };
        contain(work, |message| reported.push_str(message)).await;
        assert_eq!(reported, "a bug");
        assert!(!is_contained());
    }

    #[tokio::test]
    async fn what_was_borrowed_by_work_that_panicked_can_be_used() {
        let mut done = 0;
        let work = async {
            done = 1;
            tokio::task::yield_now().await;
            done = 2;
            panic!("a bug");
        };
        until_panic(work).await;
        assert_eq!(done, 2);
    }

    #[tokio::test]
    async fn work_without_a_panic_is_done() {
        let mut done = false;
        let work = async {
            tokio::task::yield_now().await;
            done = is_contained();
        };
        contain(work, |message| panic!("{message}")).await;
        assert!(done);
    }
}
