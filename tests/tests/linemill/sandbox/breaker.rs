//! A filter that keeps failing is not called any more until it works again, and one that fails at a
//! line now and then always is.
//!
//! The guest turns lines into upper case and traps on those with a `!`.

use linemill_tests::{Finished, Host, eventually, guest, run};

fn host(filter: &str) -> Host {
    Host::filtering(&guest::batch("trap"), filter)
}

fn breaker(host: &Host) -> serde_json::Value {
    let status: serde_json::Value =
        serde_json::from_str(&host.get("/status").body).expect("it is JSON");
    status["filters"]["guest"]["breaker"].clone()
}

fn status(host: &Host) -> Finished {
    let admin = host.admin().to_string();
    run(host.folder().path(), ["status", "--admin", &admin], b"").success()
}

/// How often standard error says this.
fn said(host: &Host, what: &str) -> usize {
    host.stderr().matches(what).count()
}

#[test]
fn it_opens_when_nothing_but_faults_comes_and_closes_when_the_filter_works_again() {
    let host = host("");
    assert_eq!(breaker(&host)["state"], "closed");
    let bad = "bad!\n".repeat(500);
    let mut client = host.connect();
    client.send(bad.as_bytes());
    client.expect(bad.as_bytes());
    // What came after it opened was not offered, and followed the policy all the same.
    let (trapped, kept) = (host.failures("trap"), host.failures("breaker"));
    assert_eq!(trapped + kept, 500.0);
    assert!((70.0..400.0).contains(&trapped), "{trapped} lines trapped");
    // More of the same fails the probes, whose lines still follow the policy.
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
    // Another client's lines go by, until one of them is a probe that holds.
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
    assert_eq!(said(&host, "breaker open"), 1);
    assert_eq!(said(&host, "breaker closed"), 1);
    client.send(b"again\nbad!\nonce more\n");
    client.expect(b"AGAIN\nbad!\nONCE MORE\n");
}

#[test]
fn lines_that_are_not_offered_follow_the_policy() {
    let host = host("on_error = \"drop\"");
    let mut client = host.connect();
    client.send("bad!\n".repeat(500).as_bytes());
    eventually("it is open", || {
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
fn bad_lines_among_good_ones_never_open_it() {
    let host = host("");
    let (mut input, mut expected, mut bad) = (String::new(), String::new(), 0);
    for number in 0..20_000 {
        // One in a hundred, and fifty in a row here and there.
        let line = match number % 100 == 7 || number % 5000 < 50 {
            true => format!("line {number}!\n"),
            false => format!("line {number}\n"),
        };
        bad += u32::from(line.contains('!'));
        expected += &match line.contains('!') {
            true => line.clone(),
            false => line.to_uppercase(),
        };
        input += &line;
    }
    let got = host.connect().exchange(input.as_bytes());
    assert!(got == expected.as_bytes(), "the lines are not right");
    assert_eq!(host.failures("trap"), f64::from(bad));
    assert_eq!(host.failures("breaker"), 0.0);
    assert_eq!(said(&host, "breaker"), 0);
}
