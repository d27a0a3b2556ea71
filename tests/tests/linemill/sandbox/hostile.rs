//! Guests that mean harm, one way each: what they did is named, the others are unaffected, the host
//! lives. What traps, spins or answers nonsense on a marked line is in `faults`, imports are in
//! `grants`; here is the rest.

use linemill_tests::{Folder, Host, guest, run};

/// Neither `check` nor `serve` takes it, and both say this.
#[track_caller]
fn refused(component: &[u8], parts: &[&str]) {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    let filter = "[filter.guest]\nplugin = \"./guest.wasm\"\n";
    folder.write("linemill.toml", Host::config("chain = [\"guest\"]", filter));
    run(folder.path(), ["check", "linemill.toml"], b"")
        .failure()
        .says(parts);
    run(folder.path(), ["serve", "--config", "linemill.toml"], b"")
        .failure()
        .says(parts);
}

#[test]
fn a_loop_in_realloc_is_cut() {
    let host = Host::filtering(&guest::batch("realloc-loop"), "deadline = \"20ms\"");
    let long = "x".repeat(80);
    host.gives(&format!("one\n{long}\ntwo"), &format!("ONE\n{long}\nTWO"));
    assert!(host.failures("deadline") > 0.5);
}

#[test]
fn tables_that_grow_without_end() {
    let host = Host::filtering(&guest::batch("tables"), "");
    host.gives("one\nbad!\ntwo", "ONE\nbad!\nTWO");
    assert!(host.failures("table") > 0.5);
}

#[test]
#[cfg(target_os = "linux")]
fn memory_that_is_taken_costs_no_more_than_it_may() {
    costs_at_most("hoard", 16, "memory", 2);
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_of_100_mib_costs_no_more_than_the_filter_may_have() {
    costs_at_most("vast", 101, "host_memory", 4);
}

/// The host's peak is beyond what the filter may have by at most so many MiB.
#[cfg(target_os = "linux")]
#[track_caller]
fn costs_at_most(name: &str, memory: u64, kind: &str, beyond: u64) {
    let keys = format!("memory = \"{memory}MiB\"\ndeadline = \"20s\"");
    let host = Host::filtering(&guest::batch(name), &keys);
    host.gives("one", "ONE");
    host.forget_peak();
    let before = host.memory().resident;
    host.gives("bad!", "bad!");
    host.gives("two", "TWO");
    assert_eq!(host.failures(kind).to_string(), "1");
    let cost = host.peak_memory().saturating_sub(before);
    assert!(cost <= (memory + beyond) << 20, "{cost} bytes");
}

#[test]
fn more_tables_or_memories_than_a_component_may_have() {
    let parts = ["filter `guest`", "parts", "count too high at 33"];
    refused(&guest::batch("many-tables"), &parts);
    refused(&guest::batch("many-memories"), &parts);
}

#[test]
fn a_trap_at_the_fifth_line() {
    let mut host = Host::filtering(&guest::batch("fifth"), "");
    let mut client = host.connect();
    for number in 1..=12 {
        client.send(format!("line {number}\n").as_bytes());
        // The instance after a trap counts anew.
        let expected = match number % 5 {
            0 => format!("line {number}\n"),
            _ => format!("LINE {number}\n"),
        };
        client.expect(expected.as_bytes());
    }
    assert_eq!(host.failures("trap").to_string(), "2");
    host.alive();
}

#[test]
fn a_trap_at_the_end_of_the_stream() {
    let mut host = Host::filtering(&guest::batch("end-trap"), "");
    host.gives("one\ntwo", "ONE\nTWO");
    assert_eq!(host.failures("trap").to_string(), "1");
    host.gives("three", "THREE");
    host.alive();
}

#[test]
fn floats_and_vectors_at_their_corners() {
    let mut host = Host::filtering(&guest::batch("corners"), "");
    host.gives("one\nbad!\ntwo", "ONE\nbad!\nTWO");
    assert!(host.failures("trap") > 0.5);
    host.alive();
}

/// What a filter can do that keeps something although it says that it keeps nothing.
#[test]
fn a_liar_carries_bytes_from_one_connection_to_another() {
    let host = Host::filtering(&guest::batch("liar"), "isolation = \"auto\"");
    let (mut one, mut two) = (host.connect(), host.connect());
    one.send(b"secret\n");
    one.expect(b"SECRET\n");
    two.send(b"mine\n");
    two.expect(b"SINE\n");
}

#[test]
fn isolation_keeps_a_liar_to_its_connection() {
    let host = Host::filtering(&guest::batch("liar"), "isolation = \"connection\"");
    let (mut one, mut two) = (host.connect(), host.connect());
    one.send(b"secret\n");
    one.expect(b"SECRET\n");
    two.send(b"mine\n");
    two.expect(b"MINE\n");
    // It lies still, to the connection whose bytes they are.
    one.send(b"more\n");
    one.expect(b"SORE\n");
    drop((one, two));
    let mut next = host.connect();
    next.send(b"next\n");
    next.expect(b"NEXT\n");
}
