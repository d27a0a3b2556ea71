//! Turns at starting instances that streams own.
//!
//! In: the network of a client. Out: a turn, at once or after others. A client can make the host start an
//! instance with each connection, and a start may take long. So the clients of one network start few at a
//! time, however many connections they have, and the others are not delayed by them.
//! Not here: how long one start may take (`filter`).

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::thread;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::client_network::ClientNetwork;

/// Groups of networks that share turns. Which networks are in a group is different in each process.
const GROUPS: usize = 256;

/// Turns of all clients.
#[derive(Debug)]
pub(crate) struct Starts {
    groups: Vec<Semaphore>,
    hasher: RandomState,
}

/// Turns per group: a quarter of the processors.
static TURNS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, |count| (count.get() / 4).max(1)));

impl Default for Starts {
    fn default() -> Self {
        Self {
            groups: (0..GROUPS).map(|_| Semaphore::new(*TURNS)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Starts {
    /// Waits for a turn; dropping it lets the next one begin. `None` for a stream without an address,
    /// which needs none.
    pub(crate) async fn turn(&self, client: Option<ClientNetwork>) -> Option<SemaphorePermit<'_>> {
        let hash = self.hasher.hash_one(client?);
        let group = &self.groups[hash as usize % GROUPS];
        // The semaphore is never closed.
        group.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn one_network_waits_for_itself_only() {
        let starts = Starts::default();
        let client = |last: u8| Some(ClientNetwork::with_link([192, 0, 2, last].into()));
        let mut turns = Vec::new();
        for _ in 0..*TURNS {
            turns.push(starts.turn(client(1)).await);
        }
        let again = || timeout(Duration::from_secs(1), starts.turn(client(1)));
        assert!(again().await.is_err(), "all turns are taken");
        // Few of the others are in the same group.
        let mut delayed = 0;
        for last in 2..=255 {
            let other = timeout(Duration::from_secs(1), starts.turn(client(last)));
            delayed += usize::from(other.await.is_err());
        }
        assert!(delayed < 16, "{delayed}");
        assert!(
            timeout(Duration::from_secs(1), starts.turn(None))
                .await
                .is_ok()
        );
        turns.pop();
        assert!(again().await.is_ok());
    }
}
