//! Places for clients of the admin address that do not have a seat.
//!
//! In: new clients. Out: a [`Place`] for each. There are a fixed number, and a new client always gets one:
//! when all are taken, the client that has had its place for longest is asked to go. So clients that send
//! nothing, or send slowly, cannot keep out one that sends its request at once, as a probe does.
//! Not here: seats, and how long a client may take (`http`).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The places. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// The number of the next client.
    next: u64,
    /// Who can be asked to go, oldest first; at most `most`.
    clients: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// The place of one client; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    number: u64,
    /// Set while the client has a seat instead.
    away: Option<oneshot::Sender<()>>,
}

/// Tells a client that it has to go.
#[derive(Debug)]
pub(super) struct Evicted(oneshot::Receiver<()>);

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Shared {
            most,
            taken: Mutex::default(),
        }))
    }

    /// A place for a new client.
    pub(super) fn enter(&self) -> (Place, Evicted) {
        let (sender, receiver) = oneshot::channel();
        let mut taken = self.lock();
        let number = taken.next;
        taken.next += 1;
        self.put(taken, number, sender);
        let place = Place {
            places: self.clone(),
            number,
            away: None,
        };
        (place, Evicted(receiver))
    }

    /// Asks the oldest client to go. `false` if there is none.
    pub(super) fn evict_oldest(&self) -> bool {
        let oldest = self.lock().clients.pop_front();
        // A client that is gone already cannot be told.
        oldest.is_some_and(|(_, client)| client.send(()).is_ok())
    }

    fn put(&self, mut taken: MutexGuard<'_, Taken>, number: u64, client: oneshot::Sender<()>) {
        taken.clients.push_back((number, client));
        if taken.clients.len() > self.0.most
            && let Some((_, oldest)) = taken.clients.pop_front()
        {
            // As above.
            let _ = oldest.send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The client has a seat from now on: it cannot be asked to go.
    pub(super) fn leave(&mut self) {
        let mut taken = self.places.lock();
        let at = taken
            .clients
            .iter()
            .position(|(number, _)| *number == self.number);
        self.away = at
            .and_then(|at| taken.clients.remove(at))
            .map(|(_, client)| client);
    }

    /// The client has given its seat up.
    pub(super) fn come_back(&mut self) {
        if let Some(client) = self.away.take() {
            self.places.put(self.places.lock(), self.number, client);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.clients.retain(|(number, _)| *number != self.number);
    }
}

impl Evicted {
    /// Waits until the client has to go.
    pub(super) async fn wait(self) {
        if self.0.await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Evicted {
        fn is_told(&mut self) -> bool {
            self.0.try_recv().is_ok()
        }
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_oldest() {
        let places = Places::new(2);
        let (_first, mut first) = places.enter();
        let (second_place, mut second) = places.enter();
        let (_third, mut third) = places.enter();
        assert!(first.is_told() && !second.is_told() && !third.is_told());
        drop(second_place);
        let (_fourth, _) = places.enter();
        assert!(!third.is_told(), "one place was free");
    }

    #[test]
    fn who_has_a_seat_stays() {
        let places = Places::new(1);
        let (mut seated, mut told) = places.enter();
        seated.leave();
        let (_other, mut other) = places.enter();
        assert!(!told.is_told() && !other.is_told());
        seated.come_back();
        assert!(other.is_told() && !told.is_told());
        assert!(places.evict_oldest() && told.is_told());
        assert!(!places.evict_oldest());
    }
}
