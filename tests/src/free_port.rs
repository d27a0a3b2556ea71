//! Ports that are free for hosts that have to be given a number.
//!
//! In: nothing. Out: a port that no other test of the process gets, and that the system gives to nobody
//! who lets it choose. Not here: ports that tests or hosts let the system choose, which most do.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that systems choose by themselves: Linux from 32768 on, others from 49152.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// A port on which nothing listens, at any address of the machine, for TCP or UDP.
///
/// # Panics
/// When all of them are taken.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Other processes begin elsewhere.
    let start = std::process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT + FIRST)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|&port| is_free(port))
        .expect("a free port")
}

fn is_free(port: u16) -> bool {
    let v6 = (Ipv6Addr::UNSPECIFIED, port);
    // Machines without IPv6 cannot bind the first.
    let tcp = TcpListener::bind(v6).or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)));
    tcp.is_ok() && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::free_port;
    use std::net::TcpListener;

    #[test]
    fn no_port_is_given_twice() {
        let ports = [free_port(), free_port(), free_port()];
        assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2]);
        for port in ports {
            TcpListener::bind(("127.0.0.1", port)).expect("free");
        }
    }
}
