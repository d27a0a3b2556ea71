//! A new chain under live connections.

use std::time::{Duration, Instant};

use linemill_tests::{Folder, Host, eventually, guest, rot13};

const TURN: &str = "chain = [\"rot13\"]";
const PLAIN: &str = "chain = []";

/// Waits until a swap has happened after generation `before`.
#[track_caller]
fn swapped(host: &Host, before: f64) {
    eventually("a new generation", || {
        (generation(host) > before).then_some(())
    });
}

#[track_caller]
fn generation(host: &Host) -> f64 {
    host.metric("linemill_generation", &[])
}

fn config(listener: &str) -> String {
    Host::config(listener, "")
}

#[test]
fn sighup_moves_a_live_connection_between_two_lines() {
    let host = Host::serve(config(TURN));
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    let before = generation(&host);
    host.write_config(config(PLAIN));
    host.hang_up();
    swapped(&host, before);
    client.send(b"two\n");
    client.expect(b"two\n");
    assert_eq!(host.connect().exchange(b"three\n"), b"three\n");
}

#[test]
fn a_changed_file_is_enough() {
    let host = Host::serve(config(TURN));
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    let before = generation(&host);
    host.write_config(config(PLAIN));
    swapped(&host, before);
    client.send(b"two\n");
    client.expect(b"two\n");
}

#[test]
fn a_file_renamed_over_the_old_is_enough_and_again() {
    let host = Host::serve(config(TURN));
    let mut client = host.connect();
    for (listener, answer) in [(PLAIN, &b"one\n"[..]), (TURN, b"bar\n"), (PLAIN, b"one\n")] {
        let before = generation(&host);
        host.replace_config(config(listener));
        swapped(&host, before);
        client.send(b"one\n");
        client.expect(answer);
    }
}

#[test]
fn case_23_a_partial_line_goes_through_the_new_chain_only() {
    let host = Host::serve(config(TURN));
    let mut client = host.connect();
    client.send(b"ab");
    client.expect_silence(Duration::from_millis(100));
    let before = generation(&host);
    host.replace_config(config(PLAIN));
    host.hang_up();
    swapped(&host, before);
    client.send(b"c\n");
    client.expect(b"abc\n");
}

#[test]
fn case_23_the_other_way() {
    let host = Host::serve(config(PLAIN));
    let mut client = host.connect();
    client.send(b"ab");
    client.expect_silence(Duration::from_millis(100));
    let before = generation(&host);
    host.replace_config(config(TURN));
    host.hang_up();
    swapped(&host, before);
    client.send(b"c\n");
    client.expect(b"nop\n");
}

#[test]
fn a_config_that_fails_leaves_the_old_running() {
    let host = Host::serve(config(TURN));
    let mut client = host.connect();
    let before = generation(&host);
    let missing = Host::config(
        "chain = [\"gone\"]",
        "[filter.gone]\nplugin = \"./gone.wasm\"",
    );
    let (syntax, unknown) = ("[[listener]\n".to_owned(), config("chian = []"));
    for (count, (bad, says)) in [
        (syntax, "linemill.toml"),
        (unknown, "chian"),
        (missing, "gone.wasm"),
    ]
    .iter()
    .enumerate()
    {
        host.replace_config(bad);
        let wanted = f64::from(u32::try_from(count + 1).expect("three"));
        eventually("a failed reload", || {
            (host.metric("linemill_reloads_total", &[("result", "refused")]) >= wanted)
                .then_some(())
        });
        host.expect_stderr(says);
        client.send(b"still\n");
        client.expect(b"fgvyy\n");
    }
    assert_eq!(generation(&host).to_string(), before.to_string());
    host.replace_config(config(PLAIN));
    swapped(&host, before);
    client.send(b"back\n");
    client.expect(b"back\n");
}

#[test]
fn a_changed_plugin_file_is_enough() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"";
    let host = Host::serve_in(folder, Host::config("chain = [\"guest\"]", filters));
    let mut client = host.connect();
    client.send(b"a!\n");
    client.expect(b"A!\n");
    let before = generation(&host);
    host.folder().replace("guest.wasm", guest::batch("trap"));
    swapped(&host, before);
    client.send(b"a!\n");
    client.expect(b"a!\n");
}

#[test]
fn the_filter_that_held_lines_gives_them_back_at_a_swap() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("count"));
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"";
    let host = Host::serve_in(folder, Host::config("chain = [\"guest\"]", filters));
    let mut client = host.connect();
    client.send(b"a\nb\n");
    host.wait_metric("linemill_lines_in_total", &[], 2.0);
    let before = generation(&host);
    host.replace_config(config(PLAIN));
    swapped(&host, before);
    client.send(b"c\n");
    client.expect(b"2\nc\n");
}

#[test]
fn case_24_a_burst_of_sighups_is_a_few_loads_and_loses_no_line() {
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
                host.replace_config(config(if round % 2 == 0 { PLAIN } else { TURN }));
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
    eventually("the last config is active", || {
        (host.connect().exchange(b"Hello\n") == b"Uryyb\n").then_some(())
    });
    let loads = loads() - before;
    assert!(
        (1.0..=10.0 * seconds.max(1.0)).contains(&loads),
        "{loads} loads of 100 SIGHUPs in {seconds:.1} s"
    );
}
