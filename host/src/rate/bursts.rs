//! What is left of the bursts of each client, over all its connections.
//!
//! In: the client of a new connection, and what its connections send. Out: how much of a burst has been
//! used, so that a client does not get another one by connecting again. A client is remembered while it is
//! connected, and then until its burst would be whole again. Clients of Unix sockets count as one.
//! Not here: the rate of a connection (`rate`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use linemill_sandbox::ClientNetwork;

/// Most clients that are remembered. While there are more, a new client has no burst.
const MOST: usize = 65_536;
/// With fewer clients than this, nobody looks for those that can be forgotten.
const FEW: usize = 1024;
/// The least time between two searches when no more clients can be remembered.
const PAUSE: Duration = Duration::from_secs(1);

/// The clients of a listener.
#[derive(Debug)]
pub(crate) struct Bursts {
    start: Instant,
    clients: Mutex<Clients>,
}

#[derive(Debug)]
struct Clients {
    used: HashMap<Option<ClientNetwork>, Used>,
    /// The number of clients at which those that can be forgotten are looked for.
    sweep_at: usize,
    swept: Option<Instant>,
}

/// What a client has used of its bursts.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    pub(super) bytes: Arc<Refill>,
    pub(super) lines: Arc<Refill>,
}

/// When a burst is whole again.
#[derive(Debug)]
pub(super) struct Refill {
    start: Instant,
    /// In nanoseconds after `start`; in the past if it is whole.
    at: AtomicU64,
}

impl Default for Bursts {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            clients: Mutex::new(Clients {
                used: HashMap::new(),
                sweep_at: FEW,
                swept: None,
            }),
        }
    }
}

impl Bursts {
    /// What the client has used; `None` is a client without an address.
    pub(crate) fn of(&self, client: Option<ClientNetwork>) -> Used {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = clients.used.get(&client) {
            return used.clone();
        }
        if clients.used.len() >= clients.sweep_at {
            clients.sweep();
        }
        if clients.used.len() >= MOST {
            return self.used(u64::MAX);
        }
        let used = self.used(0);
        clients.used.insert(client, used.clone());
        used
    }

    fn used(&self, at: u64) -> Used {
        let refill = || {
            Arc::new(Refill {
                start: self.start,
                at: AtomicU64::new(at),
            })
        };
        Used {
            bytes: refill(),
            lines: refill(),
        }
    }
}

impl Clients {
    /// Forgets clients that are not connected and whose bursts are whole.
    fn sweep(&mut self) {
        let now = Instant::now();
        let is_soon = |swept: Instant| now.duration_since(swept) < PAUSE;
        if self.used.len() >= MOST && self.swept.is_some_and(is_soon) {
            return;
        }
        self.swept = Some(now);
        let is_kept =
            |refill: &Arc<Refill>| Arc::strong_count(refill) > 1 || !refill.left(now).is_zero();
        self.used
            .retain(|_, used| is_kept(&used.bytes) || is_kept(&used.lines));
        self.sweep_at = (2 * self.used.len()).clamp(FEW, MOST);
    }
}

impl Refill {
    /// Notes the use of what takes `time` to refill, of a burst that takes `whole`.
    pub(super) fn spend(&self, time: Duration, whole: Duration) {
        let now = self.nanos(Instant::now());
        let most = now.saturating_add(nanos(whole));
        let spent = |at: u64| Some(at.max(now).saturating_add(nanos(time)).min(most));
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        // It always has a value to set.
        let _ = self.at.fetch_update(set, get, spent);
    }

    /// How long until the burst is whole.
    pub(super) fn left(&self, now: Instant) -> Duration {
        let at = self.at.load(Ordering::Relaxed);
        Duration::from_nanos(at.saturating_sub(self.nanos(now)))
    }

    fn nanos(&self, time: Instant) -> u64 {
        nanos(time.duration_since(self.start))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u128) -> Option<ClientNetwork> {
        let address = std::net::Ipv6Addr::from_bits((0x2001_0db8 << 96) + (number << 64));
        Some(ClientNetwork::of(address.into()))
    }

    #[test]
    fn a_client_is_remembered_until_its_burst_is_whole() {
        let (bursts, whole) = (Bursts::default(), Duration::from_secs(3600));
        bursts.of(client(1)).bytes.spend(whole, whole);
        let left = bursts.of(client(1)).bytes.left(Instant::now());
        assert!(left > whole / 2 && left <= whole, "{left:?}");
        let _connected = bursts.of(client(2));
        for number in 3..5000 {
            bursts.of(client(number));
        }
        let known = bursts.clients.lock().expect("no panic");
        assert!(known.used.len() <= 2 * FEW, "{}", known.used.len());
        assert!(known.used.contains_key(&client(1)) && known.used.contains_key(&client(2)));
    }

    #[test]
    fn more_than_a_burst_is_not_held_against_a_client() {
        let (bursts, whole) = (Bursts::default(), Duration::from_secs(60));
        let used = bursts.of(None);
        for _ in 0..10 {
            used.lines.spend(whole, whole);
        }
        assert!(used.lines.left(Instant::now()) <= whole);
        assert_eq!(used.bytes.left(Instant::now()), Duration::ZERO);
    }

    #[test]
    fn clients_are_bounded_and_those_beyond_have_no_burst() {
        let (bursts, hour) = (Bursts::default(), Duration::from_secs(3600));
        for number in 0..MOST as u128 {
            bursts.of(client(number)).bytes.spend(hour, hour);
        }
        let beyond = bursts.of(client(MOST as u128));
        assert!(beyond.bytes.left(Instant::now()) > hour);
        let known = bursts.clients.lock().expect("no panic");
        assert_eq!(known.used.len(), MOST);
    }
}
