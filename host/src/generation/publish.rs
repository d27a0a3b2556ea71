//! Publish and move: how all who serve go over from one thing in force to the next.
//!
//! In: what shall be in force, from one publisher. Out: the same for each follower, when it looks;
//! and for each thing that was in force, who still uses it and how long it took until nobody did.
//! It knows nothing of what is published, so that the model check (`model`) runs this very text.
//! Not here: when to look, what going over means.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::runtime::{Mutex, watch};

/// What is in force, with who uses it.
pub struct InForce<G> {
    /// It.
    pub value: Arc<G>,
    /// Who uses it.
    pub mark: Arc<Leases>,
}

/// Who uses what is, or was, in force.
#[derive(Debug, Default)]
pub struct Leases(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    seats: usize,
    /// Of these, the ones of connections.
    connections: usize,
    /// Since when something else is in force.
    retired: Option<Instant>,
    /// How long after that the last left it.
    moved: Option<Duration>,
}

/// A use of what is, or was, in force; ends when it is dropped.
#[derive(Debug)]
pub struct Lease {
    mark: Arc<Leases>,
    connection: bool,
}

/// What a [`Mark`] says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Whether anybody uses it.
    pub held: bool,
    /// Connections on it.
    pub connections: usize,
    /// How long it took the last user to leave after something else was put in force; `None` as
    /// long as it is in force or in use.
    pub moved: Option<Duration>,
}

/// Puts `value` in force. Returns the mark of the one before.
pub(super) fn publish<T, G>(
    snapshot: &watch::Sender<T>,
    of: impl Fn(&mut T) -> &mut InForce<G>,
    value: Arc<G>,
) -> Arc<Leases> {
    let mut next = InForce::new(value);
    // Under the channel's lock: whoever looks takes a seat at one or at the other.
    snapshot.send_modify(|snapshot| std::mem::swap(of(snapshot), &mut next));
    next.mark.retire();
    next.mark
}

/// Looks at what is in force and takes a seat there; what was published before counts as seen.
pub(super) fn subscribe<T: Clone, G>(
    snapshot: &mut watch::Receiver<T>,
    of: impl Fn(&T) -> &InForce<G>,
    connection: bool,
) -> (T, Lease) {
    let snapshot = snapshot.borrow_and_update();
    // Still under the channel's lock: nobody sits down where the last is known to have left.
    let lease = Lease::take(&of(&snapshot).mark, connection);
    (snapshot.clone(), lease)
}

impl<G> InForce<G> {
    /// In force from now on.
    pub fn new(value: Arc<G>) -> Self {
        Self {
            value,
            mark: Arc::default(),
        }
    }
}

impl<G> Clone for InForce<G> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            mark: Arc::clone(&self.mark),
        }
    }
}

impl Leases {
    /// Who uses it now.
    pub fn now(&self) -> Use {
        self.with(|state| Use {
            held: state.seats > 0,
            connections: state.connections,
            moved: state.moved,
        })
    }

    fn retire(&self) {
        self.with(|state| {
            state.retired = Some(Instant::now());
            state.note_left();
        });
    }

    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl State {
    fn note_left(&mut self) {
        if let Some(retired) = self.retired
            && self.seats == 0
        {
            self.moved = Some(retired.elapsed());
        }
    }
}

impl Lease {
    fn take(mark: &Arc<Leases>, connection: bool) -> Self {
        mark.with(|state| {
            state.seats += 1;
            state.connections += usize::from(connection);
        });
        Self {
            mark: Arc::clone(mark),
            connection,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.mark.with(|state| {
            state.seats -= 1;
            state.connections -= usize::from(self.connection);
            state.note_left();
        });
    }
}
