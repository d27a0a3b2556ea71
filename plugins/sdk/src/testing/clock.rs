//! The time of day that filters under test see.
//!
//! In: what the test says. Out: the answers of [`crate::clock`]. Time stands still.

use std::cell::Cell;
use std::time::Duration;

thread_local! {
    static WALL: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Runs `test` with filters that see this time of day, given since 1970. Without it, they see 1970-01-01.
///
/// ```
/// use std::time::Duration;
/// use linemill_sdk::testing::{self, json};
/// use linemill_sdk::{Output, clock, filter_fn};
///
/// filter_fn!(Stamp = stamp);
///
/// fn stamp(line: &[u8], out: &mut Output) {
///     write!(out, "{} ", clock::wall().as_secs());
///     out.emit(line);
/// }
///
/// let stamped = testing::with_time(Duration::from_secs(1_000), || {
///     testing::lines::<Stamp>(json!({}), ["a"])
/// });
/// assert_eq!(stamped, ["1000 a"]);
/// ```
pub fn with_time<R>(wall: Duration, test: impl FnOnce() -> R) -> R {
    /// Sets back what was before, also after a panic.
    struct Before(Duration);
    impl Drop for Before {
        fn drop(&mut self) {
            WALL.set(self.0);
        }
    }
    let _before = Before(WALL.replace(wall));
    test()
}

pub(crate) fn wall() -> Duration {
    WALL.get()
}
