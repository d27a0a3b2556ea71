//! The time of day.
//!
//! A filter that calls this imports `clock` of the WIT package, so its configuration must have
//! `grant = ["clock"]`. In tests, time stands still: see [`testing::with_time`](crate::testing::with_time).
//! Not here: the clock that never goes backwards. A [`Timer`](crate::Timer) gets that.

use std::time::Duration;

/// The time since 1970-01-01T00:00:00Z, without leap seconds. It jumps when the clock of the machine is set.
///
/// A call takes about as long as a short line, so ask once for all lines of a call: see
/// [`Filter::begin`](crate::Filter::begin).
pub fn wall() -> Duration {
    source::wall()
}

#[cfg(target_family = "wasm")]
mod source {
    use std::time::Duration;

    use crate::component::import_bindings::linemill::filter::clock as host;

    pub(super) fn wall() -> Duration {
        Duration::from_nanos(host::wall())
    }
}

#[cfg(not(target_family = "wasm"))]
mod source {
    pub(super) use crate::testing::clock::wall;
}
