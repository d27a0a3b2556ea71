//! The model check of publish and move: [`publish`] runs on a scheduler that tries many orders of
//! steps, instead of on threads and tokio.
//!
//! What must hold in every order: a subscriber never moves back; all reach the last generation; each
//! old generation is released with its last lease, and reports it.

mod runtime {
    pub(super) use shuttle::sync::Mutex;
    pub(super) use shuttle_tokio::sync::watch;
}
#[path = "publish.rs"]
#[expect(
    clippy::duplicate_mod,
    reason = "the same text over another runtime is the point"
)]
#[expect(
    unreachable_pub,
    reason = "what it makes public is not used from outside here"
)]
mod publish;

use std::sync::{Arc, Weak};

use shuttle::{future, thread};

use publish::{InForce, Leases, Usage};
use runtime::watch;

const LAST: u64 = 3;

#[derive(Clone)]
struct Snapshot(InForce<u64>);

/// Does as `connections::pump` does: looks when there is a new snapshot, moves, and then drops its
/// old lease.
async fn follow(mut snapshot: watch::Receiver<Snapshot>) {
    let (now, mut lease) = publish::subscribe(&mut snapshot, |snapshot| &snapshot.0, true);
    let mut at = now.0.value;
    while *at < LAST {
        // Between two blocks of lines there may be a new snapshot.
        if !snapshot.has_changed().expect("the publisher is there") {
            snapshot.changed().await.expect("the publisher is there");
        }
        let (now, next) = publish::subscribe(&mut snapshot, |snapshot| &snapshot.0, true);
        assert!(now.0.value >= at, "{} after {at}", now.0.value);
        at = now.0.value;
        lease = next;
    }
    drop(lease);
}

fn all_move_on(subscribers: usize, late: usize) {
    let (sender, receiver) = watch::channel(Snapshot(InForce::new(Arc::new(0))));
    let subscriber = |receiver: &watch::Receiver<Snapshot>| {
        let receiver = receiver.clone();
        thread::spawn(move || future::block_on(follow(receiver)))
    };
    let mut all: Vec<_> = (0..subscribers).map(|_| subscriber(&receiver)).collect();
    let mut old: Vec<(Arc<Leases>, Usage, Weak<u64>)> = Vec::new();
    for number in 1..=LAST {
        let before = Arc::downgrade(&sender.borrow().0.value);
        let leases = publish::publish(&sender, |snapshot| &mut snapshot.0, Arc::new(number));
        let first = leases.now();
        old.push((leases, first, before));
        if number == 1 {
            all.extend((0..late).map(|_| subscriber(&receiver)));
        }
    }
    for one in all {
        one.join().expect("a subscriber ends");
    }
    for (number, (leases, first, value)) in old.iter().enumerate() {
        let last = leases.now();
        // Once all are known to have moved on, nobody takes another lease.
        assert!(
            first.moved.is_none() || *first == last,
            "{number}: {first:?}, {last:?}"
        );
        assert!(!last.held && last.connections == 0, "{number}: {last:?}");
        assert!(last.moved.is_some(), "{number}: {last:?}");
        assert!(value.upgrade().is_none(), "{number} is still there");
    }
    let last = sender.borrow().0.leases.now();
    assert!(!last.held && last.moved.is_none(), "{last:?}");
}

#[test]
fn every_order_of_one_subscriber() {
    // The check ends when it has tried every order.
    shuttle::check_dfs(|| all_move_on(1, 0), Some(20_000));
}

#[test]
fn many_orders_of_four_subscribers() {
    shuttle::check_random(|| all_move_on(2, 2), 2_000);
}

#[test]
fn orders_with_few_changes_of_turn() {
    shuttle::check_pct(|| all_move_on(2, 1), 2_000, 3);
}
