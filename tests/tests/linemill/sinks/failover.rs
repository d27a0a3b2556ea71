//! Several upstreams for one destination (`to = ["tcp://a:514", "tcp://b:514"]`) that go down and come
//! back, while a client sends numbered lines.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use linemill_tests::{Host, Manner, Receiver, eventually};

use super::shared::line;

/// Keys of a listener whose clients share one connection to the first of these that is up.
pub(super) fn to(upstreams: &[&Receiver]) -> String {
    let list: Vec<_> = upstreams.iter().map(|one| one.url()).collect();
    format!("to = {list:?}\nshared = true\nchain = []\n")
}

/// Sends a line every `pause` while `during` runs. Returns how many were sent; the host has read them all.
pub(super) fn sending(host: &Host, pause: Duration, during: impl FnOnce(&AtomicUsize)) -> usize {
    let (sent, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = host.connect();
            while !over.load(Ordering::Relaxed) {
                client.send(&line(0, sent.fetch_add(1, Ordering::Relaxed)));
                std::thread::sleep(pause);
            }
            client.finish();
            client.expect_end();
        });
        // A failed expectation must end the sender, too.
        let during = AssertUnwindSafe(|| during(&sent));
        let result = catch_unwind(during);
        over.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| resume_unwind(panic));
    });
    sent.into_inner()
}

/// What the host says about lines for its outputs: delivered, lost, sent again.
pub(super) fn counts(host: &Host) -> [usize; 3] {
    let metrics = host.metrics();
    ["lines", "lost", "resent"]
        .map(|name| metrics.sum(&format!("linemill_output_{name}_total"), &[]) as usize)
}

/// Waits until every line is accounted for. Returns how many were lost and sent again, and stops the host.
#[track_caller]
pub(super) fn settle(host: &mut Host, sent: usize) -> [usize; 2] {
    let found = eventually("every line delivered or lost", || {
        let [delivered, lost, resent] = counts(host);
        (delivered + lost >= sent).then_some([delivered, lost, resent])
    });
    let [delivered, lost, resent] = found;
    assert_eq!(delivered + lost, sent);
    host.terminate();
    assert_eq!(host.wait().code(), Some(0), "{}", host.stderr());
    [lost, resent]
}

/// How often each of this many lines came. Asserts that each connection has whole lines in order; the last
/// line of one that broke may be cut.
#[track_caller]
pub(super) fn received(upstreams: &[&Receiver], lines: usize) -> Vec<usize> {
    let numbers: BTreeMap<_, _> = (0..lines).map(|number| (line(0, number), number)).collect();
    let mut times = vec![0; lines];
    for bytes in upstreams.iter().flat_map(|upstream| upstream.connections()) {
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut before = None;
        for text in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            let number = numbers.get(text);
            let number = number.unwrap_or_else(|| panic!("damaged: {}", text.escape_ascii()));
            assert!(before < Some(*number), "{number} after {before:?}");
            before = Some(*number);
            times[*number] += 1;
        }
    }
    times
}

#[track_caller]
fn wait_for_lines(upstream: &Receiver, more: usize) {
    let before = upstream.bytes();
    eventually("lines at an upstream", || {
        (upstream.bytes() >= before + more * line(0, 0).len()).then_some(())
    });
}

fn seconds(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

const PAUSE: Duration = Duration::from_millis(2);

/// Kills the first of two while lines flow. Returns how often each line came, and how many were lost and
/// sent again.
fn first_killed(keys: &str) -> (Vec<usize>, [usize; 2]) {
    let (a, b) = (
        Receiver::start(Manner::Reads),
        Receiver::start(Manner::Reads),
    );
    let mut host = Host::with(&format!("{}{keys}", to(&[&a, &b])));
    let sent = sending(&host, PAUSE, |_| {
        wait_for_lines(&a, 300);
        assert_eq!(b.bytes(), 0);
        a.behave(Manner::Down);
        wait_for_lines(&b, 300);
    });
    host.expect_stderr("fail-over");
    let settled = settle(&mut host, sent);
    (received(&[&a, &b], sent), settled)
}

#[test]
fn lines_go_to_the_next_when_the_first_is_killed_and_none_comes_twice() {
    let (times, [lost, resent]) = first_killed("");
    assert!(times.iter().all(|times| *times <= 1));
    let missing = times.iter().filter(|times| **times == 0).count();
    // At most what it left unread: it had read the rest before it closed.
    assert!(missing <= lost, "{missing} of {lost}");
    assert_eq!(resent, 0);
}

#[test]
fn with_resend_no_line_is_lost_when_the_first_is_killed() {
    let (times, [lost, resent]) = first_killed("resend = true\n");
    assert!(times.iter().all(|times| (1..=2).contains(times)));
    let twice = times.iter().filter(|times| **times == 2).count();
    assert_eq!(lost, 0);
    assert!(twice <= resent && resent > 0, "{twice} of {resent}");
}

#[test]
fn lines_go_to_the_next_when_the_first_freezes() {
    let (a, b) = (
        Receiver::start(Manner::Reads),
        Receiver::start(Manner::Reads),
    );
    let keys = format!("{}write_timeout = \"1s\"", to(&[&a, &b]));
    let mut host = Host::with(&keys);
    // More than the buffers in between hold.
    let lines: Vec<u8> = (0..400_000).flat_map(|number| line(0, number)).collect();
    let (first, rest) = lines.split_at(lines.len() / 100);
    let mut client = host.connect();
    client.send(first);
    eventually("lines at the first", || {
        (a.bytes() == first.len()).then_some(())
    });
    a.behave(Manner::Frozen);
    let mut writer = client.another();
    std::thread::scope(|scope| {
        scope.spawn(|| writer.exchange(rest));
    });
    drop(client);
    host.expect_stderr("fail-over");
    // What its system has taken is read later.
    a.behave(Manner::Reads);
    let [lost, resent] = settle(&mut host, 400_000);
    let times = received(&[&a, &b], 400_000);
    assert!(times.iter().all(|times| *times <= 1));
    let missing = times.iter().filter(|times| **times == 0).count();
    assert!(missing <= lost, "{missing} of {lost}");
    assert!(b.bytes() > 0 && resent == 0);
}

/// The part of `/status` about the only output.
fn output(host: &Host) -> serde_json::Value {
    let status = host.status();
    let outputs = status["outputs"].as_object().expect("outputs");
    outputs.values().next().expect("an output").clone()
}

#[test]
fn an_upstream_that_accepts_and_closes_is_passed_over_and_returned_to() {
    let (a, b) = (
        Receiver::start(Manner::Empty),
        Receiver::start(Manner::Reads),
    );
    let mut host = Host::with(&to(&[&a, &b]));
    let (first, second) = (a.url(), b.url());
    let gauge = |name: &str, upstream: &str| {
        host.metric(
            &format!("linemill_upstream_{name}"),
            &[("upstream", upstream)],
        ) as u64
    };
    let sent = sending(&host, PAUSE, |_| {
        wait_for_lines(&b, 500);
        host.expect_stderr("fail-over: lines go to another upstream now");
        let [output, counts] = [output(&host), output(&host)["upstreams"].clone()];
        assert_eq!(output["state"], "up", "{output}");
        assert_eq!(
            (&counts[0]["state"], &counts[0]["in_use"]),
            (&"down".into(), &false.into())
        );
        assert!(counts[0]["reason"].is_string(), "{output}");
        assert_eq!(
            (&counts[1]["state"], &counts[1]["in_use"]),
            (&"up".into(), &true.into())
        );
        assert_eq!([gauge("up", &first), gauge("in_use", &first)], [0, 0]);
        assert_eq!([gauge("up", &second), gauge("in_use", &second)], [1, 1]);
        assert!(host.metric("linemill_upstream_failures_total", &[("upstream", &first)]) > 0.0);
        // It is probed, and has not got a line.
        seconds(3);
        assert_eq!(a.bytes(), 0);
        a.behave(Manner::Reads);
        wait_for_lines(&a, 500);
        host.expect_stderr("fail-back: lines go to a preferred upstream again");
        assert_eq!([gauge("up", &first), gauge("in_use", &first)], [1, 1]);
        assert_eq!(gauge("in_use", &second), 0);
        eventually("the connection to the second closed", || {
            (b.open() == 0).then_some(())
        });
    });
    assert_eq!(settle(&mut host, sent), [0, 0]);
    assert!(received(&[&a, &b], sent).iter().all(|times| *times == 1));
}

#[test]
fn a_first_that_is_down_costs_nothing_and_all_down_is_waited_for() {
    let (a, b) = (Receiver::start(Manner::Down), Receiver::start(Manner::Down));
    let mut host = Host::with(&to(&[&a, &b]));
    let sent = sending(&host, PAUSE, |_| {
        seconds(1);
        assert_eq!(output(&host)["state"], "down");
        b.behave(Manner::Reads);
        wait_for_lines(&b, 100);
    });
    assert_eq!(settle(&mut host, sent), [0, 0]);
    assert!(received(&[&b], sent).iter().all(|times| *times == 1));
}

#[test]
fn a_reload_that_changes_the_list_keeps_the_connection() {
    let [a, b, c] = [(); 3].map(|()| Receiver::start(Manner::Reads));
    let mut host = Host::with(&to(&[&a, &b]));
    let config = |upstreams: &[&Receiver]| Host::config(&to(upstreams), "");
    let output = [a.url(), b.url()].join(", ");
    let sent = sending(&host, PAUSE, |_| {
        wait_for_lines(&a, 100);
        for list in [
            &[&a, &b, &c][..],
            &[&a, &c],
            &[&a],
            &[&a, &c, &b],
            &[&a, &b],
        ] {
            host.swap(config(list));
            wait_for_lines(&a, 100);
        }
        assert_eq!((a.connections().len(), b.bytes(), c.bytes()), (1, 0, 0));
        // Without the one in use.
        host.swap(config(&[&c, &b]));
        wait_for_lines(&c, 100);
        eventually("the connection to the first closed", || {
            (a.open() == 0).then_some(())
        });
        let metrics = host.metrics();
        let series = |upstream: &Receiver| {
            let labels = [("output", &*output), ("upstream", &upstream.url())];
            metrics.sum(
                "linemill_upstream_in_use",
                &labels.map(|(key, value)| (key, value)),
            )
        };
        assert_eq!(
            [series(&a), series(&b), series(&c)].map(|value| value as u64),
            [0, 0, 1]
        );
        let shown = host.get("/metrics").body;
        assert!(
            !shown.contains(&format!("upstream=\"{}\"", a.url())),
            "{shown}"
        );
    });
    assert_eq!(settle(&mut host, sent), [0, 0]);
    assert!(
        received(&[&a, &b, &c], sent)
            .iter()
            .all(|times| *times == 1)
    );
}

#[test]
fn one_upstream_becomes_a_list_and_moves_to_a_preferred_one() {
    let [a, b] = [(); 2].map(|()| Receiver::start(Manner::Reads));
    let one = format!("to = \"{}\"\nshared = true\nchain = []\n", b.url());
    let mut host = Host::with(&one);
    let sent = sending(&host, PAUSE, |_| {
        wait_for_lines(&b, 100);
        host.swap(Host::config(&to(&[&a, &b]), ""));
        wait_for_lines(&b, 1000);
        assert_eq!(b.connections().len(), 1);
        wait_for_lines(&a, 100);
    });
    assert_eq!(settle(&mut host, sent), [0, 0]);
    assert!(received(&[&a, &b], sent).iter().all(|times| *times == 1));
}

#[test]
fn a_route_and_a_tee_have_upstreams_to_fall_back_on() {
    let [down, a, b] = [Manner::Down, Manner::Reads, Manner::Reads].map(Receiver::start);
    let [gone, first, second] = [&down, &a, &b].map(Receiver::url);
    let keys = format!(
        "to = \"file:all\"\nchain = [\"digits\"]\ntee = [[\"{gone}\", \"{first}\"]]\nroutes = {{ numbers = [\"{gone}\", \"{second}\"] }}\n"
    );
    let filter = "[filter.digits]\nplugin = \"grep\"\nsettings = { keep = [\"[0-9]\"], route = \"numbers\" }\n";
    let host = Host::serve(Host::config(&keys, filter));
    host.connect().send(b"a line\n12\n");
    eventually("a copy and a routed line", || {
        let found = [&a, &b].map(|one| one.connections().concat());
        (found == [&b"a line\n"[..], b"12\n"]).then_some(())
    });
}

#[test]
fn a_client_with_a_connection_of_its_own_gets_the_first_that_is_up() {
    let mut a = linemill_tests::Upstream::tcp_down();
    let b = linemill_tests::Upstream::tcp();
    let host = Host::with(&format!(
        "to = [\"{}\", \"{}\"]\nchain = []\n",
        a.url(),
        b.url()
    ));
    let mut client = host.connect();
    client.send(b"one\n");
    let mut server = b.accept();
    server.expect(b"one\n");
    server.send(b"answer\n");
    client.expect(b"answer\n");
    a.up();
    // Until it has been found that the first is back, clients get the second.
    let found = eventually("a client at the first", || {
        let mut client = host.connect();
        client.send(b"two\n");
        let server = eventually("a connection", || a.try_accept().or_else(|| b.try_accept()));
        (server.local() == a.address()).then_some((client, server))
    });
    let (mut client, mut server) = found;
    server.expect(b"two\n");
    server.send(b"from the first\n");
    client.expect(b"from the first\n");
    // A reload that changes the list leaves clients where they are.
    host.swap(Host::config(
        &format!("to = [\"{}\"]\nchain = []\n", a.url()),
        "",
    ));
    client.send(b"three\n");
    server.expect(b"three\n");
}
