//! How many connections each client has. A client is an IPv4 address or an IPv6 network.
//!
//! In: the addresses of new connections. Out: an [`AddressSlot`] for each connection, given back when
//! dropped. Only clients with connections take memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linemill_sandbox::ClientNetwork;

/// The number of connections of each client, never 0. Clones share the numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressCounts(Arc<Mutex<HashMap<ClientNetwork, usize>>>);

/// Counts as one connection of a client until it is dropped.
#[derive(Debug)]
pub(super) struct AddressSlot {
    addresses: AddressCounts,
    client: ClientNetwork,
}

impl AddressCounts {
    /// Counts a connection of the client at `address`; `None` when it has `limit` or more already.
    pub(super) fn enter(&self, address: IpAddr, limit: usize) -> Option<AddressSlot> {
        let client = ClientNetwork::of(address);
        let mut counts = self.lock();
        let count = counts.get(&client).copied().unwrap_or(0);
        if count >= limit {
            return None;
        }
        counts.insert(client, count + 1);
        Some(AddressSlot {
            addresses: self.clone(),
            client,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientNetwork, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressSlot {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.addresses.lock().entry(self.client) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_as_many_connections_as_it_holds() {
        let addresses = AddressCounts::default();
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let first = addresses.enter(one, 2).expect("none of two");
        let _second = addresses.enter(one, 2).expect("one of two");
        assert!(addresses.enter(one, 2).is_none());
        let third = addresses.enter(one, 3).expect("a raised limit");
        let _theirs = addresses.enter(other, 1).expect("another address");
        drop(third);
        assert!(addresses.enter(one, 2).is_none());
        drop(first);
        assert!(addresses.enter(one, 2).is_some());
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let addresses = AddressCounts::default();
        let [one, same, other] = ["2001:db8::1", "2001:db8::2:3", "2001:db8:0:1::1"]
            .map(|text| text.parse().expect("an address"));
        let _first = addresses.enter(one, 1).expect("none of one");
        assert!(addresses.enter(same, 1).is_none());
        assert!(addresses.enter(other, 1).is_some());
    }

    #[test]
    fn an_address_without_connections_takes_no_memory() {
        let addresses = AddressCounts::default();
        drop(addresses.enter([192, 0, 2, 1].into(), 1));
        assert!(addresses.lock().is_empty());
    }
}
