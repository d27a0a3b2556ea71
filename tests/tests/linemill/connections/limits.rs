//! `max_connections`, memory of endless lines, readers that do not read (cases 14, 18, 19).

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use linemill_tests::Folder;
#[cfg(target_os = "linux")]
use linemill_tests::tls::Authority;
use linemill_tests::{Client, Host, Upstream, assert_repeats, rot13};

#[test]
fn case_19_connections_above_the_limit_are_closed() {
    let host = Host::with("max_connections = 100");
    let mut clients: Vec<Client> = (0..150).map(|_| host.connect()).collect();
    let mut over = clients.split_off(100);
    for client in &mut clients {
        client.send(b"in\n");
        client.expect(b"va\n");
    }
    let start = Instant::now();
    for client in &mut over {
        assert!(
            client.closes_within(Duration::from_secs(1)),
            "the connection above the limit is open"
        );
    }
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?} until all were closed",
        start.elapsed()
    );
    assert_eq!(host.metric("linemill_connections", &[]).to_string(), "100");

    let mut freed = clients.swap_remove(0);
    freed.finish();
    drop(freed);
    host.wait_metric("linemill_connections_closed_total", &[], 1.0);
    let mut next = host.connect();
    next.send(b"next\n");
    next.expect(b"arkg\n");
}

#[test]
#[cfg(target_os = "linux")]
fn case_14_an_endless_line_does_not_use_memory() {
    const MIB: u64 = 1024 * 1024;
    let host = Host::with("oversize = \"drop\"");
    let mut client = host.connect();
    let block = vec![b'x'; 4 << 20];
    // The first block makes the connection allocate its buffers and an instance.
    client.send(b"ok\n");
    client.expect(b"bx\n");
    client.send(&block);
    let before = host.memory().resident;
    for _ in 0..63 {
        client.send(&block);
        let grown = host.memory().resident.saturating_sub(before);
        assert!(grown < MIB, "memory grew by {grown} bytes");
    }
    client.send(b"\nok\n");
    client.expect(b"bx\n");
    host.expect_dropped("oversize", 1.0);
}

#[test]
#[cfg(target_os = "linux")]
fn case_18_a_reader_that_does_not_read_is_closed() {
    const MIB: u64 = 1024 * 1024;
    const LIMIT: Duration = Duration::from_secs(2);
    let host = Host::with("write_timeout = \"2s\"");
    let mut warm = host.connect();
    let lines = b"a line whose sender never reads the answer\n".repeat(1500);
    assert_eq!(warm.exchange(&lines).len(), lines.len());
    let before = host.memory().resident;

    let mut client = host.connect();
    let start = Instant::now();
    let (mut sent, mut progress) = (0, start);
    loop {
        let from = sent % lines.len();
        let Some(count) = client.offer(&lines[from..], Duration::from_millis(100)) else {
            break;
        };
        if count > 0 {
            sent += count;
            progress = Instant::now();
        }
        assert!(
            sent < 64 << 20,
            "the host accepted 64 MiB without a reader for its output"
        );
        assert!(
            progress.elapsed() < LIMIT + Duration::from_secs(5),
            "never closed"
        );
        let grown = host.memory().resident.saturating_sub(before);
        assert!(grown < MIB, "memory grew by {grown} bytes");
    }
    assert!(
        start.elapsed() >= LIMIT,
        "closed {:?} after the start",
        start.elapsed()
    );
    assert!(
        progress.elapsed() < LIMIT + Duration::from_millis(2500),
        "closed {:?} late",
        progress.elapsed()
    );
    host.expect_no_connections();
}

#[test]
fn a_slow_reader_loses_nothing_and_does_not_slow_others() {
    let host = Host::with("");
    let line = b"a line that waits for its reader\n";
    let mut slow = host.connect();
    let sent = slow.fill(line, Duration::from_millis(300));
    let start = Instant::now();
    let mut quick = host.connect();
    quick.send(b"quick\n");
    quick.expect(b"dhvpx\n");
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "another connection was delayed"
    );
    slow.finish();
    let got = slow.rest();
    assert_repeats(&got, &rot13(line), sent);
}

/// Asserts that clients which `end` their connections while their lines wait for an output that is
/// down do not keep others out, and that no line of theirs is lost.
#[cfg(target_os = "linux")]
fn check_gone(end: impl Fn(Client)) {
    check_gone_from(Folder::new(), "", Host::connect, end);
}

/// As [`check_gone`], for clients that connect by `connect` to a listener with these further keys.
#[cfg(target_os = "linux")]
fn check_gone_from(
    folder: Folder,
    keys: &str,
    connect: impl Fn(&Host) -> Client,
    end: impl Fn(Client),
) {
    const SEATS: usize = 3;
    // More than the output's buffer holds.
    let line = b"a line that waits for an output that is down\n";
    let lines = line.repeat(100);
    let mut upstream = Upstream::tcp_down();
    let keys = format!(
        "to = \"{}\"\nshared = true\nbuffer = \"1KiB\"\nchain = []\nmax_connections = {SEATS}\n\
         max_per_address = {SEATS}\n{keys}",
        upstream.url()
    );
    let host = Host::serve_in(folder, Host::config(&keys, ""));
    let first: Vec<Client> = (0..SEATS).map(|_| connect(&host)).collect();
    let mut sent = 0.0;
    for mut client in first {
        client.send(&lines);
        sent += 100.0;
        host.wait_metric("linemill_lines_in_total", &[], sent);
        end(client);
    }
    let mut last = connect(&host);
    last.send(&lines);
    host.wait_metric("linemill_lines_in_total", &[], sent + 100.0);
    assert_eq!(
        host.metric("linemill_connections_refused_total", &[])
            .to_string(),
        "0"
    );
    upstream.up();
    let mut server = upstream.accept();
    let all = lines.len() * (SEATS + 1);
    assert_repeats(&server.take(all), line, all);
    drop(last);
    host.expect_no_connections();
}

#[test]
#[cfg(target_os = "linux")]
fn clients_that_closed_do_not_keep_others_out() {
    check_gone(drop);
}

#[test]
#[cfg(target_os = "linux")]
fn clients_that_reset_do_not_keep_others_out() {
    check_gone(Client::reset);
}

/// They cannot send close_notify: their sockets end without a word of TLS.
#[test]
#[cfg(target_os = "linux")]
fn clients_that_are_gone_do_not_keep_others_out_over_tls() {
    for end in [drop, Client::reset] {
        let (authority, folder) = (Authority::new(), Folder::new());
        authority.server().write(&folder, "server");
        let config = authority.trusting_client(None);
        let tls = "tls = { cert = \"server.crt\", key = \"server.key\" }";
        check_gone_from(folder, tls, |host| host.connect_tls(&config), end);
    }
}
