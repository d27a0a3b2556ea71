//! Publish and move: how all users move from one value in force to the next.
//!
//! In: values to put in force, from one publisher. Out: the value in force for each subscriber,
//! when it looks; and for each value that was in force, who still uses it and how long it took
//! until nobody did. This module knows nothing about what is published, so that the model check
//! (`model`) runs this very code. Not here: when to look, what moving means.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::runtime::{Mutex, watch};

/// What is in force, with the leases on it.
pub struct InForce<G> {
    /// The value in force.
    pub value: Arc<G>,
    /// The leases on `value`.
    pub leases: Arc<Leases>,
}

/// The leases on a value that is or was in force.
#[derive(Debug, Default)]
pub struct Leases(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Leases taken and not dropped.
    held: usize,
    /// How many of these are connections'.
    connections: usize,
    /// When another value was put in force; `None` before.
    retired: Option<Instant>,
    /// How long after that the last lease was dropped. Set only while `held` is 0; no lease is
    /// taken afterwards.
    moved: Option<Duration>,
}

/// A hold on a value that is or was in force; ends when it is dropped.
#[derive(Debug)]
pub struct Lease {
    leases: Arc<Leases>,
    /// Whether it counts as a connection's.
    connection: bool,
}

/// What [`Leases`] say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Whether there is any lease.
    pub held: bool,
    /// Leases of connections.
    pub connections: usize,
    /// How long it took the last user to leave after another value was put in force; `None` while
    /// the value is in force or in use.
    pub moved: Option<Duration>,
}

/// Puts `value` in force. Returns the leases on the value before.
pub(super) fn publish<T, G>(
    snapshot: &watch::Sender<T>,
    of: impl Fn(&mut T) -> &mut InForce<G>,
    value: Arc<G>,
) -> Arc<Leases> {
    let mut next = InForce::new(value);
    // Under the channel's lock: a subscriber gets a lease on the one or on the other.
    snapshot.send_modify(|snapshot| std::mem::swap(of(snapshot), &mut next));
    next.leases.retire();
    next.leases
}

/// Takes what is in force, and a lease on it. Everything published before counts as seen.
pub(super) fn subscribe<T: Clone, G>(
    snapshot: &mut watch::Receiver<T>,
    of: impl Fn(&T) -> &InForce<G>,
    connection: bool,
) -> (T, Lease) {
    let snapshot = snapshot.borrow_and_update();
    // Still under the channel's lock: after the last lease on an old value nobody takes another.
    let lease = Lease::take(&of(&snapshot).leases, connection);
    (snapshot.clone(), lease)
}

impl<G> InForce<G> {
    /// Without leases yet.
    pub fn new(value: Arc<G>) -> Self {
        Self {
            value,
            leases: Arc::default(),
        }
    }
}

impl<G> Clone for InForce<G> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            leases: Arc::clone(&self.leases),
        }
    }
}

impl Leases {
    /// Who uses the value now.
    pub fn now(&self) -> Usage {
        self.with(|state| Usage {
            held: state.held > 0,
            connections: state.connections,
            moved: state.moved,
        })
    }

    fn retire(&self) {
        self.with(|state| {
            state.retired = Some(Instant::now());
            state.note_if_moved();
        });
    }

    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn note_if_moved(&mut self) {
        if let Some(retired) = self.retired
            && self.held == 0
        {
            self.moved = Some(retired.elapsed());
        }
    }
}

impl Lease {
    fn take(leases: &Arc<Leases>, connection: bool) -> Self {
        leases.with(|state| {
            state.held += 1;
            state.connections += usize::from(connection);
        });
        Self {
            leases: Arc::clone(leases),
            connection,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.with(|state| {
            state.held -= 1;
            state.connections -= usize::from(self.connection);
            state.note_if_moved();
        });
    }
}
