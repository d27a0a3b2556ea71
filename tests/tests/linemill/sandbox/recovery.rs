//! After a fault: which lines are affected, how calls are batched, and what instances remain.
//!
//! The guests convert lines to upper case and go wrong on a `!`.

use linemill_tests::{Host, guest};

use super::faults::assert_text;

/// Appends a line to `input`, and to `expected` what must come back: a bad line passes unfiltered.
fn push_line(number: usize, bad: bool, input: &mut String, expected: &mut String) {
    let line = if bad {
        format!("line {number}!\n")
    } else {
        format!("line {number}\n")
    };
    input.push_str(&line);
    expected.push_str(&if bad { line } else { line.to_uppercase() });
}

#[test]
fn many_bad_lines_among_many_good_ones() {
    let host = Host::filtering(&guest::batch("trap"), "");
    let (mut input, mut expected) = (String::new(), String::new());
    for number in 0..400 {
        push_line(number, number % 97 == 5, &mut input, &mut expected);
    }
    assert_text(&host.connect().exchange(input.as_bytes()), &expected);
}

#[test]
fn one_endless_line_among_a_thousand() {
    let host = Host::filtering(&guest::batch("loop"), "deadline = \"5ms\"");
    let (mut input, mut expected) = (String::new(), String::new());
    for number in 0..1000 {
        push_line(number, number == 700, &mut input, &mut expected);
    }
    assert_text(&host.connect().exchange(input.as_bytes()), &expected);
}

#[test]
fn a_guest_that_spins_does_not_hold_up_other_connections() {
    let host = Host::filtering(&guest::batch("loop"), "deadline = \"500ms\"");
    let mut quick = host.connect();
    quick.send(b"first\n");
    quick.expect(b"FIRST\n");
    // More than the host has threads.
    let mut spinning: Vec<_> = (0..4).map(|_| host.connect()).collect();
    for client in &mut spinning {
        client.send(b"spin!\n");
    }
    for _ in 0..10 {
        quick.send(b"quick\n");
        quick.expect(b"QUICK\n");
    }
    for client in &mut spinning {
        // Still spinning, so the ten lines did not wait for them.
        client.expect_silence(std::time::Duration::from_millis(1));
    }
    for client in &mut spinning {
        client.expect(b"spin!\n");
    }
}

#[test]
fn after_a_fault_batches_are_small_for_a_while() {
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
    host.expect_answer("bad!", "bad!");
    assert!(give(320) >= 10.0, "at most 32 lines per call");
    give(10_000);
    assert!(few.contains(&give(320)), "afterwards");
}

/// After a fault, instances run in pooled memory, which has slots for 256 at a time.
#[test]
fn more_instances_fail_than_there_are_slots() {
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
fn an_instance_after_a_fault_also_has_a_deadline() {
    let host = Host::filtering(&guest::batch("loop"), "deadline = \"20ms\"");
    for _ in 0..3 {
        host.expect_answer("one\nbad!\ntwo", "ONE\nbad!\nTWO");
    }
    assert!(host.failures("deadline") >= 3.0);
}
