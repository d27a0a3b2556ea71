//! Verdicts on lines, and lines that a filter holds back until the end of its stream.
//!
//! The guests answer with a verdict that the first byte of a line selects: see `guests/verdicts.wat`
//! and `guests/line.wat`.

use linemill_tests::{Host, guest};

use super::faults::{assert_text, contained};

#[test]
fn every_verdict_of_the_batch_world() {
    let host = Host::filtering(&guest::batch("verdicts"), "");
    let mut client = host.connect();
    client.send(b"a\n-b\n+c\r\n?d\ne\n");
    client.expect(b"A\n+\r\nC\r\n?d\nE\n");
    assert_eq!(host.failures("verdict").to_string(), "1");
    client.send(b"f\n.g\nh\n.i\n");
    assert_text(&client.rest(), "F\n.G\n");
}

#[test]
fn every_verdict_of_the_line_world() {
    let host = Host::filtering(&guest::line("line"), "");
    let mut client = host.connect();
    client.send(b"a\n-b\n+c\r\n?d\n=e\n!f\ng\n");
    client.expect(b"A\n+\r\nC\r\n?d\n=e\n!f\nG\n");
    assert_eq!(host.failures("verdict").to_string(), "1");
    assert_eq!(host.failures("trap").to_string(), "1");
    client.send(b"h\n.i\nj\n");
    assert_text(&client.rest(), "H\n.I\n");
}

#[test]
fn a_route_that_is_not_configured_has_no_effect() {
    for component in [guest::batch("verdicts"), guest::line("line")] {
        let host = Host::filtering(&component, "");
        assert_text(
            &host.connect().exchange(b"a\n>b\n-c\n<d\r\n>e"),
            "A\n>B\n<D\r\n>E",
        );
        assert_eq!(host.failures("outcome").to_string(), "0");
    }
}

#[test]
fn failures_in_the_line_world_follow_the_policy() {
    contained(&guest::line("line"), "", "!bad", "trap");
    contained(&guest::line("line"), "", "?bad", "verdict");
}

#[test]
fn held_lines_come_at_the_end_of_the_stream() {
    let host = Host::filtering(&guest::batch("count"), "");
    let (mut one, mut two) = (host.connect(), host.connect());
    for _ in 0..3 {
        one.send(b"x\n");
        two.send(b"x\ny\n");
    }
    one.finish();
    two.finish();
    assert_text(&one.rest(), "3\n");
    assert_text(&two.rest(), "6\n");
}

#[test]
fn held_lines_are_checked() {
    let host = Host::filtering(&guest::batch("held"), "");
    assert_text(&host.connect().exchange(b"a"), "A\none\ntwo\n");
    assert_eq!(host.failures("outcome").to_string(), "0");
    assert_text(&host.connect().exchange(b"a\nb!\n"), "A\nB!\n");
    assert_eq!(host.failures("outcome").to_string(), "1");
}

#[test]
fn the_reason_of_a_failure_is_in_the_log() {
    let host = Host::filtering(&guest::batch("verdicts"), "");
    assert_text(&host.connect().exchange(b"?d\n"), "?d\n");
    host.expect_stderr("a question");
}
