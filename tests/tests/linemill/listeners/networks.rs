//! `allow` and `deny`: whose clients may connect.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use linemill_tests::{Client, Host};

use super::binds::bound;

const REFUSED: &str = "linemill_connections_refused_total";

/// An address of this machine, on Linux: all of 127.0.0.0/8 is.
#[cfg(target_os = "linux")]
fn local(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

#[test]
#[cfg(target_os = "linux")]
fn only_clients_in_the_networks_are_served() {
    let host = Host::with("allow = [\"127.0.0.0/29\"]\ndeny = [\"127.0.0.3\"]");
    let address = host.address();
    for last in [1, 2, 7] {
        let mut client = Client::connect_from(local(last), address);
        assert_eq!(client.exchange(b"Hello\n"), b"Uryyb\n", "{last}");
    }
    for last in [3, 8, 9] {
        let mut client = Client::connect_from(local(last), address);
        assert!(client.closes_within(Duration::from_secs(1)), "{last}");
    }
    host.wait_metric(REFUSED, &[("reason", "denied")], 1.0);
    host.wait_metric(REFUSED, &[("reason", "not_allowed")], 2.0);
    host.expect_stderr("the client is in `deny`");
    host.expect_stderr("the client is not in `allow`");
    assert_eq!(host.stderr().matches("not in `allow`").count(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_mapped_address_is_the_ipv4_address() {
    let host = Host::serve(bound("[::]:0", "deny = [\"127.0.0.2\"]"));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, host.address().port()));
    assert_eq!(Client::connect(address).exchange(b"Hello\n"), b"Uryyb\n");
    let mut client = Client::connect_from(local(2), address);
    assert!(client.closes_within(Duration::from_secs(1)));
}

#[test]
#[cfg(unix)]
fn networks_change_live_for_new_connections() {
    let with = |keys: &str| bound("127.0.0.1:0", keys);
    let host = Host::serve(with(""));
    let mut living = host.connect();
    living.send(b"Hello\n");
    living.expect(b"Uryyb\n");
    host.swap(with("deny = [\"127.0.0.0/8\"]"));
    assert!(host.connect().closes_within(Duration::from_secs(1)));
    living.send(b"still\n");
    living.expect(b"fgvyy\n");
    host.swap(with("allow = [\"127.0.0.1\"]"));
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
}
