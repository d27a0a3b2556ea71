//! Rates, and limits per address.
//!
//! Lower bounds are exact: at once, at most a burst and one read may pass. Upper bounds are generous,
//! because tests share the machine; the bench measures how precisely a rate is kept.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use linemill_tests::{Client, Host, rot13};

const LATE: Duration = Duration::from_millis(2500);

/// Asserts that the time since `start` is `least`, or little more.
#[track_caller]
fn between(start: Instant, least: Duration) {
    let took = start.elapsed();
    assert!(
        (least..least + LATE).contains(&took),
        "took {took:?}, expected {least:?} or little more"
    );
}

#[test]
fn bytes_per_connection_are_limited() {
    let host = Host::with("rate = { bytes = \"16KiB\", burst = \"4KiB\" }");
    let input = b"0123456789abcdef0123456789abcde\n".repeat(40 * 32);
    let start = Instant::now();
    let mut clients: Vec<Client> = (0..3).map(|_| host.connect()).collect();
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| assert!(client.exchange(&input) == rot13(&input)));
        }
    });
    // 40 KiB per connection: 4 KiB in the burst, and a read of 4 KiB before the limit applies.
    between(start, Duration::from_secs(2));
}

/// A client that connects again does not get another burst.
#[test]
fn connecting_again_does_not_renew_a_burst() {
    const RATE: usize = 10 * 1024;
    let host = Host::with("rate = { bytes = \"10KiB\" }");
    let line = b"0123456789abcdef0123456789abcde\n";
    let input = line.repeat(RATE / line.len());
    let start = Instant::now();
    // The burst, and then as much again three times.
    for _ in 0..4 {
        assert!(host.connect().exchange(&input) == rot13(&input));
    }
    // What a connection has taken for reading and not used is lost with it.
    between(start, Duration::from_millis(2700));
}

/// Each connection in turn sends what is taken at once, and is dropped.
#[test]
fn many_connections_of_a_client_have_one_burst() {
    const BURST: f64 = 256.0 * 1024.0;
    const RATE: f64 = 1024.0;
    let host = Host::with("rate = { bytes = \"1KiB\", burst = \"256KiB\" }");
    let block = vec![b'x'; 256 * 1024];
    let start = Instant::now();
    let mut connections = 0.0;
    while start.elapsed() < Duration::from_secs(2) && connections < 200.0 {
        let mut client = host.connect();
        client.offer(&block, Duration::from_millis(20));
        std::thread::sleep(Duration::from_millis(10));
        client.reset();
        connections += 1.0;
    }
    let read = host.metric("linemill_bytes_in_total", &[]);
    // One burst, and what each of them may send in this time.
    let most = BURST + connections * RATE * (start.elapsed().as_secs_f64() + 1.0);
    assert!(read < most, "{read} bytes by {connections} connections");
    assert!(
        most < 0.1 * connections * BURST,
        "{connections} connections"
    );
    // A client that has reset its connection does not keep it until the rate has let everything pass.
    host.expect_no_connections();
}

/// An address, or an IPv6 network, is one client.
#[test]
#[cfg(target_os = "linux")]
fn other_clients_have_bursts_of_their_own() {
    let host = Host::with("rate = { bytes = \"1KiB\", burst = \"64KiB\" }");
    let input = b"0123456789abcdef0123456789abcde\n".repeat(1900);
    let start = Instant::now();
    for last in 1..=4 {
        let from = Ipv4Addr::new(127, 0, 0, last).into();
        let mut client = Client::connect_from(from, host.address());
        assert!(client.exchange(&input) == rot13(&input));
    }
    // The same client would need a minute for each of its later connections.
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn lines_per_connection_are_limited() {
    let host = Host::with("rate = { lines = 100 }");
    let mut client = host.connect();
    let start = Instant::now();
    // One by one, so that each read is one line.
    for _ in 0..300 {
        client.send(b"Hello\n");
        client.expect(b"Uryyb\n");
    }
    between(start, Duration::from_millis(1980));
}

#[test]
fn total_bytes_of_all_connections_are_limited() {
    let host = Host::with("total_rate = { bytes = \"16KiB\", burst = \"4KiB\" }");
    let input = b"0123456789abcdef0123456789abcde\n".repeat(13 * 32);
    let start = Instant::now();
    let mut clients: Vec<Client> = (0..4).map(|_| host.connect()).collect();
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| assert!(client.exchange(&input) == rot13(&input)));
        }
    });
    // 52 KiB in all: 4 KiB in the burst, and a read of 4 KiB per connection before the limit applies.
    between(start, Duration::from_secs(2));
}

#[test]
fn waiting_for_a_rate_is_not_silence() {
    let host = Host::with(
        "rate = { bytes = \"100B\", burst = \"100B\" }\nidle_timeout = \"1s\"\nline_timeout = \"1s\"",
    );
    let input = b"012345678\n".repeat(45);
    let start = Instant::now();
    assert_eq!(host.connect().exchange(&input).len(), input.len());
    between(start, Duration::from_millis(2500));
}

#[test]
#[cfg(unix)]
fn a_reload_changes_a_rate() {
    let host = Host::with("rate = { bytes = \"100B\", burst = \"100B\" }");
    let mut client = host.connect();
    let input = b"012345678\n".repeat(10_000);
    let before = host.generation();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            host.replace_config(Host::config("", ""));
            host.hang_up();
        });
        assert_eq!(client.exchange(&input).len(), input.len());
    });
    // With the old rate it would take 1,000 seconds.
    assert!(start.elapsed() < Duration::from_secs(15));
    // The connection may have ended before the host says so.
    host.wait_swap(before);
}

#[test]
#[cfg(target_os = "linux")]
fn connections_per_address_are_limited() {
    let host = Host::with("max_per_address = 2");
    let from = |last| Client::connect_from(Ipv4Addr::new(127, 0, 0, last).into(), host.address());
    let serve = |client: &mut Client| {
        client.send(b"in\n");
        client.expect(b"va\n");
    };
    let mut clients: Vec<Client> = [1, 1, 2, 2].map(from).into();
    clients.iter_mut().for_each(serve);
    for last in [1, 2] {
        assert!(
            from(last).closes_within(Duration::from_secs(1)),
            "a third from 127.0.0.{last}"
        );
    }
    let mut other = from(3);
    serve(&mut other);
    let mut freed = clients.remove(0);
    freed.finish();
    freed.expect_end();
    host.wait_metric("linemill_connections", &[], 4.0);
    serve(&mut from(1));
}
