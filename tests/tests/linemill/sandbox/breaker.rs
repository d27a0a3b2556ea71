//! The circuit breaker: a filter that keeps failing is not called until a probe succeeds; a filter that
//! fails on some lines is always called.
//!
//! The guest converts lines to upper case and traps on lines with a `!`.

use linemill_tests::{Finished, Host, eventually, guest, run};

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
    assert!(status(&host).text().contains("filter guest: breaker open"));
    let gauge = [("filter", "guest")];
    assert_eq!(host.metric("linemill_filter_breaker_open", &gauge), 1.0);
    // Lines of another client pass unfiltered until one of them is a successful probe.
    let mut other = host.connect();
    eventually("the filter is called again", || {
        other.send(b"good\n");
        let answer = other.take(5);
        assert!(answer.eq_ignore_ascii_case(b"good\n"), "{answer:?}");
        (answer == b"GOOD\n").then_some(())
    });
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
