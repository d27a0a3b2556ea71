//! Turns at starting instances that streams own.
//!
//! In: the address of a client. Out: a turn, at once or after others. A client can make the host start an
//! instance with each connection, and a start may take long. So the clients of one address start few at a
//! time, however many connections they have, and the others are not delayed by them.
//! Not here: how long one start may take (`filter`).

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::LazyLock;
use std::thread;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Groups of addresses that share turns. Which addresses are in a group is different in each process.
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
    pub(crate) async fn turn(&self, client: Option<IpAddr>) -> Option<SemaphorePermit<'_>> {
        let hash = self.hasher.hash_one(network(client?));
        let group = &self.groups[hash as usize % GROUPS];
        // The semaphore is never closed.
        group.acquire().await.ok()
    }
}

/// The network that an address belongs to: one customer has a whole /64 of IPv6.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[test]
    fn addresses_of_one_customer_are_one() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_waits_for_itself_only() {
        let starts = Starts::default();
        let client = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
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
