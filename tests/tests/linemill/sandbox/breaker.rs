//! The circuit breakers: a filter that keeps failing on the lines of a connection is not called for these
//! until a probe succeeds; a filter that fails on some lines is always called, and so is one that fails
//! only on the lines of others.
//!
//! The guest converts lines to upper case and traps on lines with a `!`.

use linemill_tests::{Client, Finished, Host, eventually, guest, run};

fn host(filter: &str) -> Host {
    Host::filtering(&guest::batch("trap"), filter)
}

fn breaker(host: &Host) -> serde_json::Value {
    host.status()["filters"]["guest"]["breaker"].clone()
}

fn status(host: &Host) -> Finished {
    let admin = host.admin().to_string();
    run(host.folder().path(), ["status", "--admin", &admin], b"").success()
}

/// How often this is on standard error.
fn logged(host: &Host, what: &str) -> usize {
    host.stderr().matches(what).count()
}

#[test]
fn the_breaker_opens_on_constant_faults_and_closes_after_a_good_probe() {
    let host = host("");
    assert_eq!(breaker(&host)["state"], "closed");
    let bad = "bad!\n".repeat(500);
    let mut client = host.connect();
    client.send(bad.as_bytes());
    client.expect(bad.as_bytes());
    // Lines after it opened were not offered to the filter, but followed the policy as well.
    let (trapped, kept) = (host.failures("trap"), host.failures("breaker"));
    assert_eq!(trapped + kept, 500.0);
    assert!((70.0..400.0).contains(&trapped), "{trapped} lines trapped");
    // Further bad lines fail the probes; they follow the policy, too.
    eventually("a probe has failed", || {
        client.send(b"bad!\n");
        client.expect(b"bad!\n");
        (breaker(&host)["failed_probes"].as_u64() >= Some(1)).then_some(())
    });
    assert_eq!(breaker(&host)["state"], "open");
    assert!(breaker(&host)["since"].as_str() < breaker(&host)["next_probe"].as_str());
    assert!(status(&host).text().contains("breaker     open since 20"));
    let gauge = [("filter", "guest")];
    assert_eq!(host.metric("linemill_filter_breaker_open", &gauge), 1.0);
    assert_eq!(host.status()["filters"]["guest"]["suspended"], 1);
    // The first lines of another client are a probe.
    let mut other = host.connect();
    other.send(b"good\n");
    other.expect(b"GOOD\n");
    assert_eq!(host.metric("linemill_filter_breaker_open", &gauge), 0.0);
    assert_eq!(breaker(&host)["state"], "closed");
    host.expect_stderr("breaker closed");
    assert_eq!(logged(&host, "breaker open"), 1);
    assert_eq!(logged(&host, "breaker closed"), 1);
    client.send(b"again\nbad!\nonce more\n");
    client.expect(b"AGAIN\nbad!\nONCE MORE\n");
}

#[test]
fn lines_behind_an_open_breaker_follow_the_policy() {
    let host = host("on_error = \"drop\"");
    let mut client = host.connect();
    client.send("bad!\n".repeat(500).as_bytes());
    eventually("an open breaker", || {
        (breaker(&host)["state"] == "open").then_some(())
    });
    host.wait_metric(
        "linemill_filter_failures_total",
        &[("filter", "guest")],
        500.0,
    );
    assert!(host.failures("breaker") > 0.0);
    client.finish();
    assert_eq!(client.rest(), b"");
}

/// Whatever one client sends, however often it connects, also while nobody else sends anything.
#[test]
fn a_client_cannot_keep_the_lines_of_others_from_the_filter() {
    let host = host("");
    let mut innocent = host.connect();
    innocent.send(b"first\n");
    innocent.expect(b"FIRST\n");
    for _ in 0..2 {
        let mut guilty = host.connect();
        let bad = "bad!\n".repeat(500);
        guilty.send(bad.as_bytes());
        guilty.expect(bad.as_bytes());
        assert!(host.failures("breaker") > 0.0);
        assert_eq!(breaker(&host)["state"], "closed", "the filter has worked");
        innocent.send(b"more\n");
        innocent.expect(b"MORE\n");
        host.expect_answer("new", "NEW");
    }
    assert_eq!(logged(&host, "breaker open"), 0);
    host.expect_stderr("connection suspended");
}

#[test]
fn several_clients_open_the_breaker_of_a_filter_that_has_worked() {
    let host = host("");
    host.expect_answer("good", "GOOD");
    let bad = "bad!\n".repeat(300);
    for client in 1..=3 {
        let mut client = Client::connect_from([127, 0, 0, client].into(), host.address());
        client.send(bad.as_bytes());
        client.expect(bad.as_bytes());
    }
    assert_eq!(breaker(&host)["state"], "open");
    host.expect_answer("good", "GOOD");
    assert_eq!(breaker(&host)["state"], "closed");
}

#[test]
fn bad_lines_among_good_ones_never_open_the_breaker() {
    let host = host("");
    let (mut input, mut expected, mut bad) = (String::new(), String::new(), 0_u32);
    for number in 0..20_000 {
        // Every hundredth line, and fifty in a row at intervals.
        if number % 100 == 7 || number % 5000 < 50 {
            let line = format!("line {number}!\n");
            input += &line;
            expected += &line;
            bad += 1;
        } else {
            let line = format!("line {number}\n");
            input += &line;
            expected += &line.to_uppercase();
        }
    }
    let got = host.connect().exchange(input.as_bytes());
    assert!(got == expected.as_bytes(), "a line was changed");
    assert_eq!(host.failures("trap"), f64::from(bad));
    assert_eq!(host.failures("breaker"), 0.0);
    assert_eq!(logged(&host, "breaker"), 0);
}
