//! The network that counts as one client.
//!
//! In: a client's address. Out: the address itself, or the IPv6 network of 64 bits in which it is: that is
//! what one customer has at least (RFC 6177), and who has it can use any address of it.

use std::net::{IpAddr, Ipv6Addr};

/// A client's IPv4 address, or its IPv6 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

/// The bits of an IPv6 address that name its network.
const NETWORK: u128 = !0 << 64;

impl ClientNetwork {
    /// The network of `address`. All machines on a link have their link-local addresses in the same
    /// network, so each of those counts alone; so does the loopback address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) if v6.is_unicast_link_local() || v6.is_loopback() => Self(v6.into()),
            address => Self::with_link(address),
        }
    }

    /// The network of `address`, even if that is a link, whose machines then count together: for what a
    /// client must not gain by taking more addresses.
    pub fn with_link(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & NETWORK).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_is_one_client() {
        let same = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| text.parse().expect("an address"));
            ClientNetwork::of(one) == ClientNetwork::of(other)
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:1:2:3"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(!same("fe80::1", "fe80::2"));
        assert!(!same("::1", "::2"));
    }

    #[test]
    fn a_link_can_count_as_one_client() {
        let same = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| text.parse().expect("an address"));
            ClientNetwork::with_link(one) == ClientNetwork::with_link(other)
        };
        assert!(same("fe80::1", "fe80::2"));
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
