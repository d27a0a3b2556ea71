//! A next hop of each client's own: `to = "tcp://…"`, `"tls://…"`, `"unix:…"`, and the answers.

use std::time::{Duration, Instant};

use linemill_tests::tls::Authority;
use linemill_tests::{Client, Folder, Hop, Host, assert_repeats, guest, rot13};

/// More keys of a listener that sends its lines to `hop`.
fn to(hop: &Hop) -> String {
    format!("to = \"{}\"\n", hop.url())
}

/// One question and one answer, then the end from the client's side.
#[track_caller]
fn converse(host: &Host, hop: &Hop) {
    let mut client = host.connect();
    client.send(b"Hello\n");
    let mut server = hop.accept();
    server.expect(b"Uryyb\n");
    server.send(b"Welcome\r\n");
    client.expect(b"Welcome\r\n");
    client.send(b"rest");
    client.finish();
    server.expect(b"erfg");
    server.expect_end();
    // Half of the connection is closed; answers still come.
    server.send(b"last words");
    server.finish();
    client.expect(b"last words");
    client.expect_end();
    host.expect_no_connections();
}

#[test]
fn over_tcp() {
    let hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    converse(&host, &hop);
    converse(&host, &hop);
}

#[test]
fn by_a_name_that_is_looked_up() {
    let hop = Hop::tcp();
    let port = hop.address().port();
    let host = Host::with(&format!("to = \"tcp://localhost:{port}\""));
    converse(&host, &hop);
}

#[test]
#[cfg(unix)]
fn over_a_unix_socket() {
    let folder = Folder::new();
    let hop = Hop::unix(&folder.path().join("hop"));
    let host = Host::with(&to(&hop));
    converse(&host, &hop);
}

/// A host whose next hop speaks TLS and must be known by `authority`.
fn to_tls(hop: &Hop, authority: &Authority, more: &str) -> Host {
    let folder = Folder::new();
    authority.write(&folder, "ca.crt");
    authority.client().write(&folder, "client");
    let listener = format!(
        "{}to_tls = {{ ca = \"ca.crt\"{more} }}\nwrite_timeout = \"1s\"",
        to(hop)
    );
    Host::serve_in(folder, Host::config(&listener, ""))
}

#[test]
fn over_tls() {
    let authority = Authority::new();
    let hop = Hop::tls(&authority.server().server(None));
    converse(&to_tls(&hop, &authority, ""), &hop);
}

#[test]
fn over_tls_with_a_certificate_of_its_own() {
    let authority = Authority::new();
    let hop = Hop::tls(&authority.server().server(Some(&authority)));
    let own = ", cert = \"client.crt\", key = \"client.key\"";
    converse(&to_tls(&hop, &authority, own), &hop);
}

#[test]
fn over_tls_by_another_name() {
    let authority = Authority::new();
    let hop = Hop::tls(&authority.server_of(&["other.test"]).server(None));
    converse(&to_tls(&hop, &authority, ", name = \"other.test\""), &hop);
}

/// A client whose line cannot be delivered is closed after `write_timeout`, and the line counted;
/// until then the host has not been busy.
#[track_caller]
fn undeliverable(host: &Host) {
    let start = Instant::now();
    let mut client = host.connect();
    client.send(b"lost\n");
    client.expect_refusal();
    let took = start.elapsed();
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(4)).contains(&took),
        "closed after {took:?}, with a timeout of 1 s"
    );
    host.expect_dropped("next_hop", 1.0);
    host.expect_no_connections();
    let lines = host.stderr().lines().count();
    assert!(lines < 30, "{lines} lines of log:\n{}", host.stderr());
}

#[test]
fn a_hop_that_is_down_closes_the_client_in_the_end() {
    let hop = Hop::tcp_down();
    let host = Host::with(&format!("{}write_timeout = \"1s\"", to(&hop)));
    let before = host.processor_time();
    undeliverable(&host);
    let used = host.processor_time() - before;
    assert!(used < Duration::from_millis(500), "{used:?} of waiting");
}

#[test]
fn a_hop_with_a_certificate_of_a_stranger_gets_no_line() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let hop = Hop::tls(&stranger.server().server(None));
    let host = to_tls(&hop, &authority, "");
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| {
            let config = stranger.server().server(None);
            hop.expect_refused_handshake(&config);
        });
        let mut client = host.connect();
        client.send(b"a secret\n");
        refused.join().expect("a handshake that fails");
        client.expect_refusal();
    });
    host.expect_dropped("next_hop", 1.0);
}

#[test]
fn what_a_client_sends_waits_for_a_hop_that_is_down() {
    let mut hop = Hop::tcp_down();
    let host = Host::with(&to(&hop));
    let mut client = host.connect();
    client.send(b"one\ntwo\n");
    client.expect_silence(Duration::from_millis(200));
    hop.up();
    let mut server = hop.accept();
    server.expect(b"bar\ngjb\n");
    server.send(b"answer\n");
    client.expect(b"answer\n");
}

#[test]
fn a_client_that_has_gone_is_still_delivered_to_a_hop_that_comes() {
    let mut hop = Hop::tcp_down();
    let host = Host::with(&to(&hop));
    let mut client = host.connect();
    client.send(b"one\ntwo");
    client.finish();
    client.expect_silence(Duration::from_millis(200));
    hop.up();
    let mut server = hop.accept();
    server.expect(b"bar\ngjb");
    server.expect_end();
    drop(server);
    client.expect_end();
    host.expect_no_connections();
}

#[test]
fn each_client_has_a_connection_of_its_own() {
    let hop = Hop::tcp();
    let host = Host::with(&format!("{}chain = []", to(&hop)));
    let mut pairs: Vec<(Client, Client)> = (0..5)
        .map(|number| {
            let mut client = host.connect();
            client.send(format!("{number}\n").as_bytes());
            (client, hop.accept())
        })
        .collect();
    for (number, (client, server)) in pairs.iter_mut().enumerate().rev() {
        let line = format!("{number}\n");
        server.expect(line.as_bytes());
        server.send(line.as_bytes());
        client.expect(line.as_bytes());
    }
    drop(pairs);
    host.expect_no_connections();
}

#[test]
fn a_hop_that_ends_its_answers_still_gets_lines() {
    let hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    let mut client = host.connect();
    let mut server = hop.accept();
    server.send(b"goodbye\n");
    server.finish();
    client.expect(b"goodbye\n");
    client.expect_end();
    client.send(b"Hello\n");
    server.expect(b"Uryyb\n");
    client.finish();
    server.expect_end();
    host.expect_no_connections();
}

#[test]
fn a_hop_that_dies_ends_the_client_and_what_it_missed_is_counted() {
    let hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    let mut client = host.connect();
    let server = hop.accept();
    client.fill(
        b"a line that waits for the next hop\n",
        Duration::from_millis(300),
    );
    let written = host.metric("linemill_lines_out_total", &[]);
    server.reset();
    client.expect_refusal();
    host.expect_no_connections();
    let metrics = host.metrics();
    let read = metrics.sum("linemill_lines_in_total", &[]);
    let out = metrics.sum("linemill_lines_out_total", &[]);
    assert!(out >= written && read > out, "{read} read, {out} written");
    host.expect_dropped("next_hop", read - out);
    // The next client is served as if nothing had been.
    converse(&host, &hop);
}

#[test]
fn a_client_that_dies_ends_its_connection_to_the_hop() {
    let hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    let mut client = host.connect();
    client.send(b"Hello\nunfin");
    let mut server = hop.accept();
    server.expect(b"Uryyb\n");
    client.reset();
    let (rest, _) = server.rest_until_end();
    assert_eq!(rest, b"", "of a line that broke off nothing goes on");
    host.expect_no_connections();
}

#[test]
fn a_hop_that_does_not_read_holds_up_its_client_and_loses_nothing() {
    let hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    let line = b"a line that waits for the next hop\n";
    let mut client = host.connect();
    let mut server = hop.accept();
    let sent = client.fill(line, Duration::from_millis(300));
    let start = Instant::now();
    let mut other = host.connect();
    other.send(b"Hello\n");
    hop.accept().expect(b"Uryyb\n");
    assert!(start.elapsed() < Duration::from_secs(2), "held up too");
    client.finish();
    let got = server.rest();
    assert_repeats(&got, &rot13(line), sent);
}

#[test]
fn a_client_that_does_not_read_holds_up_its_hop_and_loses_nothing() {
    let hop = Hop::tcp();
    let host = Host::with(&to(&hop));
    let line = b"an answer that waits for its client\n";
    let mut client = host.connect();
    let mut server = hop.accept();
    let sent = server.fill(line, Duration::from_millis(300));
    server.finish();
    let got = client.rest();
    assert_eq!(got.len(), sent);
    assert!(
        got.chunks(line.len())
            .all(|chunk| chunk == &line[..chunk.len()]),
        "an answer was changed"
    );
}

/// A host with filters both ways: ROT13 forward, a guest that shouts back.
fn both_ways(hop: &Hop, more: &str) -> Host {
    let folder = Folder::new();
    folder.write("shout.wasm", guest::batch("shout"));
    let listener = format!("{}reply_chain = [\"shout\"]\n{more}", to(hop));
    let filters = "[filter.shout]\nplugin = \"./shout.wasm\"";
    Host::serve_in(folder, Host::config(&listener, filters))
}

#[test]
fn filters_work_both_ways() {
    let hop = Hop::tcp();
    let host = both_ways(&hop, "");
    let mut client = host.connect();
    let mut server = hop.accept();
    client.send(b"hel");
    server.send(b"wel");
    client.send(b"lo\r\n");
    server.send(b"come\r\n");
    server.expect(b"uryyb\r\n");
    client.expect(b"WELCOME\r\n");
    server.send(b"the end");
    server.finish();
    client.expect(b"THE END");
    client.expect_end();
    let metrics = host.metrics();
    for (name, value) in [
        ("linemill_lines_in_total", "1"),
        ("linemill_lines_out_total", "1"),
        ("linemill_reply_lines_in_total", "2"),
        ("linemill_reply_lines_out_total", "2"),
    ] {
        assert_eq!(metrics.sum(name, &[]).to_string(), value, "{name}");
    }
}

#[test]
fn much_goes_both_ways_at_once() {
    let hop = Hop::tcp();
    let host = both_ways(&hop, "");
    let lines: Vec<u8> = (0..30_000)
        .flat_map(|number| format!("line {number} of many\n").into_bytes())
        .collect();
    let mut client = host.connect();
    let mut server = hop.accept();
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(server.exchange(&lines) == rot13(&lines), "forward"));
        assert!(
            client.exchange(&lines) == lines.to_ascii_uppercase(),
            "back"
        );
    });
    host.expect_no_connections();
}

#[test]
fn framings_differ_on_either_side_of_the_host() {
    let hop = Hop::tcp();
    let host = both_ways(&hop, "framing = \"octet\"\nto_framing = \"lf\"");
    let mut client = host.connect();
    let mut server = hop.accept();
    client.send(b"5 hello3 abc");
    server.expect(b"uryyb\nnop\n");
    server.send(b"so\nlong\r\n");
    client.expect(b"2 SO4 LONG");
    client.send(b"3 a\nb2 ok");
    server.expect(b"bx\n");
    host.expect_dropped("framing", 1.0);
}

#[test]
#[cfg(unix)]
fn a_reply_chain_is_swapped_under_live_connections() {
    let hop = Hop::tcp();
    let host = both_ways(&hop, "");
    let mut client = host.connect();
    let mut server = hop.accept();
    server.send(b"one\ntw");
    client.expect(b"ONE\n");
    let before = host.metric("linemill_generation", &[]);
    host.replace_config(Host::config(
        &format!("{}reply_chain = [\"rot13\"]", to(&hop)),
        "",
    ));
    host.hang_up();
    linemill_tests::eventually("a new generation", || {
        (host.metric("linemill_generation", &[]) > before).then_some(())
    });
    server.send(b"o\n");
    client.expect(b"gjb\n");
}

#[test]
#[cfg(unix)]
fn a_drain_delivers_what_was_read() {
    let hop = Hop::tcp();
    let mut host = Host::with(&to(&hop));
    let mut client = host.connect();
    let mut server = hop.accept();
    let lines = b"a line in flight\n".repeat(1000);
    client.send(&lines);
    host.wait_metric("linemill_lines_in_total", &[], 1000.0);
    host.terminate();
    let got = server.rest();
    assert!(got == rot13(&lines), "{} of {}", got.len(), lines.len());
    drop(server);
    client.expect_refusal();
    assert_eq!(host.wait().code(), Some(0), "{}", host.stderr());
}
