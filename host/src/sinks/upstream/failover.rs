//! Which of several upstreams a shared sink uses.
//!
//! In: upstreams in order of preference, the time, and what has become known of each. Out: which to
//! connect to next, which to probe, and how long a probe must last. Not here: sockets, lines, clocks,
//! probing (`probe`).
//!
//! The rules:
//! 1. Nothing is in use: the first upstream that is not known to be down is connected to. If all are
//!    down, the one whose last failure is the oldest comes next, after a pause of 0.1 to 0.8 seconds.
//! 2. An upstream is in use: those preferred to it are probed, one second after they failed, then after
//!    pauses that double up to ten. Those after it are left alone.
//! 3. A probe that lasts is moved to. It must last for ten seconds, and twice as long, up to five minutes,
//!    each time that the upstream went down within five minutes after lines had moved back to it.
//! 4. A connection that has reached its greatest age is replaced in the same way. A probe for that may
//!    fail: the upstream stays in use.

use std::time::Duration;

use tokio::time::Instant;

use crate::sinks::backoff::Backoff;

/// Longest pause between two attempts while nothing is in use. One connection serves all clients, so
/// it may ask often.
const LONGEST_PAUSE: Duration = Duration::from_millis(800);
/// The first and the longest pause between two probes.
const PROBE_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// How long a probe must last. A load balancer without a server behind it closes earlier: haproxy by
/// default after three seconds.
pub(super) const WATCH: Duration = Duration::from_secs(10);
/// How long at most.
const LONGEST_WATCH: Duration = Duration::from_secs(300);
/// An upstream that goes down earlier must prove itself for longer the next time.
const STABLE: Duration = Duration::from_secs(300);

/// Several upstreams, and which of them is in use.
#[derive(Debug)]
pub(super) struct Failover<U> {
    /// In order of preference. Never empty.
    members: Vec<Member<U>>,
    in_use: Option<InUse<U>>,
    /// The upstream that lines went to last, on a connection that was up.
    last: Option<U>,
}

#[derive(Debug)]
struct Member<U> {
    upstream: U,
    down: Option<Down>,
    /// Pauses between attempts while nothing is in use.
    pauses: Backoff,
    /// Pauses between probes.
    probe_pauses: Backoff,
    /// Whether it is being probed.
    probing: bool,
    /// How long a probe must last.
    watch: Duration,
}

/// What is known of an upstream that is down.
#[derive(Debug, Clone, Copy)]
struct Down {
    /// When that was last noticed.
    noticed: Instant,
    /// When to connect again.
    again: Instant,
    /// When to probe again.
    probe: Instant,
}

#[derive(Debug)]
struct InUse<U> {
    /// May have been removed from the list.
    upstream: U,
    since: Instant,
    /// Whether it has been returned to after a probe.
    returned: bool,
    /// When its connection is due to be replaced, if ever.
    replace: Option<Instant>,
}

/// What to do while nothing is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next<U> {
    /// Connect to this upstream.
    Connect(U),
    /// Ask again then.
    Wait(Instant),
}

/// How the upstream that lines go to has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change<U> {
    /// To one that comes later in the list than `from`.
    FailedOver { from: U },
    /// To one that is preferred to `from`.
    FailedBack { from: U },
    /// To another, because `from` has been removed from the list.
    Replaced { from: U },
}

impl<U: Clone + PartialEq> Failover<U> {
    /// Nothing is known yet of any of them.
    pub(super) fn new(upstreams: impl IntoIterator<Item = U>) -> Self {
        Self {
            members: upstreams.into_iter().map(Member::new).collect(),
            in_use: None,
            last: None,
        }
    }

    /// Replaces the list. What is known of those that remain is kept. Probes have ended.
    pub(super) fn set_list(&mut self, upstreams: impl IntoIterator<Item = U>) {
        let mut before = std::mem::take(&mut self.members);
        let members = upstreams.into_iter().map(|upstream| {
            let known = before.iter().position(|member| member.upstream == upstream);
            match known {
                Some(index) => before.swap_remove(index),
                None => Member::new(upstream),
            }
        });
        self.members = members.collect();
        self.stop_probes();
    }

    /// Whether this is the list.
    pub(super) fn has<'a>(&self, upstreams: impl Iterator<Item = &'a U>) -> bool
    where
        U: 'a,
    {
        upstreams.eq(self.members.iter().map(|member| &member.upstream))
    }

    /// What to do while nothing is in use.
    pub(super) fn next(&self, now: Instant) -> Next<U> {
        if let Some(member) = self.members.iter().find(|member| member.down.is_none()) {
            return Next::Connect(member.upstream.clone());
        }
        let down = || {
            let members = self.members.iter();
            members.filter_map(|member| Some((member, member.down?)))
        };
        let due = down().filter(|(_, down)| down.again <= now);
        // Of several, the first in the list.
        let oldest = due.min_by_key(|(_, down)| down.noticed);
        match oldest {
            Some((member, _)) => Next::Connect(member.upstream.clone()),
            None => Next::Wait(down().map(|(_, down)| down.again).min().unwrap_or(now)),
        }
    }

    /// A connection to an upstream has been made, and is in use from now on. `returned`: it was a probe.
    pub(super) fn connected(&mut self, upstream: &U, now: Instant, returned: bool) {
        self.stop_probes();
        self.in_use = Some(InUse {
            upstream: upstream.clone(),
            since: now,
            returned,
            replace: None,
        });
    }

    /// The connection in use is up. Returns whether lines go to another upstream than before.
    pub(super) fn up(&mut self) -> Option<Change<U>> {
        let upstream = self.in_use.as_ref()?.upstream.clone();
        if let Some(member) = self.member(&upstream) {
            member.down = None;
            member.pauses.reset();
            member.probe_pauses.reset();
        }
        let from = self.last.replace(upstream.clone());
        // At first, the one that should have been used.
        let from = from.or_else(|| Some(self.members.first()?.upstream.clone()))?;
        let rank = |of: &U| {
            self.members
                .iter()
                .position(|member| member.upstream == *of)
        };
        match (rank(&from), rank(&upstream)) {
            _ if from == upstream => None,
            (None, _) => Some(Change::Replaced { from }),
            (Some(before), Some(now)) if now < before => Some(Change::FailedBack { from }),
            (Some(_), _) => Some(Change::FailedOver { from }),
        }
    }

    /// A probe of an upstream has lasted long enough for it not to count as down any more.
    pub(super) fn note_back(&mut self, upstream: &U) {
        if let Some(member) = self.member(upstream) {
            member.down = None;
        }
    }

    /// An attempt to connect to an upstream has failed.
    pub(super) fn failed(&mut self, upstream: &U, now: Instant) {
        if let Some(member) = self.member(upstream) {
            let pause = member.pauses.pause();
            member.down(now, pause);
        }
    }

    /// The connection in use has broken. `proven`: it had worked, so another attempt may follow at once.
    pub(super) fn broken(&mut self, now: Instant, proven: bool) {
        self.stop_probes();
        let Some(in_use) = self.in_use.take() else {
            return;
        };
        let Some(member) = self.member(&in_use.upstream) else {
            return;
        };
        let lasted = now - in_use.since;
        if lasted >= STABLE {
            member.watch = WATCH;
        } else if in_use.returned {
            member.watch = (2 * member.watch).min(LONGEST_WATCH);
        }
        let pause = if proven {
            member.pauses.reset();
            Duration::ZERO
        } else {
            member.pauses.pause()
        };
        member.down(now, pause);
    }

    /// The upstream in use is left for a probe, or because the list does not have it any more.
    pub(super) fn left(&mut self) {
        self.in_use = None;
        self.stop_probes();
    }

    /// Whether the list has the upstream in use.
    pub(super) fn lists_in_use(&self) -> bool {
        let in_use = self.in_use.as_ref();
        in_use.is_some_and(|in_use| {
            self.members
                .iter()
                .any(|one| one.upstream == in_use.upstream)
        })
    }

    /// Sets when the connection in use is due to be replaced.
    pub(super) fn replace_at(&mut self, at: Option<Instant>) {
        if let Some(in_use) = &mut self.in_use {
            in_use.replace = at;
        }
    }

    /// The next upstream that is to be probed now, and how long the probe must last. It counts as being
    /// probed from now on.
    pub(super) fn probe(&mut self, now: Instant) -> Option<(U, Duration)> {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let index = (0..self.members.len()).find(|index| due(self.probe_time(*index)))?;
        let member = &mut self.members[index];
        member.probing = true;
        let in_use = self.in_use.as_ref();
        let watch = match in_use {
            Some(in_use) if in_use.upstream == member.upstream => WATCH,
            _ => member.watch,
        };
        Some((member.upstream.clone(), watch))
    }

    /// When the next probe is due; `None` if nothing is to be probed but what is.
    pub(super) fn next_probe(&self) -> Option<Instant> {
        let times = (0..self.members.len()).filter_map(|index| self.probe_time(index));
        times.min()
    }

    /// A probe has failed. Returns whether its upstream counts as down now: the one in use does not.
    pub(super) fn probe_failed(&mut self, upstream: &U, now: Instant) -> bool {
        let replacing = self.in_use.as_mut().filter(|one| one.upstream == *upstream);
        let replacing = replacing.map(|in_use| &mut in_use.replace);
        let Some(member) = self
            .members
            .iter_mut()
            .find(|one| one.upstream == *upstream)
        else {
            return false;
        };
        member.probing = false;
        match replacing {
            Some(replace) => {
                *replace = replace.map(|_| now + member.probe_pauses.pause());
                false
            }
            None => {
                member.down(now, Duration::ZERO);
                true
            }
        }
    }

    /// When a member is to be probed: one that is preferred to the upstream in use, and that one itself
    /// when it is due to be replaced.
    fn probe_time(&self, index: usize) -> Option<Instant> {
        let in_use = self.in_use.as_ref()?;
        let member = &self.members[index];
        if member.probing {
            return None;
        }
        if member.upstream == in_use.upstream {
            return in_use.replace;
        }
        let mut before = self.members[..index].iter();
        let is_preferred = before.all(|one| one.upstream != in_use.upstream);
        let down = member.down.map(|down| down.probe);
        is_preferred.then(|| down.unwrap_or(in_use.since))
    }

    fn member(&mut self, upstream: &U) -> Option<&mut Member<U>> {
        self.members
            .iter_mut()
            .find(|one| one.upstream == *upstream)
    }

    fn stop_probes(&mut self) {
        for member in &mut self.members {
            member.probing = false;
        }
    }
}

impl<U> Member<U> {
    fn new(upstream: U) -> Self {
        let (first, longest) = PROBE_PAUSES;
        Self {
            upstream,
            down: None,
            pauses: Backoff::up_to(LONGEST_PAUSE),
            probe_pauses: Backoff::between(first, longest),
            probing: false,
            watch: WATCH,
        }
    }

    /// Notes that it is down. It may be connected to after `pause`.
    fn down(&mut self, now: Instant, pause: Duration) {
        self.down = Some(Down {
            noticed: now,
            again: now + pause,
            probe: now + self.probe_pauses.pause(),
        });
    }
}

#[cfg(test)]
mod tests;
