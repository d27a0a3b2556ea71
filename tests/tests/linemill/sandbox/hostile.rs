//! Guests that attack the host, each in its own way: the report names what they did, other lines are not
//! affected, and the host keeps running.
//!
//! Not here: guests that trap, spin or answer nonsense on a marked line (`faults`), and imports
//! (`grants`).

use linemill_tests::{Folder, Host, guest, run};

/// Asserts that `check` and `serve` refuse the component, and report `parts`.
#[track_caller]
fn refused(component: &[u8], parts: &[&str]) {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    let filter = "[filter.guest]\nplugin = \"./guest.wasm\"\n";
    folder.write("linemill.toml", Host::config("chain = [\"guest\"]", filter));
    run(folder.path(), ["check", "linemill.toml"], b"")
        .failure()
        .stderr_has(parts);
    run(folder.path(), ["serve", "--config", "linemill.toml"], b"")
        .failure()
        .stderr_has(parts);
}

#[test]
fn a_loop_in_realloc_is_stopped() {
    let host = Host::filtering(&guest::batch("realloc-loop"), "deadline = \"20ms\"");
    let long = "x".repeat(80);
    host.expect_answer(&format!("one\n{long}\ntwo"), &format!("ONE\n{long}\nTWO"));
    assert!(host.failures("deadline") > 0.5);
}

#[test]
fn tables_that_grow_without_end() {
    let host = Host::filtering(&guest::batch("tables"), "");
    host.expect_answer("one\nbad!\ntwo", "ONE\nbad!\nTWO");
    assert!(host.failures("table") > 0.5);
}

#[test]
#[cfg(target_os = "linux")]
fn memory_is_limited() {
    costs_at_most("hoard", 16, "memory", 2);
}

#[test]
#[cfg(target_os = "linux")]
fn a_large_answer_costs_the_host_little() {
    costs_at_most("vast", 101, "host_memory", 4);
}

/// Asserts that a guest costs the host at most `beyond` MiB more than the `memory` MiB it may have.
#[cfg(target_os = "linux")]
#[track_caller]
fn costs_at_most(name: &str, memory: u64, kind: &str, beyond: u64) {
    let keys = format!("memory = \"{memory}MiB\"\ndeadline = \"20s\"");
    let host = Host::filtering(&guest::batch(name), &keys);
    host.expect_answer("one", "ONE");
    host.forget_peak();
    let before = host.memory().resident;
    host.expect_answer("bad!", "bad!");
    host.expect_answer("two", "TWO");
    assert_eq!(host.failures(kind).to_string(), "1");
    let cost = host.peak_memory().saturating_sub(before);
    assert!(cost <= (memory + beyond) << 20, "{cost} bytes");
}

#[test]
#[cfg(target_os = "linux")]
fn lines_that_overlap_are_never_copied() {
    let mut host = Host::filtering(&guest::batch("overlap"), "");
    host.expect_answer("one", "ONE");
    host.forget_peak();
    let (before, failed) = (host.memory().resident, host.failures("outcome"));
    let mut client = host.connect();
    client.send(b"two\n");
    client.finish();
    assert_eq!(client.rest(), b"TWO\n");
    assert_eq!((host.failures("outcome") - failed).to_string(), "1");
    let cost = host.peak_memory().saturating_sub(before);
    assert!(cost <= 16 << 20, "{cost} bytes");
    host.expect_alive();
}

#[test]
fn too_many_tables_or_memories() {
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
        // After a trap, the new instance counts from the start.
        let expected = if number % 5 == 0 {
            format!("line {number}\n")
        } else {
            format!("LINE {number}\n")
        };
        client.expect(expected.as_bytes());
    }
    assert_eq!(host.failures("trap").to_string(), "2");
    host.expect_alive();
}

#[test]
fn a_trap_at_the_end_of_the_stream() {
    let mut host = Host::filtering(&guest::batch("end-trap"), "");
    host.expect_answer("one\ntwo", "ONE\nTWO");
    assert_eq!(host.failures("trap").to_string(), "1");
    host.expect_answer("three", "THREE");
    host.expect_alive();
}

#[test]
fn edge_cases_of_floats_and_vectors() {
    let mut host = Host::filtering(&guest::batch("corners"), "");
    host.expect_answer("one\nbad!\ntwo", "ONE\nbad!\nTWO");
    assert!(host.failures("trap") > 0.5);
    host.expect_alive();
}

/// What a filter can do that keeps state although it declares that it does not.
#[test]
fn a_liar_leaks_bytes_between_connections() {
    let host = Host::filtering(&guest::batch("liar"), "isolation = \"auto\"");
    let (mut one, mut two) = (host.connect(), host.connect());
    one.send(b"secret\n");
    one.expect(b"SECRET\n");
    two.send(b"mine\n");
    two.expect(b"SINE\n");
}

#[test]
fn isolation_confines_a_liar_to_its_connection() {
    let host = Host::filtering(&guest::batch("liar"), "isolation = \"connection\"");
    let (mut one, mut two) = (host.connect(), host.connect());
    one.send(b"secret\n");
    one.expect(b"SECRET\n");
    two.send(b"mine\n");
    two.expect(b"MINE\n");
    // It still leaks, but only within the connection.
    one.send(b"more\n");
    one.expect(b"SORE\n");
    drop((one, two));
    let mut next = host.connect();
    next.send(b"next\n");
    next.expect(b"NEXT\n");
}
