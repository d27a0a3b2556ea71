//! Clients and filters that take all the memory they can: the host stays within its budget, counts what it
//! refuses, serves others meanwhile, and gives the memory back.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use linemill_tests::{Client, Folder, Host, PATIENCE, eventually, guest, run};

const MIB: u64 = 1 << 20;

/// A configuration with this budget, the listener `test`, and a listener `other` for innocent clients.
fn config(memory: &str, listener: &str, filters: &str) -> String {
    let other = "[[listener]]\nname = \"other\"\nbind = \"127.0.0.1:0\"\nchain = [\"rot13\"]\n";
    let config = Host::config(listener, &format!("{other}\n{filters}"));
    config.replace("[host]\n", &format!("[host]\nmemory = \"{memory}\"\n"))
}

/// Refused connections of the listener `test`.
fn refused(host: &Host, reason: &str) -> f64 {
    let labels = [("listener", "test"), ("reason", reason)];
    host.metric("linemill_connections_refused_total", &labels)
}

/// Asserts that what was resident at most is within the budget and a tenth of it.
#[track_caller]
fn within(host: &Host, budget: u64) {
    let peak = host.peak_memory();
    let most = budget + budget / 10;
    assert!(peak <= most, "{} of {} MiB", peak / MIB, budget / MIB);
}

/// Waits until no more is resident than before, and a fifth.
#[track_caller]
fn back_to(host: &Host, before: u64) {
    let resident = || host.memory().resident;
    let start = Instant::now();
    // The last time that the host returns memory is a quarter of a minute later.
    while resident() > before + before / 5 && start.elapsed() < 2 * PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
    }
    let now = resident();
    let anonymous = host.memory().anonymous;
    assert!(
        now <= before + before / 5,
        "{now} bytes are resident, {anonymous} of them anonymous, and {before} were before"
    );
}

/// Asserts that an innocent client is served.
#[track_caller]
fn innocent(other: SocketAddr) {
    assert_eq!(Client::connect(other).exchange(b"Hello\n"), b"Uryyb\n");
}

/// Sends a line. Returns whether it is answered in this way, or whether the connection ends instead.
fn answered(mut client: &TcpStream, line: &[u8], expected: &[u8]) -> bool {
    client.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut answer = vec![0; expected.len()];
    let whole = client
        .write_all(line)
        .and_then(|()| client.read_exact(&mut answer));
    assert!(whole.is_err() || answer == expected, "{answer:?}");
    whole.is_ok()
}

/// Sends as much as the host takes for this long, without reading. Returns how much that was.
fn stuff(mut client: &TcpStream, bytes: &[u8], time: Duration) -> usize {
    let until = Instant::now() + time;
    let mut sent = 0;
    while sent < bytes.len() && Instant::now() < until {
        match client.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(_) => break,
        }
    }
    sent
}

#[test]
fn the_status_shows_who_holds_memory() {
    let host = Host::serve(config("256MiB", "chain = [\"number\"]", ""));
    let mut client = host.connect();
    client.send(b"a\n");
    client.expect(b"1 a\n");
    let status = host.status();
    let memory = &status["memory"];
    assert_eq!(memory["limit"], 256 * MIB);
    for (holder, least) in [("host", MIB), ("connections", 8 << 10), ("guests", MIB)] {
        let used = memory["holders"][holder]["used"].as_u64();
        assert!(used >= Some(least), "{holder}: {memory}");
    }
    assert!(memory["peak"].as_u64() >= memory["used"].as_u64());
    let used = host.metric("linemill_memory_used", &[("holder", "guests")]);
    assert!(used > MIB as f64);
    let admin = host.admin().to_string();
    let folder = Folder::new();
    run(folder.path(), ["status", "--admin", &admin], b"")
        .success()
        .stdout_has(&["memory ", " of 256 MiB (", "guests "]);
    // A reload changes the limit.
    drop(client);
    host.expect_no_connections();
    let changed = config("300MiB", "chain = [\"number\"]", "");
    host.swap(&changed);
    assert_eq!(host.status()["memory"]["limit"], 300 * MIB);
}

#[test]
fn long_partial_lines_wait_and_are_given_back() {
    let budget = 128 * MIB;
    let keys = "max_line = \"16MiB\"\nline_timeout = \"0s\"";
    let host = Host::serve(config("128MiB", keys, ""));
    let other = host.listener(1);
    innocent(other);
    innocent(host.address());
    let before = host.memory().resident;
    let line = vec![b'a'; 15 << 20];
    let clients: Vec<TcpStream> = (0..24)
        .map(|_| {
            let client = TcpStream::connect(host.address()).expect("connected");
            client.set_nonblocking(true).expect("set");
            client
        })
        .collect();
    let taken: usize = thread::scope(|scope| {
        let stuffing: Vec<_> = clients
            .iter()
            .map(|client| scope.spawn(|| stuff(client, &line, Duration::from_secs(3))))
            .collect();
        thread::sleep(Duration::from_secs(1));
        // Short lines go on, on both listeners.
        innocent(other);
        innocent(host.address());
        stuffing.into_iter().filter_map(|one| one.join().ok()).sum()
    });
    assert!(taken < 24 * line.len(), "all of it was taken");
    within(&host, budget);
    assert!(host.metric("linemill_memory_refused_total", &[("holder", "lines")]) > 0.5);
    drop(clients);
    host.expect_no_connections();
    back_to(&host, before);
    // There is room for a whole line again.
    let mut client = host.connect();
    client.send(&line);
    client.send(b"\n");
    assert_eq!(client.take(line.len() + 1).len(), line.len() + 1);
}

#[test]
fn long_lines_that_wait_for_each_other_come_to_an_end() {
    let budget = 256 * MIB;
    let keys = "max_line = \"16MiB\"\nchain = []";
    let host = Host::serve(config("256MiB", keys, ""));
    innocent(host.listener(1));
    let line = [&vec![b'n'; 12 << 20][..], b"\n"].concat();
    let clients: Vec<Client> = (0..14).map(|_| host.connect()).collect();
    host.wait_metric("linemill_connections", &[("listener", "test")], 14.0);
    let sending: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let line = line.clone();
            thread::spawn(move || {
                let (mut sender, sent) = (client.another(), line.clone());
                let sends = thread::spawn(move || sender.send(&sent));
                let whole = client.take(line.len()) == line;
                sends.join().expect("sent");
                whole
            })
        })
        .collect();
    for one in sending {
        assert!(one.join().expect("answered"));
    }
    within(&host, budget);
}

#[test]
fn filters_that_take_all_they_may() {
    let budget = 128 * MIB;
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("sponge"));
    let filter = "[filter.guest]\nplugin = \"./guest.wasm\"\nisolation = \"connection\"\nmemory = \"64MiB\"\ndeadline = \"5s\"";
    let host = Host::serve_in(folder, config("128MiB", "chain = [\"guest\"]", filter));
    let other = host.listener(1);
    host.expect_answer("one", "ONE");
    innocent(other);
    let before = host.memory().resident;
    let clients: Vec<TcpStream> = (0..40)
        .map(|_| TcpStream::connect(host.address()).expect("connected"))
        .collect();
    let served = clients
        .iter()
        .filter(|client| answered(client, b"bad!\n", b"BAD!\n"));
    let served = served.count();
    assert!(served > 0);
    // They got less than the 64 MiB that each may have.
    assert!(host.metric("linemill_memory_refused_total", &[("holder", "guests")]) > 0.5);
    within(&host, budget);
    innocent(other);
    drop(clients);
    host.expect_no_connections();
    back_to(&host, before);
    host.expect_answer("two", "TWO");
}

#[test]
fn instances_are_bounded_before_mappings_run_out() {
    let folder = Folder::new();
    let chain = "chain = [\"number\", \"dedup\"]";
    folder.write("linemill.toml", config("1GiB", chain, ""));
    // The address space of some dozens of linear memories: a limit that is reached much earlier than the
    // number of mappings, and that instances are bounded by in the same way.
    let line = "ulimit -v 300000000; exec \"$0\" serve --config linemill.toml";
    let mut host = Host::spawn_by_shell(folder, line, Stdio::null());
    let mut served: Vec<TcpStream> = (0..120)
        .filter_map(|_| {
            let client = TcpStream::connect(host.address()).expect("connected");
            answered(&client, b"a\n", b"1 a\n").then_some(client)
        })
        .collect();
    assert!((10..100).contains(&served.len()), "{}", served.len());
    let refusals = refused(&host, "instances");
    assert_eq!(refusals.to_string(), (120 - served.len()).to_string());
    host.expect_stderr("no room for its instances");
    let status = host.status();
    let memory = &status["memory"];
    assert!(memory["mappings"].as_u64() <= memory["mappings_limit"].as_u64());
    // Those that are served are served on, and those that leave make room.
    for client in &mut served {
        assert!(answered(client, b"b\n", b"2 b\n"));
    }
    innocent(host.listener(1));
    drop(served);
    host.expect_no_connections();
    assert_eq!(host.connect().exchange(b"a\n"), b"1 a\n");
    host.expect_alive();
}

#[test]
fn connections_without_end_are_refused_and_counted() {
    let budget = 64 * MIB;
    let keys = "max_connections = 100000";
    let mut host = Host::serve(config("64MiB", keys, ""));
    innocent(host.address());
    let before = host.memory().resident;
    let clients: Vec<TcpStream> = (0..6000)
        .map_while(|_| TcpStream::connect(host.address()).ok())
        .collect();
    eventually("all connections are open or refused", || {
        let open = host.metric("linemill_connections", &[("listener", "test")]);
        (open + refused(&host, "memory") > clients.len() as f64 - 0.5).then_some(())
    });
    assert!(refused(&host, "memory") > 0.5);
    within(&host, budget);
    host.expect_alive();
    drop(clients);
    host.expect_no_connections();
    back_to(&host, before);
    innocent(host.address());
}

#[test]
fn a_stuck_upstream_makes_clients_wait() {
    let budget = 96 * MIB;
    let upstream = linemill_tests::Upstream::tcp();
    let keys = format!(
        "to = \"{}\"\nshared = true\nbuffer = \"1GiB\"",
        upstream.url()
    );
    let host = Host::serve(config("96MiB", &keys, ""));
    let other = host.listener(1);
    innocent(other);
    let line = [&[b'a'; 1023][..], b"\n"].concat().repeat(32 << 10);
    let clients: Vec<TcpStream> = (0..8)
        .map(|_| {
            let client = TcpStream::connect(host.address()).expect("connected");
            client.set_nonblocking(true).expect("set");
            client
        })
        .collect();
    // The upstream accepts, and reads nothing.
    let _stuck = upstream.accept();
    let taken: usize = thread::scope(|scope| {
        let stuffing: Vec<_> = clients
            .iter()
            .map(|client| scope.spawn(|| stuff(client, &line, Duration::from_secs(3))))
            .collect();
        thread::sleep(Duration::from_secs(2));
        innocent(other);
        stuffing.into_iter().filter_map(|one| one.join().ok()).sum()
    });
    assert!(taken < 8 * line.len(), "all of it was taken");
    within(&host, budget);
    innocent(other);
}
