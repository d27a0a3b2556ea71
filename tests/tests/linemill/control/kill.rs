//! Hosts killed during a swap: the next start serves the configuration on disk.

use std::time::Duration;

use linemill_tests::{Folder, Host, Outcome, guest, rot13};

const LINE: &[u8] = b"Hello\n";

/// One of four configurations, and what it makes of [`LINE`].
fn config(number: usize) -> (String, Vec<u8>) {
    let (chain, made) = match number % 4 {
        0 => ("", LINE.to_vec()),
        1 => ("\"rot13\"", rot13(LINE)),
        2 => ("\"guest\"", LINE.to_ascii_uppercase()),
        _ => ("\"rot13\", \"guest\"", rot13(LINE).to_ascii_uppercase()),
    };
    let config = Host::config(
        &format!("chain = [{chain}]"),
        "[filter.guest]\nplugin = \"./guest.wasm\"",
    );
    (config, made)
}

#[test]
fn a_start_after_a_kill_serves_the_configuration_on_disk() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    let mut host = Host::serve_in(folder, config(0).0);
    let (mut number, mut made) = (0, config(0).1);
    for round in 0..10 {
        // Whatever generation was in force when it was killed.
        assert_eq!(host.connect().exchange(LINE), made, "round {round}");
        let mut client = host.connect();
        client.send(b"a line that has no end");
        for _ in 0..3 {
            number += 1;
            let (text, due) = config(number);
            made = due;
            host.replace_config(text);
            host.hang_up();
        }
        // Each round kills it at another moment: on a trigger, while loading or building, after the swap.
        std::thread::sleep(Duration::from_millis(25) * round);
        host = host.kill_and_start();
    }
    assert_eq!(host.connect().exchange(LINE), made);
}

#[test]
fn a_start_after_a_kill_refuses_an_invalid_configuration() {
    let mut host = Host::serve(config(1).0.replace("./guest.wasm", "rot13"));
    assert_eq!(host.connect().exchange(LINE), rot13(LINE));
    host.replace_config(Host::config("chian = []", ""));
    assert_eq!(host.reload().outcome, Outcome::Refused);
    assert_eq!(host.connect().exchange(LINE), rot13(LINE));
    host = host.kill_and_start();
    assert!(!host.wait().success());
    host.expect_stderr("linemill.toml:8:1: unknown key `chian`");
}
