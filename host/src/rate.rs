//! Rates: how fast a connection, or all of a listener's together, may send.
//!
//! In: bytes and lines that came. Out: how long to read nothing. What has been read is never held
//! back: the next read waits until it is paid for, so the sender is slowed by its own full buffers.
//! Not here: waiting (`way`).
//!
//! The arithmetic is governor's (the generic cell rate algorithm). It counts whole nanoseconds a
//! cell, so fast rates are counted in cells of many bytes.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::blocks::BLOCK;
use crate::config::settings::Rate;

/// Cells a second, at most: one takes 100 microseconds or more, so rounding to nanoseconds
/// costs at most a hundred-thousandth.
const CELLS: u64 = 10_000;
/// A debt is paid in parts of this share of a second, so that connections of one limit take turns.
const PARTS: u64 = 20;

type Governor =
    RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// The limits of one `rate` or `total_rate`, with what has been used of them.
#[derive(Debug)]
pub(crate) struct Limits {
    bytes: Option<Arc<Limit>>,
    lines: Option<Arc<Limit>>,
}

#[derive(Debug)]
struct Limit {
    governor: Governor,
    /// Bytes or lines of one cell.
    unit: u64,
    /// Cells paid at a time, at most.
    part: u64,
    /// Bytes or lines that may come at once.
    burst: u64,
}

/// What one connection has to pay for.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    bytes: Vec<Debt>,
    lines: Vec<Debt>,
}

#[derive(Debug)]
struct Debt {
    limit: Arc<Limit>,
    /// Bytes or lines that came and are not paid for; less than a cell does not count.
    owed: u64,
}

impl Limits {
    /// The limits that a configuration asks for, nothing used of them.
    pub(crate) fn new(rate: &Rate) -> Self {
        let limit = |a_second, burst| Some(Arc::new(Limit::new(a_second, burst)?));
        Self {
            bytes: rate
                .bytes
                .and_then(|bytes| limit(bytes, rate.burst.unwrap_or(bytes))),
            lines: rate.lines.and_then(|lines| limit(lines, lines)),
        }
    }
}

impl Limit {
    /// `None` only for a rate of nothing.
    fn new(a_second: u64, burst: u64) -> Option<Self> {
        let unit = a_second.div_ceil(CELLS).max(1);
        let period = Duration::from_nanos(1_000_000_000 * unit / a_second.max(1));
        let cells = NonZeroU32::new(u32::try_from(burst / unit).unwrap_or(u32::MAX));
        let cells = cells.unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(period)?.allow_burst(cells);
        let clock = MonotonicClock;
        Some(Self {
            governor: RateLimiter::direct_with_clock(quota, clock),
            unit,
            part: (a_second / unit / PARTS).clamp(1, u64::from(cells.get())),
            burst: burst.max(1),
        })
    }
}

impl Throttle {
    /// Pays into all of these limits.
    pub(crate) fn new<'a>(limits: impl IntoIterator<Item = &'a Limits>) -> Self {
        let mut throttle = Self::default();
        let debt = |limit: &Arc<Limit>| Debt {
            limit: Arc::clone(limit),
            owed: 0,
        };
        for limits in limits {
            throttle.bytes.extend(limits.bytes.as_ref().map(debt));
            throttle.lines.extend(limits.lines.as_ref().map(debt));
        }
        throttle
    }

    /// Bytes to read at once, at most.
    pub(crate) fn most(&self) -> usize {
        let bursts = self.bytes.iter().map(|debt| debt.limit.burst);
        bursts.fold(BLOCK, |most, burst| {
            most.min(usize::try_from(burst).unwrap_or(BLOCK))
        })
    }

    /// Notes what came.
    pub(crate) fn charge(&mut self, bytes: u64, lines: u64) {
        self.bytes.iter_mut().for_each(|debt| debt.owed += bytes);
        self.lines.iter_mut().for_each(|debt| debt.owed += lines);
    }

    /// Pays what can be paid now, and says when to go on if something is left.
    pub(crate) fn settle(&mut self) -> Option<Duration> {
        let debts = self.bytes.iter_mut().chain(&mut self.lines);
        debts.filter_map(Debt::settle).max()
    }
}

impl Debt {
    fn settle(&mut self) -> Option<Duration> {
        loop {
            let cells = (self.owed / self.limit.unit).min(self.limit.part);
            let cells = NonZeroU32::new(u32::try_from(cells).unwrap_or(u32::MAX))?;
            match self.limit.governor.check_n(cells) {
                Ok(Ok(())) => self.owed -= u64::from(cells.get()) * self.limit.unit,
                Ok(Err(not_until)) => {
                    let now = self.limit.governor.clock().now();
                    // Never nothing: whoever waits for it would not wait.
                    return Some(not_until.wait_time_from(now).max(Duration::from_millis(1)));
                }
                // A part is no more than the burst.
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(bytes: u64, burst: Option<u64>) -> Rate {
        Rate {
            bytes: Some(bytes),
            lines: None,
            burst,
        }
    }

    #[test]
    fn a_burst_is_free_and_the_rest_takes_its_time() {
        let limits = Limits::new(&rate(1000, Some(2000)));
        let mut throttle = Throttle::new([&limits]);
        throttle.charge(2000, 1);
        assert_eq!(throttle.settle(), None);
        throttle.charge(1000, 1);
        let wait = throttle.settle().expect("more than the burst");
        // A twentieth of a second's bytes at a time.
        assert!(wait <= Duration::from_millis(51), "{wait:?}");
        assert_eq!(throttle.most(), 2000);
    }

    #[test]
    fn rates_of_any_size_have_the_period_they_should() {
        for a_second in [
            1,
            7,
            999,
            10_000,
            10_001,
            30_000,
            1 << 20,
            3_000_000_000,
            1 << 40,
        ] {
            let limit = Limit::new(a_second, a_second).expect("a rate");
            let cells = a_second as f64 / limit.unit as f64;
            let period = Duration::from_nanos(1_000_000_000 * limit.unit / a_second).as_secs_f64();
            assert!(
                (cells * period - 1.0).abs() < 1e-4,
                "{a_second}: {cells} × {period}"
            );
        }
    }

    #[test]
    fn connections_pay_into_one_pot() {
        let total = Limits::new(&rate(1000, None));
        let mut throttles = [Throttle::new([&total]), Throttle::new([&total])];
        throttles.iter_mut().for_each(|one| one.charge(500, 1));
        assert!(throttles.iter_mut().all(|one| one.settle().is_none()));
        throttles[0].charge(100, 1);
        assert!(throttles[0].settle().is_some());
    }

    #[test]
    fn lines_are_limited_by_themselves() {
        let limits = Limits::new(&Rate {
            bytes: None,
            lines: Some(10),
            burst: None,
        });
        let mut throttle = Throttle::new([&limits]);
        throttle.charge(1 << 30, 10);
        assert_eq!(throttle.settle(), None);
        throttle.charge(0, 1);
        let wait = throttle.settle().expect("an eleventh line");
        assert!(wait > Duration::from_millis(50), "{wait:?}");
        assert_eq!(throttle.most(), BLOCK);
    }

    #[test]
    fn without_limits_nothing_waits() {
        let mut throttle = Throttle::default();
        throttle.charge(u64::MAX, u64::MAX);
        assert_eq!(throttle.settle(), None);
        assert_eq!(throttle.most(), BLOCK);
    }
}
