//! Keys that a reload changes under open connections: where lines go, how they come, where to listen.

use std::time::Duration;

use linemill_tests::tls::Authority;
use linemill_tests::{Client, Folder, Host, Upstream, eventually, free_port, guest};

use super::reload::{reload, verb};

/// A configuration with one listener that has `keys`.
fn config(keys: &str) -> String {
    let bind = if keys.contains("bind =") {
        ""
    } else {
        "bind = \"127.0.0.1:0\"\n"
    };
    format!(
        "[host]\nadmin = \"127.0.0.1:0\"\n[[listener]]\nname = \"test\"\n{bind}chain = []\n{keys}\n"
    )
}

fn change(host: &Host, keys: &str) {
    host.write_config(config(keys));
    reload(host, 200);
}

fn expect_file(folder: &Folder, name: &str, text: &str) {
    eventually(&format!("{text:?} in {name}"), || {
        let path = folder.path().join(name);
        (std::fs::read(path).ok()? == text.as_bytes()).then_some(())
    });
}

fn kept(host: &Host) -> i64 {
    let status = host.status();
    let kept = &status["listeners"]["test"]["connections_kept"];
    kept.as_i64().expect("a number")
}

#[test]
fn an_open_connection_follows_where_lines_go() {
    let host = Host::serve(config("to = \"file:one\""));
    let folder = host.folder();
    let mut client = host.connect();
    client.send(b"1\n2");
    expect_file(folder, "one", "1\n");
    change(&host, "to = \"file:two\"\ntee = [\"file:copies\"]");
    client.send(b"2\n3\n");
    expect_file(folder, "two", "22\n3\n");
    expect_file(folder, "copies", "22\n3\n");
    change(&host, "");
    client.send(b"4\n");
    client.expect(b"4\n");
    change(&host, "to = \"file:one\"");
    client.send(b"5\n");
    expect_file(folder, "one", "1\n5\n");
    assert_eq!(kept(&host), 0);
    assert_eq!(folder.read("copies"), b"22\n3\n");
}

#[test]
fn lines_that_a_filter_held_back_go_where_its_chain_went() {
    let folder = Folder::new();
    folder.write("count.wasm", guest::batch("count"));
    let filters = "[filter.count]\nplugin = \"./count.wasm\"\n[filter.digits]\nplugin = \"grep\"\nsettings = { keep = [\"[0-9]\"], route = \"numbers\" }\n";
    let chained = |keys: &str| config(keys).replacen("chain = []\n", "", 1) + filters;
    let host = Host::serve_in(folder, chained("to = \"file:one\"\nchain = [\"count\"]"));
    let mut client = host.connect();
    client.send(b"x\ny\n");
    host.wait_metric("linemill_lines_in_total", &[], 2.0);
    host.write_config(chained(
        "to = \"file:two\"\nchain = [\"count\", \"digits\"]\nroutes = { numbers = \"file:numbers\" }",
    ));
    reload(&host, 200);
    client.send(b"z\n");
    host.wait_metric("linemill_lines_in_total", &[], 3.0);
    // The route goes with the filters that send lines by it.
    host.write_config(chained("to = \"file:two\"\nchain = []"));
    reload(&host, 200);
    client.send(b"last\n");
    expect_file(host.folder(), "two", "last\n");
    expect_file(host.folder(), "numbers", "3\n");
    assert_eq!(host.folder().read("one"), b"");
}

#[test]
fn a_shared_upstream_ends_with_the_configuration_that_names_it() {
    let (one, two) = (Upstream::tcp(), Upstream::tcp());
    let shared = |upstream: &Upstream| format!("to = \"{}\"\nshared = true", upstream.url());
    let host = Host::serve(config(&shared(&one)));
    let mut client = host.connect();
    client.send(b"1\n");
    let mut first = one.accept();
    first.expect(b"1\n");
    change(&host, &shared(&two));
    first.expect_end();
    client.send(b"2\n");
    let mut second = two.accept();
    second.expect(b"2\n");
    // An unchanged sink keeps its connection.
    change(&host, &format!("{}\nmax_line = \"1KiB\"", shared(&two)));
    client.send(b"3\n");
    second.expect(b"3\n");
    two.expect_nobody(Duration::from_millis(100));
}

#[test]
fn a_connection_keeps_its_own_upstream_until_it_ends() {
    let (one, two) = (Upstream::tcp(), Upstream::tcp());
    let to = |upstream: &Upstream| format!("to = \"{}\"", upstream.url());
    let host = Host::serve(config(&to(&one)));
    let mut client = host.connect();
    client.send(b"1\n");
    let mut first = one.accept();
    first.expect(b"1\n");
    change(&host, &to(&two));
    client.send(b"2\n");
    first.expect(b"2\n");
    first.send(b"answer\n");
    client.expect(b"answer\n");
    eventually("one connection that keeps its upstream", || {
        (kept(&host) == 1).then_some(())
    });
    let mut other = host.connect();
    other.send(b"3\n");
    two.accept().expect(b"3\n");
    // Back again: nothing is kept any more.
    change(&host, &to(&one));
    eventually("only the other connection keeps its upstream", || {
        (kept(&host) == 1).then_some(())
    });
    drop(other);
    eventually("no connection that keeps anything", || {
        (kept(&host) == 0).then_some(())
    });
}

#[test]
fn new_connections_take_another_framing() {
    let host = Host::serve(config(""));
    let mut old = host.connect();
    old.send(b"a\nb");
    old.expect(b"a\n");
    change(&host, "framing = \"nul\"");
    let mut new = host.connect();
    new.send(b"c\nd\0");
    new.expect(b"c\nd\0");
    old.send(b"\0\n");
    old.expect(b"b\0\n");
    assert_eq!(kept(&host), 1);
    old.finish();
    old.expect_end();
    eventually("no connection that keeps its framing", || {
        (kept(&host) == 0).then_some(())
    });
}

#[test]
fn a_listener_moves_to_another_address() {
    let host = Host::serve(config(""));
    let first = host.address();
    let mut old = host.connect();
    old.send(b"1\n");
    old.expect(b"1\n");
    let port = free_port();
    change(&host, &format!("bind = \"127.0.0.1:{port}\""));
    let mut new = Client::connect(host.listener(1));
    assert_eq!(host.listener(1).port(), port);
    new.send(b"2\n");
    new.expect(b"2\n");
    old.send(b"3\n");
    old.expect(b"3\n");
    eventually("the closed port", || {
        Client::try_connect(first).is_err().then_some(())
    });
    // The same port, at all addresses of the machine: the old socket is in the way.
    change(&host, &format!("bind = \"0.0.0.0:{port}\""));
    assert_eq!(host.announced(2), format!("0.0.0.0:{port}"));
    let mut third = Client::connect(host.listener(1));
    third.send(b"4\n");
    third.expect(b"4\n");
    // An address in use changes nothing.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("bound");
    host.write_config(config(&format!("bind = \"{taken}\"")));
    reload(&host, 422);
    third.send(b"5\n");
    third.expect(b"5\n");
}

#[test]
fn listeners_exchange_their_addresses() {
    let ports = [free_port(), free_port()];
    let config = |one: u16, other: u16| {
        let listener = |name: &str, port: u16, chain: &str| {
            format!(
                "[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:{port}\"\nchain = [{chain}]\n"
            )
        };
        format!(
            "[host]\nadmin = \"127.0.0.1:0\"\n{}{}",
            listener("plain", one, ""),
            listener("turned", other, "\"rot13\"")
        )
    };
    let host = Host::serve(config(ports[0], ports[1]));
    let answer = |nth: usize| {
        let mut client = Client::connect(host.listener(nth));
        client.send(b"a\n");
        client.take(2)
    };
    assert_eq!((answer(0), answer(1)), (b"a\n".to_vec(), b"n\n".to_vec()));
    host.write_config(config(ports[1], ports[0]));
    reload(&host, 200);
    assert_eq!((answer(0), answer(1)), (b"n\n".to_vec(), b"a\n".to_vec()));
    // Another name for a listener: its socket is handed on.
    let renamed = config(ports[1], ports[0]).replace("\"turned\"", "\"other\"");
    host.write_config(renamed);
    reload(&host, 200);
    assert_eq!((answer(0), answer(1)), (b"n\n".to_vec(), b"a\n".to_vec()));
}

#[test]
fn tls_is_added_and_removed() {
    let (host, authority) = (Host::serve(config("")), Authority::new());
    authority.server().write(host.folder(), "server");
    let mut old = host.connect();
    change(
        &host,
        "tls = { cert = \"server.crt\", key = \"server.key\" }",
    );
    let mut new = host.connect_tls(&authority.trusting_client(None));
    new.send(b"1\n");
    new.expect(b"1\n");
    old.send(b"2\n");
    old.expect(b"2\n");
    change(&host, "");
    let mut plain = host.connect();
    plain.send(b"3\n");
    plain.expect(b"3\n");
    new.send(b"4\n");
    new.expect(b"4\n");
    eventually("only the connection with TLS keeps anything", || {
        (kept(&host) == 1).then_some(())
    });
}

#[test]
fn a_smaller_buffer_does_not_keep_senders_waiting() {
    let upstream = Upstream::tcp();
    let to = format!("to = \"{}\"\nshared = true\n", upstream.url());
    let host = Host::serve(config(&format!("{to}buffer = \"1MiB\"")));
    let mut client = host.connect();
    client.send(b"1\n");
    let mut server = upstream.accept();
    server.expect(b"1\n");
    // The server does not read: what it is sent fills the sockets, then the buffer.
    let line = [b"x".repeat(1000), b"\n".to_vec()].concat();
    let sent = client.fill(&line, Duration::from_millis(500));
    change(&host, &format!("{to}buffer = \"2KiB\""));
    // The rest of the line that was cut off, if one was.
    let cut = sent % line.len();
    let sending = std::thread::spawn(move || {
        client.send(if cut == 0 { b"" } else { &line[cut..] });
        client.send(b"2\n");
        (client, line)
    });
    let lines = server.take(sent.div_ceil(1001) * 1001);
    let (_client, line) = sending.join().expect("sent");
    assert!(lines.chunks(line.len()).all(|received| received == line));
    server.expect(b"2\n");
}

#[test]
fn the_admin_address_and_its_token_change() {
    let text = |host: &str| {
        format!("[host]\n{host}\n[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\n")
    };
    let host = Host::serve(text("admin = \"127.0.0.1:0\""));
    let first = host.admin();
    let port = free_port();
    host.write_config(text(&format!("admin = \"127.0.0.1:{port}\"")));
    reload(&host, 200);
    host.expect_stderr(&format!("admin listening on 127.0.0.1:{port}"));
    eventually("the closed address", || {
        Client::try_connect(first).is_err().then_some(())
    });
    let ask = |path: &str, head: &str| {
        let address = ([127, 0, 0, 1], port).into();
        let mut client = Client::connect(address);
        client.send(format!("GET {path} HTTP/1.0\r\n{head}\r\n").as_bytes());
        String::from_utf8_lossy(&client.rest()).into_owned()
    };
    assert!(ask("/status", "").starts_with("HTTP/1.0 200"));
    let token = "0123456789abcdef";
    host.write_config(text(&format!(
        "admin = \"127.0.0.1:{port}\"\nadmin_token = \"{token}\""
    )));
    host.hang_up();
    eventually("the token", || {
        ask("/status", "").starts_with("HTTP/1.0 401").then_some(())
    });
    let shown = format!("Authorization: Bearer {token}\r\n");
    assert!(ask("/status", &shown).starts_with("HTTP/1.0 200"));
    host.write_config(text(""));
    host.hang_up();
    eventually("no admin address", || {
        Client::try_connect(([127, 0, 0, 1], port).into())
            .is_err()
            .then_some(())
    });
}

#[test]
fn the_status_shows_outputs() {
    let mut upstream = Upstream::tcp_down();
    let url = upstream.url();
    let host = Host::serve(config(&format!("to = \"{url}\"\nshared = true")));
    let mut client = host.connect();
    client.send(b"1\n");
    let output = || host.status()["outputs"][url.as_str()].clone();
    eventually("the reason of the outage", || {
        let output = output();
        let reason = output["reason"].as_str()?.contains("refused");
        (output["state"] == "down" && reason && output["queued"] == 2).then_some(())
    });
    let shown = verb(&host, &["status"]).success();
    shown.stdout_has(&[
        &format!("output {url}\n"),
        "down since",
        "refused",
        "2 B queued",
        "0 lines/s, 0 B/s (last 10 s)",
    ]);
    upstream.up();
    let mut server = upstream.accept();
    server.expect(b"1\n");
    eventually("an output that is up", || {
        let output = output();
        (output["state"] == "up" && output["lines"] == 1 && output["lost"] == 0).then_some(())
    });
    eventually("a rate", || {
        let output = output();
        let rate = |key: &str| output[key].as_f64().filter(|rate| *rate > 0.0);
        let (lines, bytes) = (rate("lines_per_second")?, rate("bytes_per_second")?);
        // Of one line, which has two bytes.
        assert!((bytes - 2.0 * lines).abs() < 1e-9, "{lines}, {bytes}");
        Some(())
    });
}
