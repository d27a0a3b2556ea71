//! What a filter knows of a stream, from one version to the next, under live connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linemill_tests::{Client, Folder, Host, eventually, guest};

/// A host with the filter `it`, whose file is `it.wasm`, and a client of it.
struct Swap {
    host: Host,
    client: Client,
}

impl Swap {
    /// `filter` is more keys of the filter's table.
    fn new(plugin: &[u8], chain: &str, filter: &str) -> Self {
        let folder = Folder::new();
        folder.write("it.wasm", plugin);
        let host = Host::serve_in(folder, config(chain, filter));
        let client = host.connect();
        Self { host, client }
    }

    #[track_caller]
    fn exchange(&mut self, sent: &[u8], expected: &[u8]) {
        self.client.send(sent);
        self.client.expect(expected);
    }

    /// Sends lines that the filters keep.
    #[track_caller]
    fn held(&mut self, sent: &[u8]) {
        let seen = || {
            self.host
                .metric("linemill_filter_lines_total", &[("filter", "it")])
        };
        let due = seen() + sent.iter().filter(|&&byte| byte == b'\n').count() as f64;
        self.client.send(sent);
        eventually("the filter has seen the lines", || {
            (seen() >= due).then_some(())
        });
    }

    /// Another version.
    #[track_caller]
    fn replace_plugin(&self, plugin: &[u8]) {
        self.swapped(|host| drop(host.folder().replace("it.wasm", plugin)));
    }

    /// Another configuration.
    #[track_caller]
    fn configure(&self, chain: &str, filter: &str) {
        self.swapped(|host| host.replace_config(config(chain, filter)));
    }

    #[track_caller]
    fn swapped(&self, swap: impl FnOnce(&Host)) {
        let generation = || self.host.metric("linemill_generation", &[]);
        let before = generation();
        swap(&self.host);
        eventually("a new generation", || (generation() > before).then_some(()));
    }

    /// Waits until the state of so many streams came to `result`, and none to another: a stream
    /// follows a new generation by itself, but a line may be quicker.
    #[track_caller]
    fn counted(&self, result: &str, count: f64) {
        let labels = [("filter", "it"), ("result", result)];
        self.host
            .wait_metric("linemill_filter_handovers_total", &labels, count);
        let all = self
            .host
            .metric("linemill_filter_handovers_total", &[("filter", "it")]);
        assert_eq!(all.to_string(), count.to_string(), "no other result");
    }
}

fn config(chain: &str, filter: &str) -> String {
    let filters = format!(
        "[filter.it]\nplugin = \"./it.wasm\"\n{filter}\n\n\
         [filter.before]\nplugin = \"number\"\nsettings = {{ separator = \"-\" }}\n\n\
         [filter.after]\nplugin = \"number\"\nsettings = {{ separator = \"+\" }}"
    );
    Host::config(&format!("chain = [{chain}]"), &filters)
}

const ALONE: &str = "\"it\"";

/// The guest `late`, which holds each line until the next one, with the letter for what is wrong
/// with its hand-over.
fn late(letter: char, handover: &str) -> String {
    format!("settings = {{ v = \"{letter}\" }}\nhandover = \"{handover}\"\ndeadline = \"20ms\"")
}

#[test]
fn number_goes_on_across_files_and_settings() {
    let number = guest::bundled("number");
    let mut swap = Swap::new(&number, ALONE, "");
    swap.exchange(b"a\nb\n", b"1 a\n2 b\n");
    for (mark, count) in [("one", 1.0), ("two", 2.0), ("three", 3.0)] {
        swap.replace_plugin(&guest::again(number.clone(), mark));
        swap.counted("restored", count);
        swap.exchange(b"x\n", format!("{} x\n", count + 2.0).as_bytes());
    }
    swap.configure(
        ALONE,
        "settings = { start = 100, width = 4, separator = \":\" }",
    );
    swap.counted("restored", 4.0);
    swap.exchange(b"y\n", b"0006:y\n");
    assert_eq!(swap.host.connect().exchange(b"z\n"), b"0100:z\n");
    assert!(!swap.host.stderr().contains("not handed over"));
}

#[test]
fn a_partial_line_is_the_new_ones_and_counts_on() {
    let number = guest::bundled("number");
    let mut swap = Swap::new(&number, ALONE, "");
    swap.exchange(b"a\nhal", b"1 a\n");
    swap.replace_plugin(&guest::again(number, "two"));
    swap.counted("restored", 1.0);
    swap.exchange(b"f\n", b"2 half\n");
}

#[test]
fn a_filter_of_the_line_world_goes_on_too() {
    let tally = guest::line_with_state("tally");
    let mut swap = Swap::new(&tally, ALONE, "");
    swap.exchange(b"a\nb\n", b"1\n2\n");
    swap.replace_plugin(&guest::again(tally, "two"));
    swap.counted("restored", 1.0);
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
                let file = guest::again(number.clone(), &letter.to_string());
                swap.host.folder().replace("it.wasm", file);
                swap.counted("restored", count.into());
            }
        });
        let got = client.rest();
        (sending.join().expect("the sender does not panic"), got)
    });
    let expected: String = (1..=sent).map(|number| format!("{number} x\n")).collect();
    assert!(got == expected.as_bytes(), "every number once, in order");
}

/// Says that something is over, also when a test fails.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn dedup_still_knows_its_window() {
    let dedup = guest::bundled("dedup");
    let mut swap = Swap::new(&dedup, ALONE, "settings = { window = 3 }");
    swap.exchange(b"a\nb\nc\na\n", b"a\nb\nc\n");
    swap.replace_plugin(&guest::again(dedup, "two"));
    swap.counted("restored", 1.0);
    swap.exchange(b"a\nb\nc\nd\n", b"d\n");
    swap.configure(ALONE, "settings = { window = 2 }");
    swap.counted("restored", 2.0);
    swap.exchange(b"c\nd\nb\n", b"b\n");
}

#[test]
fn a_held_line_goes_along() {
    let late = guest::with_state("late");
    let mut swap = Swap::new(&late, "\"it\", \"after\"", "");
    swap.held(b"a\nb\n");
    swap.client.expect(b"1+A\n");
    swap.replace_plugin(&guest::again(late, "two"));
    swap.counted("restored", 1.0);
    swap.exchange(b"c\n", b"2+B\n");
    swap.client.finish();
    swap.client.expect(b"3+C\n");
    swap.client.expect_end();
}

#[test]
fn what_leaves_passes_the_old_chain_before_that_is_asked_for_its_state() {
    let late = guest::with_state("late");
    let mut swap = Swap::new(&late, "\"before\", \"it\", \"after\"", "");
    swap.held(b"a\n");
    // `it` leaves, and what it held is numbered by `after`, which goes on after it: also in place of
    // itself with other settings.
    let next = config("\"after\"", "").replace("\"+\"", "\"*\"");
    swap.swapped(|host| host.replace_config(next));
    swap.client.expect(b"1+1-A\n");
    swap.exchange(b"b\n", b"2*b\n");
}

#[test]
fn start_fresh_gives_back_what_the_old_one_held() {
    // What the old one does, what the new one does, and the reason that the log gives.
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
        swap.held(b"a\n");
        swap.configure("\"it\", \"after\"", &late(new, "start-fresh"));
        swap.counted("fresh", 1.0);
        swap.host.expect_stderr("state not handed over");
        swap.host.expect_stderr(reason);
        swap.client.send(b"b\n");
        swap.client.finish();
        // A fault of the old one takes what it held with it.
        match old {
            'e' | 'r' => swap.client.expect(b"1+A\n2+B\n"),
            _ => swap.client.expect(b"1+B\n"),
        }
        swap.client.expect_end();
    }
}

#[test]
fn keep_old_goes_on_with_the_old_one() {
    for (old, new) in [('e', 'r'), ('r', 'E'), ('r', 'T'), ('r', 'L')] {
        let plugin = guest::with_state("late");
        let mut swap = Swap::new(&plugin, "\"it\", \"after\"", &late(old, "start-fresh"));
        swap.held(b"a\n");
        swap.configure("\"before\", \"it\"", &late(new, "keep-old"));
        swap.counted("kept", 1.0);
        swap.host.expect_stderr("state not handed over");
        swap.exchange(b"b\n", b"A\n");
        // The chain is the new one, and new connections have the new filter.
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
fn keep_old_cannot_keep_one_that_failed() {
    for old in ['t', 'l', 'b', 'g'] {
        let plugin = guest::with_state("late");
        let mut swap = Swap::new(&plugin, ALONE, &late(old, "keep-old"));
        swap.held(b"a\n");
        swap.configure(ALONE, &late('r', "keep-old"));
        swap.counted("fresh", 1.0);
        swap.client.send(b"b\n");
        swap.client.finish();
        swap.client.expect(b"B\n");
        swap.client.expect_end();
    }
}

#[test]
fn a_version_without_state_takes_nothing_over() {
    let (late, count) = (guest::with_state("late"), guest::batch("count"));
    for (old, new, which, expected) in [
        (&late, &count, "new", &b"A\n2\n"[..]),
        (&count, &late, "old", b"1\nB\nC\n"),
    ] {
        let mut swap = Swap::new(old, ALONE, "");
        swap.held(b"a\n");
        swap.replace_plugin(new);
        swap.counted("fresh", 1.0);
        swap.host
            .expect_stderr(&format!("the {which} version has no export `state`"));
        swap.client.send(b"b\nc\n");
        swap.client.finish();
        swap.client.expect(expected);
        swap.client.expect_end();
    }
    let mut swap = Swap::new(&count, ALONE, "handover = \"keep-old\"");
    swap.held(b"a\n");
    swap.replace_plugin(&late);
    swap.counted("kept", 1.0);
    swap.client.send(b"b\nc\n");
    swap.client.finish();
    swap.client.expect(b"3\n");
    swap.client.expect_end();
}

#[test]
fn idle_connections_hold_no_instance_for_it() {
    let number = guest::bundled("number");
    let swap = Swap::new(&number, ALONE, "");
    let instances = |count| {
        swap.host
            .wait_metric("linemill_filter_instances", &[("filter", "it")], count);
    };
    swap.host.wait_metric("linemill_connections", &[], 1.0);
    instances(0.0);
    swap.replace_plugin(&guest::again(number, "two"));
    instances(0.0);
    let mut swap = swap;
    swap.exchange(b"a\n", b"1 a\n");
    assert_eq!(
        swap.host
            .metric("linemill_filter_handovers_total", &[])
            .to_string(),
        "0"
    );
}

#[test]
fn inspect_tells_that_a_state_can_be_handed_over() {
    let folder = Folder::new();
    folder.write("late.wasm", guest::with_state("late"));
    for (plugin, world) in [
        ("./late.wasm", "filter-with-state"),
        ("number", "filter-with-state"),
    ] {
        let text = linemill_tests::run(folder.path(), ["inspect", plugin], b"")
            .success()
            .text();
        for part in [
            &format!("world    linemill:filter/{world} 0.1"),
            "linemill:filter/state@0.1.0",
            "state    handed over",
        ] {
            assert!(text.contains(part), "no {part} in:\n{text}");
        }
    }
    let text = linemill_tests::run(folder.path(), ["inspect", "rot13"], b"")
        .success()
        .text();
    assert!(!text.contains("state"), "{text}");
}
