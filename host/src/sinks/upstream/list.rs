//! The upstreams of one destination, in order of preference.
//!
//! In: a destination. Out: its upstreams; for a client that has a connection of its own, a connection
//! to the first of them that takes one. Not here: the connection that clients share (`writer`).
//!
//! A client cannot be moved to another upstream once it is connected. So an upstream stays in its place until
//! a connection to it fails, or ends before it has proven itself (`own`). Others are then tried before it,
//! until a pause is over that grows from one to ten seconds; after that, one client tries it in its place
//! again.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until, timeout_at};

use super::own::OwnCounts;
use super::{ConnectError, ConnectOptions, Link, Upstream, lock};
use crate::net::transport::{ReadHalf, WriteHalf};
use crate::sinks::backoff::Backoff;
use crate::sinks::outage::{SinkState, UpstreamState};
use crate::sinks::throughput::Rates;
use linemill_config::settings::Destination;

/// For how long an upstream that failed is tried last: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// Upstreams in order of preference. Clones refer to the same ones.
#[derive(Debug, Clone)]
pub struct UpstreamList(Arc<[Upstream]>);

/// Upstreams as long as somebody uses them.
#[derive(Debug)]
pub(in crate::sinks) struct WeakList(Weak<[Upstream]>);

/// Whether new clients try others before an upstream.
#[derive(Debug)]
pub(super) struct Shunned {
    until: Option<Instant>,
    pauses: Backoff,
}

impl WeakList {
    pub(in crate::sinks) fn upgrade(&self) -> Option<UpstreamList> {
        self.0.upgrade().map(UpstreamList)
    }
}

impl Default for Shunned {
    fn default() -> Self {
        let (first, longest) = PAUSES;
        Self {
            until: None,
            pauses: Backoff::between(first, longest),
        }
    }
}

impl UpstreamList {
    /// The upstreams of a destination; `None` if it has none. Those that `before` has are taken from
    /// there, and keep their options.
    pub fn new(
        destination: &Destination,
        options: &ConnectOptions,
        before: Option<&Self>,
    ) -> Option<Self> {
        let upstream = |one: &Destination| {
            let mut known = before.iter().flat_map(|before| before.iter());
            let known = known.find(|known| known.0.destination == *one).cloned();
            known.or_else(|| Upstream::new(one, options.clone()))
        };
        let list: Vec<_> = destination
            .upstreams()
            .iter()
            .filter_map(upstream)
            .collect();
        (!list.is_empty()).then(|| Self(list.into()))
    }

    /// Each, in order of preference.
    pub(in crate::sinks) fn iter(&self) -> impl Iterator<Item = &Upstream> {
        self.0.iter()
    }

    /// Each, as written in the configuration, with commas between them.
    pub(in crate::sinks) fn to(&self) -> String {
        let all: Vec<_> = self.iter().map(Upstream::to).collect();
        all.join(", ")
    }

    /// What is known of each, and what it counts, where each client has a connection of its own.
    pub fn own_states(&self) -> Vec<(UpstreamState, OwnCounts)> {
        let state = |one: &Upstream| (one.state(), one.own_counts());
        self.iter().map(state).collect()
    }

    /// Whether it has this very upstream.
    pub(in crate::sinks) fn contains(&self, upstream: &Upstream) -> bool {
        self.0.contains(upstream)
    }

    /// The list, without keeping it alive.
    pub(in crate::sinks) fn downgrade(&self) -> WeakList {
        WeakList(Arc::downgrade(&self.0))
    }

    /// Whether the one in use is up, and what is known of each. `queued` bytes wait.
    pub(in crate::sinks) fn state(&self, queued: u64, rates: Rates) -> SinkState {
        let upstreams: Vec<_> = self.iter().map(Upstream::state).collect();
        let in_use = upstreams.iter().find(|one| one.in_use);
        // Nothing has been tried yet, or all are down: the preferred one says why.
        let shown = in_use.or(upstreams.first());
        let up = shown.is_some_and(|one| one.up);
        let mut reasons = shown.into_iter().chain(&upstreams);
        let reason = reasons.find_map(|one| one.reason.clone()).filter(|_| !up);
        SinkState {
            up,
            reason,
            since: shown.map_or_else(SystemTime::now, |one| one.since),
            lasting: shown.map_or(Duration::ZERO, |one| one.lasting),
            queued,
            rates,
            upstreams,
        }
    }

    /// Whether the last attempt to use the first failed.
    #[cfg(test)]
    pub(in crate::sinks) fn is_down(&self) -> bool {
        self.0.first().is_some_and(Upstream::is_down)
    }

    /// The options of the first.
    pub(in crate::sinks) fn options(&self) -> Option<ConnectOptions> {
        self.0.first().map(Upstream::options)
    }

    /// Connects to the first that takes a connection. Retries until `deadline`, or indefinitely without
    /// one; waits grow from 0.1 to 5 seconds. Dropping the future stops it.
    ///
    /// # Errors
    /// The last attempt's error, once the deadline has passed.
    pub async fn connect_within(
        &self,
        deadline: Option<Instant>,
    ) -> Result<(Upstream, ReadHalf, WriteHalf), ConnectError> {
        let mut backoff = Backoff::default();
        let mut last = None;
        loop {
            let attempt = match deadline {
                None => Ok(self.connect().await),
                Some(deadline) => timeout_at(deadline, self.connect()).await,
            };
            let error = match attempt {
                Ok(Ok((upstream, Link { reader, writer, .. }))) => {
                    return Ok((upstream, reader, writer));
                }
                Ok(Err(error)) => error,
                Err(_) => return Err(last.unwrap_or(ConnectError::TooLate)),
            };
            let again = Instant::now() + backoff.pause();
            if let Some(deadline) = deadline.filter(|deadline| *deadline <= again) {
                sleep_until(deadline).await;
                return Err(error);
            }
            last = Some(error);
            sleep_until(again).await;
        }
    }

    /// Tries each once, within `connect_timeout`. Each gets an equal share of the time that is left.
    async fn connect(&self) -> Result<(Upstream, Link), ConnectError> {
        let now = Instant::now();
        let limit = self.options().map(|options| options.connect_timeout);
        let mut left = limit.unwrap_or_default();
        let shunned = self.iter().map(|one| lock(&one.0.shunned).until);
        let order = order(&shunned.collect::<Vec<_>>(), now);
        let mut last = ConnectError::TooLate;
        for (tried, index) in order.into_iter().enumerate() {
            let upstream = &self.0[index];
            let others = u32::try_from(self.0.len() - tried).unwrap_or(u32::MAX);
            upstream.claim();
            let connecting = upstream.connecting();
            let attempt = upstream.link_within(left / others).await;
            drop(connecting);
            left = limit.unwrap_or_default().saturating_sub(now.elapsed());
            match attempt {
                Ok(link) => return Ok((upstream.clone(), link)),
                Err(error) => {
                    upstream.note_failure(&error, 0);
                    upstream.shun();
                    last = error;
                }
            }
        }
        Err(last)
    }
}

impl Upstream {
    /// Lets one client alone try an upstream whose pause is over: the others wait for its result.
    fn claim(&self) {
        let mut shunned = lock(&self.0.shunned);
        if shunned.until.is_some() {
            shunned.until = Some(Instant::now() + PAUSES.0);
        }
    }

    /// Lets clients try it in its place again: a connection to it has proven itself.
    pub(super) fn trust(&self) {
        *lock(&self.0.shunned) = Shunned::default();
    }

    /// Lets clients try others first for a while.
    pub(super) fn shun(&self) {
        let mut shunned = lock(&self.0.shunned);
        shunned.until = Some(Instant::now() + shunned.pauses.pause());
    }
}

/// The order in which upstreams are tried, by their index: as in the list, but those whose pause is not
/// over come last.
fn order(shunned: &[Option<Instant>], now: Instant) -> Vec<usize> {
    let is_shunned = |index: &usize| shunned[*index].is_some_and(|until| until > now);
    let mut order: Vec<_> = (0..shunned.len()).collect();
    order.sort_by_key(is_shunned);
    order
}

#[cfg(test)]
mod tests;
