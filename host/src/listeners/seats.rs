//! How many connections of a listener are open.
//!
//! In: new connections, and those whose client has gone. Out: a [`Seat`] for each connection, given
//! back when dropped. A connection whose client has gone while its lines wait for a sink gives its
//! seat back early, so that clients that are there can be served. There may be as many of those as
//! there are seats: each holds some memory, which must stay bounded.
//! Not here: connections per address (`address_counts`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::address_counts::AddressSlot;
use linemill_budget::Lease;

/// The open connections of a listener. Clones share the numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<Counts>,
    /// Wakes the listener, which waits for a seat.
    given_back: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    /// Connections that have a seat.
    taken: usize,
    /// Connections that have given theirs back and are still open.
    left: usize,
}

/// The seat of one connection.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    /// Where it counts as a connection of its client's address, if it has one.
    pub(super) address: Option<AddressSlot>,
    /// How many connections may do without a seat.
    most_left: usize,
    left: bool,
    /// Memory that the connection needs in any case; held until it ends.
    memory: Option<Lease>,
}

impl Seats {
    /// Takes a seat; `None` when `limit` are taken.
    pub(super) fn take(&self, limit: usize) -> Option<Seat> {
        let mut counts = self.lock();
        if counts.taken >= limit {
            return None;
        }
        counts.taken += 1;
        Some(Seat {
            seats: self.clone(),
            address: None,
            most_left: limit,
            left: false,
            memory: None,
        })
    }

    /// Waits until a seat has been given back. Only one task may wait.
    pub(super) async fn given_back(&self) {
        self.0.given_back.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The same seat, which holds `memory`.
    pub(super) fn with_memory(mut self, memory: Lease) -> Self {
        self.memory = Some(memory);
        self
    }

    /// Gives the seat back, and the address with it, while the connection goes on without its client;
    /// unless too many do.
    pub(super) fn leave(&mut self) {
        {
            let mut counts = self.seats.lock();
            if self.left || counts.left >= self.most_left {
                return;
            }
            counts.taken -= 1;
            counts.left += 1;
        }
        self.left = true;
        self.address = None;
        self.seats.0.given_back.notify_one();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        {
            let mut counts = self.seats.lock();
            if self.left {
                counts.left -= 1;
            } else {
                counts.taken -= 1;
            }
        }
        self.seats.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_its_client_leaves() {
        let seats = Seats::default();
        let mut first = seats.take(1).expect("a free seat");
        assert!(seats.take(1).is_none());
        first.leave();
        let second = seats.take(1).expect("a seat given back");
        drop(first);
        assert!(seats.take(1).is_none());
        drop(second);
        assert!(seats.take(1).is_some());
    }

    #[test]
    fn no_more_leave_than_there_are_seats() {
        let seats = Seats::default();
        let mut left: Vec<Seat> = Vec::new();
        for _ in 0..2 {
            let mut seat = seats.take(2).expect("a free seat");
            seat.leave();
            left.push(seat);
        }
        let mut third = seats.take(2).expect("a free seat");
        third.leave();
        let _fourth = seats.take(2).expect("one of two");
        assert!(seats.take(2).is_none(), "the third kept its seat");
        left.pop();
        third.leave();
        assert!(seats.take(2).is_some());
    }
}
