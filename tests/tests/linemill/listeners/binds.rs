//! Where a host listens: IPv6, both address families, one port for two hosts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use linemill_tests::{Client, Host};

/// A configuration with a listener at `bind`, with further keys.
pub(super) fn bound(bind: &str, listener: &str) -> String {
    Host::config(listener, "").replacen("127.0.0.1:0\"\nchain", &format!("{bind}\"\nchain"), 1)
}

/// Whether this machine has IPv6; reports `test` as skipped if not.
fn has_ipv6(test: &str) -> bool {
    let bound = TcpListener::bind((Ipv6Addr::LOCALHOST, 0));
    if let Err(error) = &bound {
        linemill_tests::skip(test, &format!("no IPv6: {error}"));
    }
    bound.is_ok()
}

fn local(ip: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(ip.into(), port)
}

#[test]
fn ipv6_is_served() {
    if has_ipv6("ipv6_is_served") {
        let host = Host::serve(bound("[::1]:0", ""));
        assert_eq!(host.address().ip(), Ipv6Addr::LOCALHOST);
        assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
    }
}

#[test]
fn one_listener_serves_both_families() {
    if has_ipv6("one_listener_serves_both_families") {
        let host = Host::serve(bound("[::]:0", ""));
        let port = host.address().port();
        for address in [
            local(Ipv6Addr::LOCALHOST, port),
            local(Ipv4Addr::LOCALHOST, port),
        ] {
            assert_eq!(
                Client::connect(address).exchange(b"Hello\n"),
                b"Uryyb\n",
                "{address}"
            );
        }
    }
}

#[test]
fn ipv6_only_does_not_serve_ipv4() {
    if has_ipv6("ipv6_only_does_not_serve_ipv4") {
        let host = Host::serve(bound("[::]:0", "ipv6_only = true"));
        let port = host.address().port();
        Client::try_connect(local(Ipv4Addr::LOCALHOST, port)).expect_err("not served");
        let mut client = Client::connect(local(Ipv6Addr::LOCALHOST, port));
        assert_eq!(client.exchange(b"Hello\n"), b"Uryyb\n");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn reuse_port_hands_a_port_to_a_second_host() {
    let mut old = Host::serve(bound("127.0.0.1:0", "reuse_port = true"));
    let address = old.address();
    let mut living = old.connect();
    living.send(b"Hel");
    let new = Host::serve(bound(&address.to_string(), "reuse_port = true"));
    assert_eq!(new.address(), address);
    old.terminate();
    living.send(b"lo\n");
    living.expect(b"Uryyb\n");
    assert_eq!(old.wait().code(), Some(0));
    for _ in 0..20 {
        assert_eq!(new.connect().exchange(b"next\n"), b"arkg\n");
    }
}

#[test]
fn without_reuse_port_a_second_host_does_not_start() {
    let host = Host::with("");
    let address = host.address().to_string();
    let mut second = Host::serve(bound(&address, ""));
    second.expect_stderr(&address);
    assert_ne!(second.wait().code(), Some(0));
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
}

#[test]
fn an_ipv4_client_has_one_address_on_a_dual_stack_socket() {
    if !has_ipv6("an_ipv4_client_has_one_address_on_a_dual_stack_socket") {
        return;
    }
    let host = Host::serve(bound("[::]:0", "max_per_address = 1"));
    let port = host.address().port();
    let ipv4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut first = Client::connect(ipv4);
    first.send(b"Hello\n");
    first.expect(b"Uryyb\n");
    assert!(Client::connect(ipv4).closes_within(Duration::from_secs(1)));
    let address = [("reason", "max_per_address")];
    host.wait_metric("linemill_connections_refused_total", &address, 1.0);
    host.expect_stderr("address=127.0.0.1");
    let ipv6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    assert_eq!(Client::connect(ipv6).exchange(b"Hello\n"), b"Uryyb\n");
    first.finish();
    first.expect_end();
    // The host may take a moment to release the connection, which must not be a refusal.
    assert_eq!(Client::connect(ipv4).exchange(b"Hello\n"), b"Uryyb\n");
}
