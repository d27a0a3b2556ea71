//! The state of a stream is handed over from one version of a filter to the next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linemill_tests::{Folder, guest, run};

use super::state::{ALONE, Swap, config};

#[test]
fn number_continues_across_plugins_and_settings() {
    let number = guest::bundled("number");
    let mut swap = Swap::new(&number, ALONE, "");
    swap.exchange(b"a\nb\n", b"1 a\n2 b\n");
    for (mark, count) in [("one", 1.0), ("two", 2.0), ("three", 3.0)] {
        swap.replace_plugin(&guest::marked(number.clone(), mark));
        swap.wait_handovers("restored", count);
        swap.exchange(b"x\n", format!("{} x\n", count + 2.0).as_bytes());
    }
    swap.configure(
        ALONE,
        "settings = { start = 100, width = 4, separator = \":\" }",
    );
    swap.wait_handovers("restored", 4.0);
    swap.exchange(b"y\n", b"0006:y\n");
    assert_eq!(swap.host.connect().exchange(b"z\n"), b"0100:z\n");
    assert!(!swap.host.stderr().contains("not handed over"));
}

#[test]
fn a_partial_line_goes_to_the_new_version() {
    let number = guest::bundled("number");
    let mut swap = Swap::new(&number, ALONE, "");
    swap.exchange(b"a\nhal", b"1 a\n");
    swap.replace_plugin(&guest::marked(number, "two"));
    swap.wait_handovers("restored", 1.0);
    swap.exchange(b"f\n", b"2 half\n");
}

#[test]
fn a_filter_of_the_line_world_continues() {
    let tally = guest::line_with_state("tally");
    let mut swap = Swap::new(&tally, ALONE, "");
    swap.exchange(b"a\nb\n", b"1\n2\n");
    swap.replace_plugin(&guest::marked(tally, "two"));
    swap.wait_handovers("restored", 1.0);
    swap.exchange(b"c\n", b"3\n");
}

#[test]
fn no_number_is_lost_or_doubled_while_lines_flow() {
    const LINES: usize = 100;
    let number = guest::bundled("number");
    let swap = Swap::new(&number, ALONE, "");
    let mut client = swap.host.connect();
    let mut sender = client.another();
    let swapped = AtomicBool::new(false);
    let (sent, got) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let mut sent = 0;
            while !swapped.load(Ordering::Relaxed) {
                sender.send(&b"x\n".repeat(LINES));
                sent += LINES;
                std::thread::sleep(Duration::from_millis(10));
            }
            sender.finish();
            sent
        });
        scope.spawn(|| {
            let _at_the_latest = OnDrop(&swapped);
            for (letter, count) in ('a'..='f').zip(1_u8..) {
                let file = guest::marked(number.clone(), &letter.to_string());
                swap.host.folder().replace("it.wasm", file);
                swap.wait_handovers("restored", count.into());
            }
        });
        let got = client.rest();
        (sending.join().expect("the sender does not panic"), got)
    });
    let expected: String = (1..=sent).map(|number| format!("{number} x\n")).collect();
    assert!(got == expected.as_bytes(), "every number once, in order");
}

/// Sets a flag when dropped, also when a test fails.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn dedup_keeps_its_window() {
    let dedup = guest::bundled("dedup");
    let mut swap = Swap::new(&dedup, ALONE, "settings = { window = 3 }");
    swap.exchange(b"a\nb\nc\na\n", b"a\nb\nc\n");
    swap.replace_plugin(&guest::marked(dedup, "two"));
    swap.wait_handovers("restored", 1.0);
    swap.exchange(b"a\nb\nc\nd\n", b"d\n");
    swap.configure(ALONE, "settings = { window = 2 }");
    swap.wait_handovers("restored", 2.0);
    swap.exchange(b"c\nd\nb\n", b"b\n");
}

#[test]
fn a_held_line_is_handed_over() {
    let late = guest::with_state("late");
    let mut swap = Swap::new(&late, "\"it\", \"after\"", "");
    swap.send_held(b"a\nb\n");
    swap.client.expect(b"1+A\n");
    swap.replace_plugin(&guest::marked(late, "two"));
    swap.wait_handovers("restored", 1.0);
    swap.exchange(b"c\n", b"2+B\n");
    swap.client.finish();
    swap.client.expect(b"3+C\n");
    swap.client.expect_end();
}

#[test]
fn held_lines_of_a_removed_filter_pass_the_old_chain() {
    let late = guest::with_state("late");
    let mut swap = Swap::new(&late, "\"before\", \"it\", \"after\"", "");
    swap.send_held(b"a\n");
    // `it` is removed. The line it held is numbered by the old `after`, and the new `after` continues
    // with the next number.
    let next = config("\"after\"", "").replace("\"+\"", "\"*\"");
    swap.swap(|host| host.replace_config(next));
    swap.client.expect(b"1+1-A\n");
    swap.exchange(b"b\n", b"2*b\n");
}

#[test]
fn idle_connections_keep_no_instance() {
    let number = guest::bundled("number");
    let mut swap = Swap::new(&number, ALONE, "");
    let instances = |count| {
        swap.host
            .wait_metric("linemill_filter_instances", &[("filter", "it")], count);
    };
    swap.host.wait_metric("linemill_connections", &[], 1.0);
    instances(0.0);
    swap.replace_plugin(&guest::marked(number, "two"));
    instances(0.0);
    swap.exchange(b"a\n", b"1 a\n");
    assert_eq!(
        swap.host
            .metric("linemill_filter_handovers_total", &[])
            .to_string(),
        "0"
    );
}

#[test]
fn inspect_reports_that_state_can_be_handed_over() {
    let folder = Folder::new();
    folder.write("late.wasm", guest::with_state("late"));
    for (plugin, world) in [
        ("./late.wasm", "filter-with-state"),
        ("number", "filter-with-state"),
    ] {
        let text = run(folder.path(), ["inspect", plugin], b"")
            .success()
            .text();
        for part in [
            &format!("world    linemill:filter/{world} 0.1"),
            "linemill:filter/state@0.1.",
            "state    handed over",
        ] {
            assert!(text.contains(part), "no {part} in:\n{text}");
        }
    }
    let text = run(folder.path(), ["inspect", "rot13"], b"")
        .success()
        .text();
    assert!(!text.contains("state"), "{text}");
}
