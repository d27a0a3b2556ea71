//! Guests that trap, spin, grow, or answer nonsense: the line that did it follows `on_error`,
//! every other line comes back right, and the host lives.
//!
//! The guests turn lines into upper case, so a line that was passed unfiltered can be told; a
//! `!` in a line makes them go wrong.

use linemill_tests::{Host, guest};

#[track_caller]
fn text(got: &[u8], expected: &str) {
    assert_eq!(
        got.escape_ascii().to_string(),
        expected.as_bytes().escape_ascii().to_string()
    );
}

/// What every fault must look like from outside, under each policy. `bad` is the line that does
/// it; `kind` is what it counts as.
#[track_caller]
fn contained(component: &[u8], filter: &str, bad: &str, kind: &str) {
    let input = format!("one\n{bad}\r\ntwo\n");

    let mut host = Host::filtering(component, filter);
    text(
        &host.connect().exchange(input.as_bytes()),
        &format!("ONE\n{bad}\r\nTWO\n"),
    );
    assert!(
        host.failures(kind) >= 1.0,
        "no failure of kind {kind}:\n{}",
        host.get("/metrics").body
    );
    text(&host.connect().exchange(b"three\n"), "THREE\n");
    host.alive();

    let mut host = Host::filtering(component, &format!("{filter}\non_error = \"drop\""));
    text(&host.connect().exchange(input.as_bytes()), "ONE\nTWO\n");
    assert!(
        host.failures(kind) >= 1.0,
        "no failure of kind {kind}:\n{}",
        host.get("/metrics").body
    );
    host.alive();

    let mut host = Host::filtering(component, &format!("{filter}\non_error = \"close\""));
    let mut bystander = host.connect();
    let mut client = host.connect();
    client.send(input.as_bytes());
    text(&client.rest(), "ONE\n");
    bystander.send(b"not me\n");
    bystander.expect(b"NOT ME\n");
    host.alive();
}

#[test]
fn a_correct_guest_is_left_alone() {
    let host = Host::filtering(&guest::batch("shout"), "");
    text(
        &host.connect().exchange("one\r\n\nthrée\0\nrest".as_bytes()),
        "ONE\r\n\nTHRéE\0\nREST",
    );
}

#[test]
fn gaps_do_not_count() {
    let host = Host::filtering(&guest::batch("gaps"), "");
    text(
        &host.connect().exchange(b"one\r\n\ntwo\n\r\nrest"),
        "ONE\r\n\nTWO\n\r\nREST",
    );
}

#[test]
fn a_trap() {
    contained(&guest::batch("trap"), "", "bad!", "trap");
}

#[test]
fn an_endless_loop_is_cut_at_the_deadline() {
    contained(
        &guest::batch("loop"),
        "deadline = \"20ms\"",
        "bad!",
        "deadline",
    );
}

#[test]
fn memory_beyond_the_limit() {
    contained(&guest::batch("grow"), "memory = \"2MiB\"", "bad!", "memory");
}

#[test]
fn endless_recursion() {
    contained(&guest::batch("recurse"), "", "bad!", "stack");
}

#[test]
fn an_output_that_is_far_too_long() {
    contained_of_any_kind(&guest::batch("huge"), "memory = \"32MiB\"", "bad!");
}

#[test]
fn an_answer_outside_of_memory() {
    contained_of_any_kind(&guest::batch("beyond"), "", "bad!");
}

#[test]
fn a_terminator_inside_a_line_fails_that_line() {
    contained(&guest::batch("terminator"), "", "bad!line", "terminator");
}

#[test]
fn outcomes_that_are_not_right() {
    let component = guest::batch("outcome");
    let host = Host::filtering(&component, "");
    for kind in "0123456789abcd".chars() {
        let input = format!("one\nbad!{kind}\r\ntwo\n");
        let before = host.metric("linemill_filter_failures_total", &[]);
        text(
            &host.connect().exchange(input.as_bytes()),
            &format!("ONE\nbad!{kind}\r\nTWO\n"),
        );
        let after = host.metric("linemill_filter_failures_total", &[]);
        assert!(after > before, "outcome {kind} counts as no failure");
    }
}

#[test]
fn many_bad_lines_among_many_good_ones() {
    let host = Host::filtering(&guest::batch("trap"), "");
    let (mut input, mut expected) = (String::new(), String::new());
    for number in 0..400 {
        let bad = number % 97 == 5;
        let line = if bad {
            format!("line {number}!\n")
        } else {
            format!("line {number}\n")
        };
        expected.push_str(&if bad {
            line.clone()
        } else {
            line.to_uppercase()
        });
        input.push_str(&line);
    }
    text(&host.connect().exchange(input.as_bytes()), &expected);
}

#[test]
fn one_endless_line_among_a_thousand() {
    let host = Host::filtering(&guest::batch("loop"), "deadline = \"5ms\"");
    let (mut input, mut expected) = (String::new(), String::new());
    for number in 0..1000 {
        let line = if number == 700 {
            "line 700!\n".to_owned()
        } else {
            format!("line {number}\n")
        };
        expected.push_str(&if number == 700 {
            line.clone()
        } else {
            line.to_uppercase()
        });
        input.push_str(&line);
    }
    text(&host.connect().exchange(input.as_bytes()), &expected);
}

#[test]
fn a_guest_that_spins_does_not_hold_up_other_connections() {
    let host = Host::filtering(&guest::batch("loop"), "deadline = \"1s\"");
    let mut quick = host.connect();
    quick.send(b"first\n");
    quick.expect(b"FIRST\n");
    // More of them than the host has threads.
    let mut spinning: Vec<_> = (0..4).map(|_| host.connect()).collect();
    for client in &mut spinning {
        client.send(b"spin!\n");
    }
    for _ in 0..10 {
        quick.send(b"quick\n");
        quick.expect(b"QUICK\n");
    }
    for client in &mut spinning {
        // Still at it, so the ten lines did not wait for them.
        client.expect_silence(std::time::Duration::from_millis(1));
    }
    for client in &mut spinning {
        client.expect(b"spin!\n");
    }
}

#[test]
fn every_verdict_of_the_batch_world() {
    let host = Host::filtering(&guest::batch("verdicts"), "");
    let mut client = host.connect();
    client.send(b"a\n-b\n+c\r\n?d\ne\n");
    client.expect(b"A\n+\r\nC\r\n?d\nE\n");
    assert_eq!(host.failures("verdict").to_string(), "1");
    client.send(b"f\n.g\nh\n.i\n");
    text(&client.rest(), "F\n.G\n");
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
    text(&client.rest(), "H\n.I\n");
}

#[test]
fn a_route_that_leads_nowhere_is_none() {
    for component in [guest::batch("verdicts"), guest::line("line")] {
        let host = Host::filtering(&component, "");
        text(
            &host.connect().exchange(b"a\n>b\n-c\n<d\r\n>e"),
            "A\n>B\n<D\r\n>E",
        );
        assert_eq!(host.failures("outcome").to_string(), "0");
    }
}

#[test]
fn the_line_world_follows_the_policy_too() {
    contained(&guest::line("line"), "", "!bad", "trap");
    contained(&guest::line("line"), "", "?bad", "verdict");
}

#[test]
fn what_a_filter_holds_comes_at_the_end_of_its_stream() {
    let host = Host::filtering(&guest::batch("count"), "");
    let (mut one, mut two) = (host.connect(), host.connect());
    for _ in 0..3 {
        one.send(b"x\n");
        two.send(b"x\ny\n");
    }
    one.finish();
    two.finish();
    text(&one.rest(), "3\n");
    text(&two.rest(), "6\n");
}

#[test]
fn what_a_filter_holds_is_checked() {
    let host = Host::filtering(&guest::batch("held"), "");
    text(&host.connect().exchange(b"a"), "A\none\ntwo\n");
    assert_eq!(host.failures("outcome").to_string(), "0");
    text(&host.connect().exchange(b"a\nb!\n"), "A\nB!\n");
    assert_eq!(host.failures("outcome").to_string(), "1");
}

#[test]
fn the_reason_of_a_failure_is_in_the_log() {
    let host = Host::filtering(&guest::batch("verdicts"), "");
    text(&host.connect().exchange(b"?d\n"), "?d\n");
    host.expect_stderr("a question");
}

#[track_caller]
fn contained_of_any_kind(component: &[u8], filter: &str, bad: &str) {
    let host = Host::filtering(component, filter);
    text(
        &host
            .connect()
            .exchange(format!("one\n{bad}\ntwo\n").as_bytes()),
        &format!("ONE\n{bad}\nTWO\n"),
    );
    let counted = host.metric("linemill_filter_failures_total", &[("filter", "guest")]);
    assert!(
        counted >= 1.0,
        "counted as no failure:\n{}",
        host.get("/metrics").body
    );
}

#[test]
fn after_a_fault_calls_are_small_for_a_while() {
    let host = Host::filtering(&guest::batch("trap"), "");
    let mut client = host.connect();
    let calls = || host.metric("linemill_filter_calls_total", &[("filter", "guest")]);
    let mut give = |lines: usize| {
        let before = calls();
        client.send(&b"x\n".repeat(lines));
        client.expect(&b"X\n".repeat(lines));
        calls() - before
    };
    let few = 1.0..10.0;
    assert!(few.contains(&give(320)), "before");
    host.gives("bad!", "bad!");
    assert!(give(320) >= 10.0, "32 lines a call at most");
    give(10_000);
    assert!(few.contains(&give(320)), "afterwards");
}

/// What follows a fault runs in memory set aside, of which there is enough for 256 at a time.
#[test]
fn more_filters_fail_than_there_are_slots() {
    let host = Host::filtering(&guest::batch("trap"), "isolation = \"connection\"");
    let mut clients: Vec<_> = (0..300).map(|_| host.connect()).collect();
    for client in &mut clients {
        client.send(b"bad!\nx\n");
        client.expect(b"bad!\nX\n");
    }
    let instances = || host.metric("linemill_filter_instances", &[("filter", "guest")]);
    assert_eq!(instances().to_string(), "300");
    for client in &mut clients {
        client.send(b"y\nbad!\nz\n");
        client.expect(b"Y\nbad!\nZ\n");
    }
    assert_eq!(host.failures("trap").to_string(), "600");
    drop(clients);
    host.expect_no_connections();
    assert_eq!(instances().to_string(), "0");
}

#[test]
fn an_instance_after_a_fault_is_cut_as_well() {
    let host = Host::filtering(&guest::batch("loop"), "deadline = \"20ms\"");
    for _ in 0..3 {
        host.gives("one\nbad!\ntwo", "ONE\nbad!\nTWO");
    }
    assert!(host.failures("deadline") >= 3.0);
}
