//! Lines that clients send while the host stops or their listener is removed: where nothing has to be
//! answered, every line is delivered.

use std::thread;
use std::time::{Duration, Instant};

use linemill_tests::{Client, Host, Upstream, eventually};

use super::reload::reload;

/// Pauses between the lines of a sender that are longer than the silence after which a connection
/// counts as done.
const SLOW: [Duration; 2] = [Duration::from_millis(70), Duration::from_millis(300)];
/// The same, and a shorter one.
const ALL: [Duration; 3] = [Duration::from_millis(20), SLOW[0], SLOW[1]];

/// Lines that a sender sends after the host was told to stop, if it does not heed the FIN.
const AFTER: usize = 6;

/// A configuration with these keys of the listener, and this grace period.
fn config(listener: &str, drain: &str) -> String {
    let listener = format!("chain = []\n{listener}");
    Host::config(&listener, "").replacen("[host]\n", &format!("[host]\ndrain = \"{drain}\"\n"), 1)
}

/// Line `number` of sender `sender`.
fn line(sender: usize, number: usize) -> String {
    format!("sender {sender} line {number}\n")
}

/// What a sender does when it sees the host's FIN.
#[derive(Clone, Copy, PartialEq)]
enum Sender {
    /// It stops.
    Heeds,
    /// It goes on sending.
    Ignores,
}

impl Sender {
    /// Sends lines until the host's FIN, and perhaps some more. Returns how many.
    fn send(self, mut client: Client, sender: usize, gap: Duration) -> usize {
        let mut sent = 0;
        while !client.closes_within(gap) {
            client.send(line(sender, sent).as_bytes());
            sent += 1;
        }
        if self == Self::Ignores {
            for _ in 0..AFTER {
                thread::sleep(gap);
                client.send(line(sender, sent).as_bytes());
                sent += 1;
            }
        }
        client.finish();
        sent
    }
}

/// Asserts that `got` has exactly the lines of these senders, each sender's in order.
#[track_caller]
fn assert_all(got: &[u8], sent: &[usize]) {
    let got = std::str::from_utf8(got).expect("text");
    for (sender, sent) in sent.iter().enumerate() {
        let prefix = format!("sender {sender} ");
        let lines = got
            .split_inclusive('\n')
            .filter(|line| line.starts_with(&prefix));
        let expected: String = (0..*sent).map(|number| line(sender, number)).collect();
        assert_eq!(lines.collect::<String>(), expected);
    }
    assert_eq!(got.lines().count(), sent.iter().sum::<usize>());
}

/// Runs a sender for each of `gaps` against a host whose lines go to `out.log`, calls `stop` once all
/// of them have sent something, and asserts that every line is delivered. Returns how many.
fn check(kind: Sender, gaps: &[Duration], host: &Host, stop: impl FnOnce()) -> usize {
    host.announced(0);
    let clients: Vec<Client> = gaps.iter().map(|_| host.connect()).collect();
    let sent: Vec<usize> = thread::scope(|scope| {
        let senders = clients
            .into_iter()
            .enumerate()
            .map(|(sender, client)| scope.spawn(move || kind.send(client, sender, gaps[sender])));
        let senders: Vec<_> = senders.collect();
        eventually("a line of each sender", || {
            let got = String::from_utf8(host.folder().read("out.log")).expect("text");
            let all = (0..gaps.len()).all(|sender| got.contains(&line(sender, 0)));
            all.then_some(())
        });
        stop();
        let sent = senders
            .into_iter()
            .map(|sender| sender.join().expect("no panic"));
        sent.collect()
    });
    let all: usize = sent.iter().sum();
    let got = eventually("all lines", || {
        let got = host.folder().read("out.log");
        let lines = got.iter().filter(|byte| **byte == b'\n').count();
        (lines >= all).then_some(got)
    });
    assert_all(&got, &sent);
    all
}

#[test]
fn a_stop_delivers_what_senders_send_until_they_see_it() {
    // The grace period is longer than the patience of a test: the host must not wait for its end.
    let mut host = Host::serve(config("to = \"file:out.log\"", "60s"));
    check(Sender::Heeds, &SLOW, &host, || host.terminate());
    assert_eq!(host.wait().code(), Some(0));
    assert!(!host.stderr().contains("dropped"), "{}", host.stderr());
}

#[test]
fn a_stop_delivers_what_senders_send_in_spite_of_it() {
    let grace = Duration::from_secs(8);
    let mut host = Host::serve(config("to = \"file:out.log\"", "8s"));
    let start = Instant::now();
    // One of them is never silent.
    check(Sender::Ignores, &ALL, &host, || host.terminate());
    assert_eq!(host.wait().code(), Some(0));
    assert!(start.elapsed() < grace, "{:?}", start.elapsed());
    assert!(!host.stderr().contains("dropped"), "{}", host.stderr());
}

#[test]
fn a_removed_listener_delivers_what_senders_send() {
    let both = |first: &str| {
        let second = "[[listener]]\nname = \"stays\"\nbind = \"127.0.0.1:0\"\nchain = []\n";
        format!("[host]\nadmin = \"127.0.0.1:0\"\ndrain = \"60s\"\n{first}{second}")
    };
    let first = "[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\nto = \"file:out.log\"\nchain = []\n";
    let host = Host::serve(both(first));
    check(Sender::Ignores, &SLOW, &host, || {
        host.write_config(both(""));
        reload(&host, 200);
    });
    host.expect_stderr("removed listener drained");
    assert!(!host.stderr().contains("dropped"), "{}", host.stderr());
}

#[test]
fn a_sender_that_never_stops_is_cut_after_the_grace_period() {
    let mut host = Host::serve(config("to = \"file:out.log\"", "1s"));
    host.announced(0);
    let mut client = host.connect();
    client.send(line(0, 0).as_bytes());
    eventually("the first line", || {
        (!host.folder().read("out.log").is_empty()).then_some(())
    });
    host.terminate();
    let mut sent = 1;
    while client
        .offer(line(0, sent).as_bytes(), Duration::from_secs(1))
        .is_some()
    {
        sent += 1;
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(host.wait().code(), Some(0));
    // What was under way when the connection was cut was not read.
    let got = host.folder().read("out.log");
    let read = got.iter().filter(|byte| **byte == b'\n').count();
    assert!(read > 1 && read <= sent, "{read} of {sent}");
    assert_all(&got, &[read]);
    assert!(!host.stderr().contains("dropped"), "{}", host.stderr());
}

#[test]
fn a_stop_delivers_lines_to_an_upstream_that_stays_open() {
    let upstream = Upstream::tcp();
    let keys = format!("to = \"{}\"", upstream.url());
    let mut host = Host::serve(config(&keys, "60s"));
    let mut client = host.connect();
    let mut server = upstream.accept();
    client.send(line(0, 0).as_bytes());
    server.expect(line(0, 0).as_bytes());
    host.terminate();
    for number in 1..=AFTER {
        thread::sleep(Duration::from_millis(70));
        client.send(line(0, number).as_bytes());
    }
    client.finish();
    for number in 1..=AFTER {
        server.expect(line(0, number).as_bytes());
    }
    server.expect_end();
    drop(server);
    assert_eq!(host.wait().code(), Some(0));
    assert!(!host.stderr().contains("dropped"), "{}", host.stderr());
}

#[test]
fn an_answered_client_of_an_upstream_does_not_hold_up_a_stop() {
    let upstream = Upstream::tcp();
    let keys = format!("to = \"{}\"", upstream.url());
    let mut host = Host::serve(config(&keys, "60s"));
    let mut client = host.connect();
    let mut server = upstream.accept();
    client.send(b"question\n");
    server.expect(b"question\n");
    host.terminate();
    // The answer is owed, so it is waited for.
    thread::sleep(Duration::from_millis(300));
    server.send(b"answer\n");
    client.expect(b"answer\n");
    server.expect_end();
    client.expect_end();
    // Neither of them closes.
    assert_eq!(host.wait().code(), Some(0));
}

#[test]
fn lines_after_the_fin_of_an_idle_timeout_are_delivered() {
    let keys = "to = \"file:out.log\"\nidle_timeout = \"500ms\"";
    let host = Host::serve(config(keys, "10s"));
    host.announced(0);
    let mut client = host.connect();
    client.send(line(0, 0).as_bytes());
    client.expect_end();
    client.send(line(0, 1).as_bytes());
    client.finish();
    eventually("both lines", || {
        let got = host.folder().read("out.log");
        (got == (line(0, 0) + &line(0, 1)).as_bytes()).then_some(())
    });
    let reason = [("reason", "idle_timeout")];
    host.wait_metric("linemill_connections_closed_total", &reason, 1.0);
    assert_eq!(
        host.metric("linemill_lines_dropped_total", &[]).to_string(),
        "0"
    );
}

#[test]
fn a_stop_says_how_many_lines_it_dropped() {
    let upstream = Upstream::tcp_down();
    let keys = format!(
        "to = \"{}\"\nshared = true\nbuffer = \"1KiB\"",
        upstream.url()
    );
    let mut host = Host::serve(config(&keys, "500ms"));
    let mut client = host.connect();
    let lines = 100;
    let text: String = (0..lines).map(|number| line(0, number)).collect();
    client.send(text.as_bytes());
    host.wait_metric("linemill_lines_in_total", &[], 100.0);
    host.terminate();
    assert_eq!(host.wait().code(), Some(0));
    let stderr = host.stderr();
    let said = stderr
        .lines()
        .find(|line| line.contains("drained; lines were dropped"));
    let said = said.unwrap_or_else(|| panic!("nothing said: {stderr}"));
    let number = |key: &str| -> usize {
        let rest = said.split(&format!(" {key}=")).nth(1).expect(key);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    };
    assert!(said.contains("WARN"), "{said}");
    assert_eq!(
        number("delivered") + number("dropped") + number("lost"),
        lines,
        "{said}"
    );
    assert_eq!(number("delivered"), 0, "{said}");
}

#[test]
fn a_stop_does_not_wait_for_an_output_that_is_down_when_nothing_waits_for_it() {
    let upstream = Upstream::tcp_down();
    let keys = format!("to = \"{}\"\nshared = true", upstream.url());
    let mut host = Host::serve(config(&keys, "60s"));
    let mut client = host.connect();
    host.expect_stderr("down");
    host.terminate();
    client.expect_end();
    drop(client);
    assert_eq!(host.wait().code(), Some(0));
}
