//! Probation: the window after a swap during which the chains that it changed are watched.
//!
//! In: the generations before and after a swap, and `[host] rollback`. Out: the first filter that fails, or
//! drops, more than its share of lines within the window. A filter is judged at its place in one
//! listener, and by what the filter of that name did there before, so one that has always failed some
//! lines is no reason for a rollback, and one that fails because of what stands before it is.
//! Not here: the rollback itself (`actions`), what is remembered of it (`rejected`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fingerprint::{ListenerFingerprint, stages};
use crate::generation::{Generation, Service};
use linemill_config::settings::{ListenerSettings, Rollback, Settings, Share};
use linemill_sandbox::Digest;
use linemill_sandbox::chain::{Counted, Stage};

/// Interval between two looks at the counts.
const INTERVAL: Duration = Duration::from_millis(50);
/// A rollback requires at least this many failed, or dropped, lines, whatever their share.
const LEAST: u64 = 10;
/// A filter is judged by what it did before, if at least this many lines show that.
const ENOUGH: u64 = 100;

/// Listeners on probation.
pub(super) struct Probation {
    rule: Rollback,
    /// When the window ends.
    until: Instant,
    /// The listeners whose chains the swap changed, or an earlier one that was still on probation. Never
    /// empty.
    listeners: BTreeMap<String, Watched>,
}

/// A listener on probation.
struct Watched {
    service: Arc<Service>,
    fingerprint: ListenerFingerprint,
}

/// What filters did at their places before, by the names of listener and filter.
#[derive(Default)]
pub(super) struct Usual(BTreeMap<(String, String), Counted>);

/// A filter that failed, or dropped, more lines than `[host] rollback` allows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failing {
    /// The listener, with everything that decides how its filters fare.
    pub(super) fingerprint: ListenerFingerprint,
    filter: String,
    digest: Digest,
    did: Did,
    count: u64,
    lines: u64,
    window: Duration,
}

/// What a filter did with too many lines.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Did {
    Failed,
    Dropped,
}

/// A generation, and the settings that it was built of.
#[derive(Clone, Copy)]
pub(super) struct Built<'a> {
    pub(super) generation: &'a Generation,
    pub(super) settings: &'a Settings,
}

impl Probation {
    /// Starts a probation of the listeners of `next` whose chains `before` does not have, and of those that
    /// `last` has not finished; `None` if there are no such listeners.
    pub(super) fn after(
        before: Built<'_>,
        next: Built<'_>,
        last: Option<Self>,
        rule: Rollback,
    ) -> Option<Self> {
        let unfinished: BTreeSet<_> = last
            .into_iter()
            .flat_map(|last| last.listeners.into_keys())
            .collect();
        let listeners = next.settings.listeners.iter().filter_map(|listener| {
            let name = &listener.name;
            let service = next.generation.services.get(name)?;
            let is_watched = unfinished.contains(name) || is_changed(before, listener, service);
            let fingerprint = ListenerFingerprint::of(next.generation, next.settings, name)?;
            let watched = Watched {
                service: Arc::clone(service),
                fingerprint,
            };
            is_watched.then(|| (name.clone(), watched))
        });
        let listeners: BTreeMap<_, _> = listeners.collect();
        (!listeners.is_empty()).then(|| Self {
            rule,
            until: Instant::now() + rule.window,
            listeners,
        })
    }

    /// Waits for a filter to fail, or drop, too many lines; `None` when the window ends without one.
    pub(super) async fn fails(&self, usual: &Usual) -> Option<Failing> {
        loop {
            if let Some(failing) = self.failing(usual) {
                return Some(failing);
            }
            if Instant::now() >= self.until {
                return None;
            }
            sleep(INTERVAL).await;
        }
    }

    fn failing(&self, usual: &Usual) -> Option<Failing> {
        self.listeners.iter().find_map(|(name, watched)| {
            stages(&watched.service).find_map(|stage| {
                let counted = stage.counted();
                let (did, count) = judge(&self.rule, counted, usual.of(name, stage))?;
                Some(Failing {
                    fingerprint: watched.fingerprint.clone(),
                    filter: stage.filter().name().to_owned(),
                    digest: stage.filter().digest(),
                    did,
                    count,
                    lines: counted.lines,
                    window: self.rule.window,
                })
            })
        })
    }
}

/// What a filter did with too many of its lines, and with how many.
fn judge(rule: &Rollback, now: Counted, usual: Counted) -> Option<(Did, u64)> {
    let exceeds = |share: Option<Share>, count: u64, before: u64| {
        let share = share?;
        let expected = of(now.lines, before, usual.lines);
        let allowed = expected + share.of(now.lines - expected);
        (count >= LEAST && count > allowed).then_some(count)
    };
    let failed = exceeds(rule.share, now.failed, usual.failed);
    let dropped = exceeds(rule.dropped, now.dropped, usual.dropped);
    failed
        .map(|count| (Did::Failed, count))
        .or(dropped.map(|count| (Did::Dropped, count)))
}

/// The part of `lines` that `count` is of `all`.
fn of(lines: u64, count: u64, all: u64) -> u64 {
    if all == 0 {
        return 0;
    }
    let part = u128::from(lines) * u128::from(count.min(all)) / u128::from(all);
    u64::try_from(part).unwrap_or(lines)
}

/// Whether a listener sends its lines through other filters than before, or cuts them otherwise.
fn is_changed(before: Built<'_>, listener: &ListenerSettings, service: &Service) -> bool {
    let mut known = before.settings.listeners.iter();
    let Some((old, old_service)) = known
        .find(|known| known.name == listener.name)
        .zip(before.generation.services.get(&listener.name))
    else {
        return true;
    };
    let filters = |service| stages(service).map(|stage| Arc::as_ptr(stage.filter()));
    old.chain != listener.chain
        || old.reply_chain != listener.reply_chain
        || old.lines != listener.lines
        || !filters(old_service).eq(filters(service))
}

impl Usual {
    /// Takes up what the filters of a generation did, as far as enough lines show it.
    pub(super) fn learn(&mut self, generation: &Generation) {
        for (listener, service) in &generation.services {
            let mut counted = BTreeMap::<_, Counted>::new();
            for stage in stages(service) {
                let all = counted.entry(stage.filter().name().to_owned()).or_default();
                *all = *all + stage.counted();
            }
            let enough = counted.into_iter().filter(|(_, all)| all.lines >= ENOUGH);
            self.0
                .extend(enough.map(|(filter, all)| ((listener.clone(), filter), all)));
        }
    }

    /// Forgets the listeners that a generation does not have.
    pub(super) fn retain(&mut self, generation: &Generation) {
        self.0
            .retain(|(listener, _), _| generation.services.contains_key(listener));
    }

    /// What the filter of a stage, or the one that it is on trial for, did in this listener.
    fn of(&self, listener: &str, stage: &Stage) -> Counted {
        let key = (listener.to_owned(), stage.filter().base_name().to_owned());
        self.0.get(&key).copied().unwrap_or_default()
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = match self.did {
            Did::Failed => "failed",
            Did::Dropped => "dropped",
        };
        write!(
            f,
            "filter `{}`, plugin {}, in listener `{}`: {did} {} of {} lines within {:?} of the swap",
            self.filter,
            self.digest.short(),
            self.fingerprint.listener(),
            self.count,
            self.lines,
            self.window
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: u64, failed: u64, dropped: u64) -> Counted {
        Counted {
            lines,
            failed,
            dropped,
        }
    }

    #[test]
    fn a_filter_is_judged_by_what_it_did_before() {
        let share = |text: &str| Some(text.parse().expect("a share"));
        let rule = Rollback {
            share: share("5%"),
            dropped: share("50%"),
            window: Duration::from_secs(30),
        };
        let none = Counted::default();
        let failed =
            |now, usual| judge(&rule, now, usual).map(|(did, count)| (did == Did::Failed, count));
        assert_eq!(failed(counted(9, 9, 0), none), None);
        assert_eq!(failed(counted(10, 10, 0), none), Some((true, 10)));
        assert_eq!(failed(counted(1000, 50, 0), none), None);
        assert_eq!(failed(counted(1000, 51, 0), none), Some((true, 51)));
        // A tenth has always failed: 5 % of the other nine tenths may fail, too.
        let tenth = counted(5000, 500, 0);
        assert_eq!(failed(counted(1000, 145, 0), tenth), None);
        assert_eq!(failed(counted(1000, 146, 0), tenth), Some((true, 146)));
        // What drops most lines by design may drop half of the rest.
        let most = counted(5000, 0, 4000);
        assert_eq!(failed(counted(1000, 0, 900), most), None);
        assert_eq!(failed(counted(1000, 0, 901), most), Some((false, 901)));
        assert_eq!(failed(counted(1000, 0, 501), none), Some((false, 501)));
        let off = Rollback {
            dropped: None,
            ..rule
        };
        assert_eq!(judge(&off, counted(1000, 0, 1000), none), None);
        // Everything failed before.
        assert_eq!(failed(counted(1000, 1000, 0), counted(200, 200, 0)), None);
    }
}
