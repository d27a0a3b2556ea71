//! How much processor time the threads of taps take.
//!
//! In: how many taps are open, and what a thread has used. Out: how long it works on, and how long it then
//! leaves its queue alone. Work and pauses take turns: while a thread pauses, observations wait without waking
//! it, or find the queue full.
//! Not here: what the thread does (`reader`).

use std::time::Duration;

use linemill_telemetry::processor_time;

/// How long a thread works before it pauses.
const SLICE: Duration = Duration::from_millis(2);
/// The least pause. A thread that was woken for each line would cost the lines more than it takes itself.
const PAUSE: Duration = Duration::from_millis(20);
/// All taps together take at most 1/`PARTS` of a processor.
const PARTS: u32 = 5;

/// The pace of one thread.
#[derive(Debug)]
pub(super) struct Pace {
    /// Processor time that the thread had used when it began to work.
    began: Duration,
}

impl Pace {
    /// Begins to work.
    pub(super) fn begin() -> Self {
        Self {
            began: processor_time(),
        }
    }

    /// How long to pause, now that nothing waits.
    pub(super) fn pause(&self, taps: u32) -> Duration {
        pause(self.used(), taps)
    }

    /// Whether it is time for a pause, even if more waits.
    pub(super) fn is_over(&self) -> bool {
        self.used() >= SLICE
    }

    fn used(&self) -> Duration {
        processor_time().saturating_sub(self.began)
    }
}

/// The pause that follows when a thread has worked for `used` and `taps` are open.
fn pause(used: Duration, taps: u32) -> Duration {
    (used * (PARTS * taps - 1)).max(PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_taps_together_get_a_fifth_of_a_processor() {
        let slice = Duration::from_millis(10);
        for taps in 1..=8 {
            let share = slice.div_duration_f64(slice + pause(slice, taps));
            let all = share * f64::from(taps);
            assert!((0.199..0.201).contains(&all), "{taps}: {all}");
        }
    }

    #[test]
    fn a_tap_with_little_to_do_pauses_too() {
        assert_eq!(pause(Duration::ZERO, 1), PAUSE);
        assert_eq!(pause(Duration::from_millis(1), 1), PAUSE);
    }

    #[test]
    fn only_processor_time_counts() {
        let pace = Pace::begin();
        std::thread::sleep(2 * SLICE);
        #[cfg(unix)]
        assert!(!pace.is_over());
        let mut sum = 0_u64;
        while !pace.is_over() {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(pace.pause(1) > Duration::ZERO);
    }
}
