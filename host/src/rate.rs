//! Rates: how fast a connection, or all of a listener's together, may send.
//!
//! In: bytes and lines that came. Out: how much to read at once, and how long to pause reading.
//! Credit is taken before bytes are read, a part of a burst at a time, so that connections under one
//! limit take turns. Bytes that are not read fill the sender's own buffers. A connection begins with what
//! its client has left of a burst ([`bursts`]). Not here: waiting (`connections::pump`).
//!
//! The arithmetic is governor's (the generic cell rate algorithm). It counts whole nanoseconds per
//! cell, so fast rates are counted in cells of many bytes.

pub(crate) mod bursts;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use bursts::{Refill, Used};
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
    /// The time in which one cell is refilled.
    period: Duration,
    /// Cells that may be taken together.
    burst: NonZeroU32,
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
    /// The burst of the client, if it is the connection's own limit.
    refill: Option<Arc<Refill>>,
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
            period,
            burst,
            part: at_least_one(burst.get() / PARTS).max(second.min(burst)),
        })
    }

    /// Takes what the client has used of its burst already. Only for a limit of which nothing is used.
    fn take_over(&self, refill: &Refill) {
        let used = refill.left(Instant::now()).min(self.whole());
        let cells = used.as_nanos().div_ceil(self.period.as_nanos().max(1));
        let cells = u32::try_from(cells)
            .unwrap_or(u32::MAX)
            .min(self.burst.get());
        if let Some(cells) = NonZeroU32::new(cells) {
            // It is no more than the burst.
            let _ = self.governor.check_n(cells);
        }
    }

    /// The time in which `count` bytes or lines are refilled.
    fn time(&self, count: usize) -> Duration {
        let nanos = self.period.as_nanos() * count as u128 / u128::from(self.unit);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The time in which a burst is refilled.
    fn whole(&self) -> Duration {
        self.period.saturating_mul(self.burst.get())
    }
}

fn at_least_one(cells: u32) -> NonZeroU32 {
    NonZeroU32::new(cells).unwrap_or(NonZeroU32::MIN)
}

impl Throttle {
    /// A throttle under `own` limits, which are new, for a client that has `used` something of their
    /// bursts; and under limits shared with others.
    pub(crate) fn new(own: Option<(&Limits, &Used)>, shared: Option<&Limits>) -> Self {
        let mut throttle = Self::default();
        if let Some((limits, used)) = own {
            let account = |limit: &Arc<Limit>, refill: &Arc<Refill>| {
                limit.take_over(refill);
                Account::new(limit, Some(Arc::clone(refill)))
            };
            let (bytes, lines) = (limits.bytes.as_ref(), limits.lines.as_ref());
            throttle
                .bytes
                .extend(bytes.map(|limit| account(limit, &used.bytes)));
            throttle
                .lines
                .extend(lines.map(|limit| account(limit, &used.lines)));
        }
        if let Some(limits) = shared {
            let account = |limit| Account::new(limit, None);
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
            accounts
                .iter_mut()
                .for_each(|account| account.charge(count));
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
    fn new(limit: &Arc<Limit>, refill: Option<Arc<Refill>>) -> Self {
        Self {
            limit: Arc::clone(limit),
            refill,
            credit: 0,
        }
    }

    fn charge(&mut self, count: usize) {
        if let Some(refill) = self.refill.as_ref().filter(|_| count > 0) {
            refill.spend(self.limit.time(count), self.limit.whole());
        }
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.credit = self.credit.saturating_sub(count);
    }

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
