//! The processor time of a thread.
//!
//! In: the thread that asks. Out: how much processor time it has used. Not here: what that limits.

use std::time::Duration;

/// The processor time that this thread has used. The times of two threads cannot be compared.
#[cfg(unix)]
pub fn processor_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither field is ever negative.
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

/// The time since the first call: more than processor time when other threads use the processor too.
#[cfg(not(unix))]
pub fn processor_time() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
