//! Filters in both directions: `chain` on the way to the upstream, `reply_chain` on the way back.

use linemill_tests::{Folder, Host, Upstream, guest, rot13};

use super::upstreams::to;

/// A host with filters in both directions: ROT13 to the upstream, upper case back. `more` are further
/// keys of the listener.
fn both_ways(upstream: &Upstream, more: &str) -> Host {
    let folder = Folder::new();
    folder.write("shout.wasm", guest::batch("shout"));
    let listener = format!("{}reply_chain = [\"shout\"]\n{more}", to(upstream));
    let filters = "[filter.shout]\nplugin = \"./shout.wasm\"";
    Host::serve_in(folder, Host::config(&listener, filters))
}

#[test]
fn filters_run_in_both_directions() {
    let upstream = Upstream::tcp();
    let host = both_ways(&upstream, "");
    let mut client = host.connect();
    let mut server = upstream.accept();
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
fn large_streams_in_both_directions() {
    let upstream = Upstream::tcp();
    let host = both_ways(&upstream, "");
    let lines: Vec<u8> = (0..30_000)
        .flat_map(|number| format!("line {number} of many\n").into_bytes())
        .collect();
    let mut client = host.connect();
    let mut server = upstream.accept();
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(server.exchange(&lines) == rot13(&lines), "to the upstream"));
        assert!(
            client.exchange(&lines) == lines.to_ascii_uppercase(),
            "to the client"
        );
    });
    host.expect_no_connections();
}

#[test]
fn framings_differ_on_both_sides() {
    let upstream = Upstream::tcp();
    let host = both_ways(&upstream, "framing = \"octet\"\nto_framing = \"lf\"");
    let mut client = host.connect();
    let mut server = upstream.accept();
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
fn a_reload_swaps_the_reply_chain() {
    let upstream = Upstream::tcp();
    let host = both_ways(&upstream, "");
    let mut client = host.connect();
    let mut server = upstream.accept();
    server.send(b"one\ntw");
    client.expect(b"ONE\n");
    let reply = format!("{}reply_chain = [\"rot13\"]", to(&upstream));
    host.swap(Host::config(&reply, ""));
    server.send(b"o\n");
    client.expect(b"gjb\n");
}
