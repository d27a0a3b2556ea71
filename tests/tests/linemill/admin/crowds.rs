//! Many clients of the admin address, and what must be answered meanwhile.

use std::time::{Duration, Instant};

use linemill_tests::{Client, Folder, Host, eventually, guest, request};

/// More clients than there are seats.
const CROWD: usize = 40;
/// More clients than there are places for those that have not sent their request.
const FLOOD: usize = 200;

/// Asserts that a probe is answered at once.
#[track_caller]
fn check_probes(host: &Host) {
    for path in ["/healthz", "/readyz"] {
        let start = Instant::now();
        assert_eq!(request(host.admin(), "GET", path).status, 200, "{path}");
        let took = start.elapsed();
        assert!(took < Duration::from_millis(700), "{path} took {took:?}");
    }
}

#[test]
fn slow_clients_do_not_keep_probes_out() {
    let host = Host::with("");
    let _crowd: Vec<Client> = (0..FLOOD)
        .map(|number| {
            let mut client = Client::connect(host.admin());
            if number % 2 == 0 {
                client.send(b"GET /status HTTP/1.1\r\nHost: ");
            }
            client
        })
        .collect();
    check_probes(&host);
    assert_eq!(host.get("/metrics").status, 200);
    // Those that had to go are counted.
    let crowded = [("reason", "crowded")];
    assert!(host.metric("linemill_admin_refused_total", &crowded) > 100.0);
    eventually("those that are slow are closed", || {
        let slow = [("reason", "slow")];
        (host.metric("linemill_admin_refused_total", &slow) > 20.0).then_some(())
    });
}

#[test]
fn a_silent_client_has_one_second() {
    let host = Host::with("");
    let start = Instant::now();
    let mut silent = Client::connect(host.admin());
    silent.expect_end();
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(900) && took < Duration::from_secs(3),
        "{took:?}"
    );
    let start = Instant::now();
    let mut slow = Client::connect(host.admin());
    slow.send(b"GET /healthz HTTP/1.1\r\n");
    slow.rest_until_end().1.ok();
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(1800) && took < Duration::from_secs(5),
        "{took:?}"
    );
}

/// A filter whose start takes two seconds makes reloads slow.
fn with_slow_reloads() -> Host {
    let folder = Folder::new();
    folder.write("start-loop.wasm", guest::batch("start-loop"));
    let host = Host::serve_in(folder, Host::config("", ""));
    assert_eq!(host.get("/healthz").status, 200);
    // Only a request reloads: nothing else may take the time.
    host.write_config(Host::config(
        "chain = [\"slow\"]",
        "[filter.slow]\nplugin = \"./start-loop.wasm\"",
    ));
    host
}

#[test]
fn clients_that_leave_free_their_seats() {
    let host = with_slow_reloads();
    let ask = b"POST /reload HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let crowd: Vec<Client> = (0..CROWD)
        .map(|_| {
            let mut client = Client::connect(host.admin());
            client.send(ask);
            client
        })
        .collect();
    check_probes(&host);
    for (number, mut client) in crowd.into_iter().enumerate() {
        match number % 3 {
            0 => client.reset(),
            1 => client.finish(),
            _ => drop(client),
        }
    }
    let start = Instant::now();
    assert_eq!(request(host.admin(), "GET", "/status").status, 200);
    let took = start.elapsed();
    assert!(took < Duration::from_millis(700), "{took:?}");
    // What they asked for is done all the same.
    eventually("the reload is refused", || {
        host.status()["last_refusal"].is_object().then_some(())
    });
}

#[test]
fn when_all_seats_are_taken_others_are_told() {
    let host = with_slow_reloads();
    let ask = b"POST /reload HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut crowd: Vec<Client> = (0..CROWD)
        .map(|_| {
            let mut client = Client::connect(host.admin());
            client.send(ask);
            client
        })
        .collect();
    check_probes(&host);
    let mut answers: Vec<u16> = crowd
        .iter_mut()
        .map(|client| {
            let answer = String::from_utf8_lossy(&client.rest_until_end().0).into_owned();
            let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
            status.unwrap_or_else(|| panic!("{answer}"))
        })
        .collect();
    answers.sort_unstable();
    answers.dedup();
    // The reload is refused, and so are those who found no seat.
    assert!(
        answers.iter().all(|status| [422, 503].contains(status)),
        "{answers:?}"
    );
}

/// A client may end its direction after the request, as `nc -N` does.
#[test]
fn who_ends_its_direction_is_answered() {
    let host = Host::with("");
    for request in ["GET /status", "POST /reload", "GET /metrics"] {
        let mut client = Client::connect(host.admin());
        client.send(format!("{request} HTTP/1.0\r\n\r\n").as_bytes());
        client.finish();
        let answer = client.rest();
        assert!(
            answer.starts_with(b"HTTP/1.0 200 "),
            "{}",
            answer.escape_ascii()
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_admin_address_answers_when_clients_have_taken_all_descriptors() {
    let host = Host::serve_with_descriptors(100, Host::config("", ""));
    let address = host.address();
    let clients: Vec<Client> = (0..150).map(|_| Client::connect(address)).collect();
    host.expect_stderr("nearly all file descriptors are in use");
    check_probes(&host);
    assert_eq!(host.get("/metrics").status, 200);
    // A reload reads files, starts a process that compiles, and binds a socket.
    let more = "[[listener]]\nname = \"second\"\nbind = \"127.0.0.1:0\"\nchain = [\"case\"]\n";
    host.write_config(Host::config("", more));
    let answer = host.post("/reload");
    assert_eq!(answer.status, 200, "{}", answer.body);
    // New clients wait at first. When that takes too long, they are refused, and counted.
    host.wait_some(
        "linemill_connections_refused_total",
        &[("reason", "descriptors")],
    );
    check_probes(&host);
    drop(clients);
    host.expect_no_connections();
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
}
