//! Rates: how fast a connection, or all of a listener's together, may send.
//!
//! In: bytes and lines that came. Out: how much to read at once, and how long to pause reading.
//! Credit is taken before bytes are read, a part of a burst at a time, so that connections under one
//! limit take turns. Bytes that are not read fill the sender's own buffers. Not here: waiting
//! (`connections::pump`).
//!
//! The arithmetic is governor's (the generic cell rate algorithm). It counts whole nanoseconds per
//! cell, so fast rates are counted in cells of many bytes.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use linemill_config::settings::Rate;
use linemill_framing::blocks::BLOCK;

/// The most cells per second. A cell takes 100 µs or more, so rounding to nanoseconds is off by at
/// most 1 in 100,000.
const CELLS: u64 = 10_000;
/// Credit is taken in this fraction of a burst or of a second, whichever is more.
const PARTS: u32 = 20;

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
    /// Bytes or lines per cell, at least 1.
    unit: u64,
    /// Cells taken at a time, at most the burst.
    part: NonZeroU32,
}

/// The credit of one connection under all its limits.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    bytes: Vec<Account>,
    lines: Vec<Account>,
}

#[derive(Debug)]
struct Account {
    limit: Arc<Limit>,
    /// Bytes or lines that may still come. Negative after a block with more lines than expected:
    /// lines are counted only once they have come.
    credit: i64,
}

impl Limits {
    /// The limits of `rate`, with nothing used.
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
    /// `None` only for a rate of 0.
    fn new(a_second: u64, burst: u64) -> Option<Self> {
        let unit = a_second.div_ceil(CELLS).max(1);
        let period = Duration::from_nanos(1_000_000_000 * unit / a_second.max(1));
        let whole = |cells: u64| u32::try_from(cells).map_or(NonZeroU32::MAX, at_least_one);
        let burst = whole(burst / unit);
        let second = whole(a_second / unit / u64::from(PARTS));
        let quota = Quota::with_period(period)?.allow_burst(burst);
        Some(Self {
            governor: RateLimiter::direct_with_clock(quota, MonotonicClock),
            unit,
            part: at_least_one(burst.get() / PARTS).max(second.min(burst)),
        })
    }
}

fn at_least_one(cells: u32) -> NonZeroU32 {
    NonZeroU32::new(cells).unwrap_or(NonZeroU32::MIN)
}

impl Throttle {
    /// A throttle under all of `limits`.
    pub(crate) fn new<'a>(limits: impl IntoIterator<Item = &'a Limits>) -> Self {
        let mut throttle = Self::default();
        let account = |limit: &Arc<Limit>| Account {
            limit: Arc::clone(limit),
            credit: 0,
        };
        for limits in limits {
            throttle.bytes.extend(limits.bytes.as_ref().map(account));
            throttle.lines.extend(limits.lines.as_ref().map(account));
        }
        throttle
    }

    /// The most bytes to read at once, after [`Self::settle`] returned `None`.
    pub(crate) fn most(&self) -> usize {
        let credits = self.bytes.iter().map(|account| account.credit);
        credits.fold(BLOCK, |most, credit| {
            most.min(usize::try_from(credit).unwrap_or(0)).max(1)
        })
    }

    /// Takes what came off the credit.
    pub(crate) fn charge(&mut self, bytes: usize, lines: usize) {
        let charge = |accounts: &mut [Account], count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            accounts
                .iter_mut()
                .for_each(|account| account.credit = account.credit.saturating_sub(count));
        };
        charge(&mut self.bytes, bytes);
        charge(&mut self.lines, lines);
    }

    /// Takes credit for what is to come. Returns how long to wait when there is not enough yet.
    pub(crate) fn settle(&mut self) -> Option<Duration> {
        let accounts = self.bytes.iter_mut().chain(&mut self.lines);
        accounts.filter_map(Account::settle).max()
    }
}

impl Account {
    fn settle(&mut self) -> Option<Duration> {
        while self.credit <= 0 {
            match self.limit.governor.check_n(self.limit.part) {
                Ok(Ok(())) => {
                    let taken = u64::from(self.limit.part.get()) * self.limit.unit;
                    self.credit += i64::try_from(taken).unwrap_or(i64::MAX);
                }
                Ok(Err(not_until)) => {
                    let now = self.limit.governor.clock().now();
                    // Never 0: reading would go on without credit.
                    return Some(not_until.wait_time_from(now).max(Duration::from_millis(1)));
                }
                // A part is no more than the burst.
                Err(_) => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
