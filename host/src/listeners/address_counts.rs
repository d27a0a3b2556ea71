//! How many connections each IP address has.
//!
//! In: the addresses of new connections. Out: an [`AddressSlot`] for each connection, given back when
//! dropped. Only addresses with connections take memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of connections of each address, never 0. Clones share the numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressCounts(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// Counts as one connection of an address until it is dropped.
#[derive(Debug)]
pub(super) struct AddressSlot {
    addresses: AddressCounts,
    address: IpAddr,
}

impl AddressCounts {
    /// Counts a connection of `address`; `None` when the address has `limit` or more already.
    pub(super) fn enter(&self, address: IpAddr, limit: usize) -> Option<AddressSlot> {
        let mut counts = self.lock();
        let count = counts.get(&address).copied().unwrap_or(0);
        if count >= limit {
            return None;
        }
        counts.insert(address, count + 1);
        Some(AddressSlot {
            addresses: self.clone(),
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressSlot {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.addresses.lock().entry(self.address) {
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
    fn an_address_without_connections_takes_no_memory() {
        let addresses = AddressCounts::default();
        drop(addresses.enter([192, 0, 2, 1].into(), 1));
        assert!(addresses.lock().is_empty());
    }
}
