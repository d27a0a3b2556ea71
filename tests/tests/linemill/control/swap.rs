//! A new chain under live connections, by SIGHUP and by the file watcher (cases 23, 24).

use std::time::{Duration, Instant};

use linemill_tests::{Folder, Host, Outcome, eventually, guest, rot13};

const ROT13: &str = "chain = [\"rot13\"]";
const PLAIN: &str = "chain = []";

fn config(listener: &str) -> String {
    Host::config(listener, "")
}

#[test]
fn sighup_moves_a_connection_between_two_lines() {
    let host = Host::serve(config(ROT13));
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    let before = host.generation();
    host.write_config(config(PLAIN));
    host.hang_up();
    host.wait_swap(before);
    client.send(b"two\n");
    client.expect(b"two\n");
    assert_eq!(host.connect().exchange(b"three\n"), b"three\n");
}

#[test]
fn a_file_written_in_place_is_loaded() {
    let host = Host::serve(config(ROT13));
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    let before = host.generation();
    host.write_config(config(PLAIN));
    host.wait_swap(before);
    client.send(b"two\n");
    client.expect(b"two\n");
}

#[test]
fn a_file_renamed_into_place_is_loaded() {
    let host = Host::serve(config(ROT13));
    let mut client = host.connect();
    for (listener, answer) in [(PLAIN, &b"one\n"[..]), (ROT13, b"bar\n"), (PLAIN, b"one\n")] {
        let before = host.generation();
        host.replace_config(config(listener));
        host.wait_swap(before);
        client.send(b"one\n");
        client.expect(answer);
    }
}

#[test]
fn case_23_a_partial_line_goes_through_the_new_chain_only() {
    let host = Host::serve(config(ROT13));
    let mut client = host.connect();
    client.send(b"ab");
    client.expect_silence(Duration::from_millis(100));
    host.swap(config(PLAIN));
    client.send(b"c\n");
    client.expect(b"abc\n");
}

#[test]
fn case_23_from_an_empty_chain() {
    let host = Host::serve(config(PLAIN));
    let mut client = host.connect();
    client.send(b"ab");
    client.expect_silence(Duration::from_millis(100));
    host.swap(config(ROT13));
    client.send(b"c\n");
    client.expect(b"nop\n");
}

#[test]
fn a_refused_configuration_changes_nothing() {
    let host = Host::serve(config(ROT13));
    let mut client = host.connect();
    let before = host.generation();
    let missing = Host::config(
        "chain = [\"gone\"]",
        "[filter.gone]\nplugin = \"./gone.wasm\"",
    );
    let (syntax, unknown) = ("[[listener]\n".to_owned(), config("chian = []"));
    for (count, (bad, report)) in [
        (syntax, "linemill.toml"),
        (unknown, "chian"),
        (missing, "gone.wasm"),
    ]
    .iter()
    .enumerate()
    {
        host.replace_config(bad);
        eventually("a refused reload", || {
            (host.reloads(Outcome::Refused) > count as u64).then_some(())
        });
        host.expect_stderr(report);
        client.send(b"still\n");
        client.expect(b"fgvyy\n");
    }
    assert_eq!(host.generation(), before);
    host.replace_config(config(PLAIN));
    host.wait_swap(before);
    client.send(b"back\n");
    client.expect(b"back\n");
}

#[test]
fn a_changed_plugin_is_loaded() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"";
    let host = Host::serve_in(folder, Host::config("chain = [\"guest\"]", filters));
    let mut client = host.connect();
    client.send(b"a!\n");
    client.expect(b"A!\n");
    let before = host.generation();
    host.folder().replace("guest.wasm", guest::batch("trap"));
    host.wait_swap(before);
    client.send(b"a!\n");
    client.expect(b"a!\n");
}

#[test]
fn held_lines_come_back_at_a_swap() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("count"));
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"";
    let host = Host::serve_in(folder, Host::config("chain = [\"guest\"]", filters));
    let mut client = host.connect();
    client.send(b"a\nb\n");
    host.wait_metric("linemill_lines_in_total", &[], 2.0);
    let before = host.generation();
    host.replace_config(config(PLAIN));
    host.wait_swap(before);
    client.send(b"c\n");
    client.expect(b"2\nc\n");
}

#[test]
fn case_24_a_burst_of_sighups_causes_few_loads() {
    let host = Host::serve(config(PLAIN));
    let mut client = host.connect();
    let mut sender = client.another();
    let lines: Vec<String> = (0..20_000)
        .map(|number| format!("line number {number} of a stream\n"))
        .collect();
    let loads = || host.metric("linemill_reloads_total", &[]);
    let before = loads();
    let (got, seconds) = std::thread::scope(|scope| {
        scope.spawn(|| {
            for block in lines.chunks(100) {
                sender.send(block.concat().as_bytes());
                std::thread::sleep(Duration::from_millis(7));
            }
            sender.finish();
        });
        let burst = scope.spawn(|| {
            let start = Instant::now();
            for round in 0..100 {
                host.replace_config(config(if round % 2 == 0 { PLAIN } else { ROT13 }));
                host.hang_up();
                let due = Duration::from_millis(10) * (round + 1);
                std::thread::sleep(due.saturating_sub(start.elapsed()));
            }
            start.elapsed().as_secs_f64()
        });
        let got = client.rest();
        (got, burst.join().expect("the burst does not panic"))
    });
    let got: Vec<&[u8]> = got.split_inclusive(|&byte| byte == b'\n').collect();
    assert_eq!(got.len(), lines.len());
    for (got, sent) in got.iter().zip(&lines) {
        assert!(
            *got == sent.as_bytes() || *got == rot13(sent.as_bytes()),
            "{} for {sent}",
            got.escape_ascii()
        );
    }
    eventually("the last configuration in force", || {
        (host.connect().exchange(b"Hello\n") == b"Uryyb\n").then_some(())
    });
    let loads = loads() - before;
    assert!(
        (1.0..=10.0 * seconds.max(1.0)).contains(&loads),
        "{loads} loads of 100 SIGHUPs in {seconds:.1} s"
    );
}
