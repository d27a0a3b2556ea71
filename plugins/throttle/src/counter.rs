//! Counts the lines of a key in the store, which all instances share.
//!
//! In: the key of a line and the client's address. Out: whether the line is within the limit. Not here:
//! finding keys (`thinning`), and what becomes of lines beyond the limit.
//!
//! A window begins with its first line, when the counter is made, and ends when the store lets the counter
//! expire. Counting is one atomic addition, so that among all instances exactly as many lines pass in a
//! window as the limit says, and no clock is needed.

use std::net::{IpAddr, SocketAddr};

use linemill_sdk::store::{self, StoreError};
use xxhash_rust::xxh3::xxh3_128;

use crate::rate::Limit;

pub(crate) struct Counter {
    limit: Limit,
    /// The key of the store. The first bytes are always the same.
    key: Vec<u8>,
}

/// A client, as far as it is told apart from others.
#[derive(Clone, Copy)]
pub(crate) enum Peer {
    Unknown,
    V4([u8; 4]),
    /// The network of 64 bits. A client can have any address of it.
    V6([u8; 8]),
}

/// How many bytes of a key the store gets as they are. A longer one is hashed.
const MAX_PLAIN: usize = 128;
/// The bytes before the key of a line: the kind, and the length of the window.
const PREFIX: usize = 9;

const PLAIN: u8 = 0;
const HASHED: u8 = 1;

impl Counter {
    pub(crate) fn new(limit: Limit) -> Self {
        // With another window comes another counter, because a counter keeps its expiry.
        let mut key = vec![PLAIN];
        key.extend((limit.window.as_nanos() as u64).to_le_bytes());
        Self { limit, key }
    }

    /// Counts a line. Returns whether it is within the limit. Without `peer`, all clients share the limit of a
    /// key.
    pub(crate) fn count(
        &mut self,
        peer: Option<Peer>,
        key: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        self.key.truncate(PREFIX);
        self.key[0] = PLAIN;
        match peer {
            None => self.key.push(b' '),
            Some(Peer::Unknown) => self.key.push(b'-'),
            Some(Peer::V4(address)) => {
                self.key.push(b'4');
                self.key.extend(address);
            }
            Some(Peer::V6(network)) => {
                self.key.push(b'6');
                self.key.extend(network);
            }
        }
        // A line without a key is not one with an empty key.
        if let Some(key) = key {
            self.key.push(b'=');
            if key.len() <= MAX_PLAIN {
                self.key.extend(key);
            } else {
                self.key[0] = HASHED;
                self.key.extend(xxh3_128(key).to_le_bytes());
            }
        }
        let lines = store::add(&self.key, 1, Some(self.limit.window))?;
        Ok(lines <= self.limit.lines)
    }
}

impl Peer {
    pub(crate) fn of(address: Option<SocketAddr>) -> Self {
        match address.map(|address| address.ip()) {
            None => Self::Unknown,
            Some(IpAddr::V4(ip)) => Self::V4(ip.octets()),
            Some(IpAddr::V6(ip)) => {
                let [network @ .., _, _, _, _, _, _, _, _] = ip.octets();
                Self::V6(network)
            }
        }
    }
}
