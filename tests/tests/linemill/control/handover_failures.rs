//! State that cannot be handed over: `handover = "start-fresh"` and `"keep-old"`.

use linemill_tests::guest;

use super::state::{ALONE, Swap, late};

#[test]
fn start_fresh_releases_held_lines() {
    // The fault of the old version, the fault of the new version, and the reason in the log.
    for (old, new, reason) in [
        (
            'e',
            'r',
            "the old version does not give its state: not now.",
        ),
        ('b', 'r', "its state has 1048577 bytes, more than 1048576"),
        (
            'g',
            'r',
            "the tag of its state is not 1 to 64 visible ASCII",
        ),
        ('t', 'r', "the old version fails at `save` (trap)"),
        ('l', 'r', "the old version fails at `save` (deadline)"),
        (
            'r',
            'E',
            "the new version refuses the state `late/1`: not now.",
        ),
        ('r', 'T', "the new version fails at `restore` (trap)"),
        ('r', 'L', "the new version fails at `restore` (deadline)"),
    ] {
        let plugin = guest::with_state("late");
        let mut swap = Swap::new(&plugin, "\"it\", \"after\"", &late(old, "start-fresh"));
        swap.send_held(b"a\n");
        swap.configure("\"it\", \"after\"", &late(new, "start-fresh"));
        swap.wait_handovers("fresh", 1.0);
        swap.host.expect_stderr("state not handed over");
        swap.host.expect_stderr(reason);
        swap.client.send(b"b\n");
        swap.client.finish();
        // If the old version fails, the line it held is lost.
        match old {
            'e' | 'r' => swap.client.expect(b"1+A\n2+B\n"),
            _ => swap.client.expect(b"1+B\n"),
        }
        swap.client.expect_end();
    }
}

#[test]
fn keep_old_continues_with_the_old_version() {
    for (old, new) in [('e', 'r'), ('r', 'E'), ('r', 'T'), ('r', 'L')] {
        let plugin = guest::with_state("late");
        let mut swap = Swap::new(&plugin, "\"it\", \"after\"", &late(old, "start-fresh"));
        swap.send_held(b"a\n");
        swap.configure("\"before\", \"it\"", &late(new, "keep-old"));
        swap.wait_handovers("kept", 1.0);
        swap.host.expect_stderr("state not handed over");
        swap.exchange(b"b\n", b"A\n");
        // Existing connections use the new chain with the old `it`; new connections use the new one.
        swap.exchange(b"c\n", b"1-B\n");
        assert_eq!(swap.host.connect().exchange(b"x\n"), b"1-X\n");
        if old == 'r' {
            swap.configure(ALONE, &late('r', "keep-old"));
            let labels = [("filter", "it"), ("result", "restored")];
            let name = "linemill_filter_handovers_total";
            swap.host.wait_metric(name, &labels, 1.0);
        }
        swap.client.finish();
        swap.client.expect(b"2-C\n");
        swap.client.expect_end();
    }
}

#[test]
fn keep_old_starts_fresh_if_the_old_version_failed() {
    for old in ['t', 'l', 'b', 'g'] {
        let plugin = guest::with_state("late");
        let mut swap = Swap::new(&plugin, ALONE, &late(old, "keep-old"));
        swap.send_held(b"a\n");
        swap.configure(ALONE, &late('r', "keep-old"));
        swap.wait_handovers("fresh", 1.0);
        swap.client.send(b"b\n");
        swap.client.finish();
        swap.client.expect(b"B\n");
        swap.client.expect_end();
    }
}

#[test]
fn a_version_without_state_starts_fresh() {
    let (late, count) = (guest::with_state("late"), guest::batch("count"));
    for (old, new, which, expected) in [
        (&late, &count, "new", &b"A\n2\n"[..]),
        (&count, &late, "old", b"1\nB\nC\n"),
    ] {
        let mut swap = Swap::new(old, ALONE, "");
        swap.send_held(b"a\n");
        swap.replace_plugin(new);
        swap.wait_handovers("fresh", 1.0);
        swap.host
            .expect_stderr(&format!("the {which} version has no export `state`"));
        swap.client.send(b"b\nc\n");
        swap.client.finish();
        swap.client.expect(expected);
        swap.client.expect_end();
    }
    let mut swap = Swap::new(&count, ALONE, "handover = \"keep-old\"");
    swap.send_held(b"a\n");
    swap.replace_plugin(&late);
    swap.wait_handovers("kept", 1.0);
    swap.client.send(b"b\nc\n");
    swap.client.finish();
    swap.client.expect(b"3\n");
    swap.client.expect_end();
}
