//! Filters that are called when no line comes.

use std::time::{Duration, Instant};

use linemill_tests::{Host, Outcome, eventually, guest};

fn component() -> Vec<u8> {
    guest::extended("join", "ticking")
}

fn host(keys: &str) -> Host {
    Host::filtering(&component(), keys)
}

/// How often the filter has been called without lines.
fn ticks(host: &Host) -> f64 {
    host.metric("linemill_filter_ticks_total", &[("filter", "guest")])
}

#[test]
fn lines_that_are_due_come_while_nothing_else_does() {
    let host = host("");
    let mut client = host.connect();
    for _ in 0..3 {
        let sent = Instant::now();
        client.send(b"a\nb\n");
        client.send(b"c\n");
        client.expect(b"3\n");
        assert!(sent.elapsed() >= Duration::from_millis(200));
    }
    // One after the lines, perhaps one for the second call, and one at its time.
    let ticks = ticks(&host);
    assert!((6.0..=9.0).contains(&ticks), "{ticks}");
}

#[test]
fn later_filters_see_what_is_due() {
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"\n";
    let folder = linemill_tests::Folder::new();
    folder.write("guest.wasm", component());
    let config = Host::config("chain = [\"guest\", \"number\"]", filters);
    let host = Host::serve_in(folder, config);
    let mut client = host.connect();
    client.send(b"a\n");
    client.expect(b"1 1\n");
    client.send(b"a\na\n");
    client.finish();
    client.expect(b"2 2\n");
    client.expect_end();
}

#[test]
fn what_was_asked_for_moves_with_the_state() {
    let host = host("");
    let mut client = host.connect();
    client.send(b"a\nb\n");
    eventually("the first tick", || (ticks(&host) > 0.5).then_some(()));
    host.folder()
        .replace("guest.wasm", guest::marked(component(), "second"));
    assert_eq!(host.reload().outcome, Outcome::Applied);
    client.send(b"c\n");
    client.expect(b"3\n");
}

#[test]
fn ticks_have_pauses_between_them() {
    let host = host("");
    let mut client = host.connect();
    let began = Instant::now();
    client.send(b"!n\n");
    eventually("some ticks", || (ticks(&host) > 19.5).then_some(()));
    assert!(began.elapsed() >= Duration::from_millis(190));
    drop(client);
    host.expect_no_connections();
    let ended = ticks(&host);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(ticks(&host).to_string(), ended.to_string());
}

#[test]
fn a_tick_that_fails_is_counted_and_the_stream_goes_on() {
    let host = host("");
    for (line, kind) in [("!f", "verdict"), ("!t", "trap"), ("!s", "deadline")] {
        let mut client = host.connect();
        client.send(format!("{line}\n").as_bytes());
        eventually("the failure is counted", || {
            (host.failures(kind) > 0.5).then_some(())
        });
        // Others are not affected, and after a fault the stream has a new instance.
        host.connect().send(b"a\n");
        client.send(b"a\nb\n");
        client.expect(if kind == "verdict" { b"3\n" } else { b"2\n" });
    }
}

/// The stream ends before the pause is over, so with its last tick.
#[test]
fn a_last_tick_that_fails_is_counted_once() {
    let host = host("");
    for (line, kind, output) in [("!f", "verdict", &b"2\n"[..]), ("!t", "trap", b"")] {
        let mut client = host.connect();
        let before = ticks(&host);
        client.send(b"a\n");
        eventually("the first tick", || (ticks(&host) > before).then_some(()));
        client.send(format!("{line}\n").as_bytes());
        client.finish();
        client.expect(output);
        client.expect_end();
        assert_eq!(host.failures(kind).to_string(), "1", "{line}");
    }
    for kind in ["outcome", "deadline"] {
        assert_eq!(host.failures(kind).to_string(), "0", "{kind}");
    }
    // A verdict leaves the instance and its state as they are.
    assert_eq!(host.metric("linemill_filter_lost_states_total", &[]), 1.0);
    host.expect_stderr("state lost");
}
