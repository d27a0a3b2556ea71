use std::sync::Arc;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::timeout;

use crate::{Budget, Holder, MemoryMetrics, NoRoom, Urgency};
use linemill_telemetry::Registry;

const MIB: u64 = 1 << 20;

fn budget(limit: u64, mappings: u64) -> Arc<Budget> {
    let metrics = MemoryMetrics::register(&mut Registry::default());
    Budget::new(limit, mappings, metrics)
}

fn used(budget: &Budget, holder: Holder) -> u64 {
    let usage = budget.usage();
    let mut holders = usage.holders.into_iter();
    let (_, used, _) = holders.find(|(of, ..)| *of == holder).expect("listed");
    used
}

#[test]
fn a_lease_gives_back_what_it_held() {
    let budget = budget(100 * MIB, 0);
    let mut lease = budget.lease(Holder::Lines);
    lease.hold(3 * MIB);
    assert_eq!(used(&budget, Holder::Lines), 3 * MIB);
    lease.try_hold(5 * MIB, Urgency::More).expect("room");
    lease.hold(MIB);
    assert_eq!(used(&budget, Holder::Lines), MIB);
    drop(lease);
    let usage = budget.usage();
    assert_eq!(usage.used, 0);
    assert!((5 * MIB..6 * MIB).contains(&usage.peak), "{}", usage.peak);
}

#[test]
fn what_begins_is_refused_before_what_grows() {
    let budget = budget(100 * MIB, 0);
    let take = |bytes, urgency| budget.try_lease(Holder::Connections, bytes, urgency);
    let _most = take(85 * MIB, Urgency::New).expect("room");
    assert_eq!(take(1, Urgency::New).err(), Some(NoRoom::Memory));
    let _more = take(8 * MIB, Urgency::More).expect("room");
    assert!(take(1, Urgency::More).is_err());
    assert!(!budget.is_full());
    let _last = take(7 * MIB, Urgency::Last).expect("room");
    assert!(take(1, Urgency::Last).is_err());
    assert!(budget.is_full());
    let refused = budget.usage().holders[Holder::Connections as usize].2;
    assert_eq!(refused, 3);
}

#[test]
fn no_holder_takes_the_room_of_all_others() {
    let budget = budget(100 * MIB, 0);
    let mut lines = budget.lease(Holder::Lines);
    lines.try_hold(40 * MIB, Urgency::More).expect("its share");
    assert!(budget.is_pressed(Holder::Lines));
    assert!(!budget.is_pressed(Holder::Queues));
    let more = lines.try_hold(41 * MIB, Urgency::More);
    assert_eq!(more, Err(NoRoom::Memory));
    assert_eq!(lines.bytes(), 40 * MIB, "a refusal changes nothing");
    lines
        .try_hold(41 * MIB, Urgency::Last)
        .expect("one may end");
    let guests = budget.try_lease(Holder::Guests, 40 * MIB, Urgency::New);
    assert!(guests.is_ok());
}

#[test]
fn a_resident_size_beyond_the_limit_counts_too() {
    let budget = budget(100 * MIB, 0);
    budget.note_resident(101 * MIB);
    assert!(!budget.is_full() && budget.is_pressed(Holder::Sinks));
    let new = || budget.try_lease(Holder::Guests, 1, Urgency::New);
    assert!(new().is_err());
    assert!(budget.try_lease(Holder::Guests, 1, Urgency::Last).is_ok());
    budget.note_resident(99 * MIB);
    assert!(new().is_err(), "not yet");
    budget.note_resident(96 * MIB);
    assert!(new().is_ok());
}

#[test]
fn mappings_have_a_limit_of_their_own() {
    let budget = budget(MIB, 10);
    let some = budget.try_map(7).expect("room");
    assert_eq!(budget.try_map(4).err(), Some(NoRoom::Mappings));
    let rest = budget.try_map(3).expect("room");
    drop((some, rest));
    let usage = budget.usage();
    assert_eq!((usage.mappings, usage.mappings_refused), (0, 1));
    assert_eq!(usage.mappings_limit, Some(10));
}

#[test]
fn only_one_uses_the_last_of_the_memory() {
    let budget = budget(MIB, 0);
    let last = budget.last().expect("free");
    assert!(budget.last().is_none());
    drop(last);
    assert!(budget.last().is_some());
}

#[test]
fn nothing_is_refused_without_a_limit() {
    let budget = Budget::unlimited();
    let lease = budget.try_lease(Holder::Guests, 1 << 50, Urgency::New);
    assert!(lease.is_ok());
    assert!(!budget.is_pressed(Holder::Guests) && !budget.is_full());
    assert!(budget.try_map(1 << 40).is_ok());
    assert_eq!(budget.usage().limit, None);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_by_what_is_given_back() {
    let budget = budget(100 * MIB, 0);
    let mut lease = budget.lease(Holder::Guests);
    lease.hold(75 * MIB);
    let waiting = {
        let budget = Arc::clone(&budget);
        tokio::spawn(async move {
            while budget
                .try_lease(Holder::Guests, MIB, Urgency::More)
                .is_err()
            {
                budget.room().await;
            }
        })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    drop(lease);
    let woken = timeout(Duration::from_secs(1), waiting).await;
    woken.expect("woken").expect("ends");
}

#[test]
fn threads_that_take_and_give_leave_nothing_behind() {
    let budget = budget(1 << 34, 0);
    thread::scope(|scope| {
        for thread in 0..24_u64 {
            let budget = &budget;
            scope.spawn(move || {
                let mut lease = budget.lease(Holder::Queues);
                for round in 0..2000 {
                    lease.hold((thread * 7919 + round * 104_729) % (2 * MIB));
                }
            });
        }
    });
    assert_eq!(budget.usage().used, 0);
    let kept = budget.parts_total();
    assert!(kept <= 16 * 2 * (256 << 10), "{kept}");
}

proptest! {
    /// What is held is the sum of all leases, whatever the order of requests.
    #[test]
    fn nothing_is_counted_twice_or_lost(
        steps in prop::collection::vec((0..4_usize, 0..64 * MIB, any::<bool>()), 1..60)
    ) {
        let budget = budget(128 * MIB, 0);
        let mut leases: Vec<_> = (0..4).map(|_| budget.lease(Holder::Lines)).collect();
        for (at, bytes, forced) in steps {
            if forced {
                leases[at].hold(bytes);
            } else {
                let before = leases[at].bytes();
                let fits = leases[at].try_hold(bytes, Urgency::More).is_ok();
                prop_assert_eq!(leases[at].bytes(), if fits { bytes } else { before });
            }
            let held: u64 = leases.iter().map(|lease| lease.bytes()).sum();
            prop_assert_eq!(budget.usage().used, held);
        }
    }
}
