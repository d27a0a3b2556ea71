//! `examples/redis`: which commands reach redis-server, and what its answers must not show.

use std::fs;
use std::path::Path;

use linemill_tests::{Folder, Host, Program, available, eventually, skip};

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/redis");
    let path = folder.join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Replaces the only line that starts with `start` by `new`.
fn replace(config: &str, start: &str, new: &str) -> String {
    let mut lines = config.lines().filter(|line| line.starts_with(start));
    let line = lines.next().unwrap_or_else(|| panic!("no line {start:?}"));
    assert_eq!(lines.next(), None, "a second line {start:?}");
    config.replace(line, new)
}

#[test]
fn the_readme_shows_commands_and_answers() {
    let readme = example("README.md");
    for name in ["commands.txt", "expected.txt"] {
        for line in example(name).lines() {
            assert!(readme.contains(line), "the README has no line {line:?}");
        }
    }
}

#[test]
#[cfg(unix)]
fn commands_and_answers_are_filtered() {
    let path = match available("redis-server", "redis-server") {
        Ok(path) => path,
        Err(why) => return skip("examples/redis", &why),
    };
    let folder = Folder::new();
    let socket = folder.path().join("redis");
    let text = |path: &Path| path.display().to_string();
    let mut server = Program::run(
        path,
        &[
            "--port",
            "0",
            "--unixsocket",
            &text(&socket),
            "--dir",
            &text(folder.path()),
            "--save",
            "",
        ],
    );
    eventually("redis-server listens", || socket.exists().then_some(()));
    let on_free_port = replace(
        &example("linemill.toml"),
        "bind = ",
        "bind = \"127.0.0.1:0\"",
    );
    let config = replace(
        &on_free_port,
        "to = ",
        &format!("to = \"unix:{}\"", text(&socket)),
    );
    let host = Host::serve(format!("[host]\nadmin = \"127.0.0.1:0\"\n{config}"));

    let mut client = host.connect();
    client.send(example("commands.txt").as_bytes());
    let expected = example("expected.txt").replace('\n', "\r\n");
    client.expect(expected.as_bytes());
    client.finish();
    client.expect_end();

    // Refused commands do not reach the server, however they are written.
    let mut client = host.connect();
    for trick in [
        &b"flushall\r\n"[..],
        b"  FLUSHALL\r\n",
        b"\"FLUSHALL\"\r\n",
        b"\"\\x46LUSHALL\"\r\n",
        b"*1\r\n$8\r\nFLUSHALL\r\n",
        b"EVAL \"return redis.call('flushall')\" 0\r\n",
        b"SHUTDOWN NOSAVE\r\n",
    ] {
        client.send(trick);
    }
    client.send(b"PING\r\n");
    let mut answers = Vec::new();
    while !answers.ends_with(b"+PONG\r\n") {
        answers.extend(client.take(1));
    }
    client.send(b"EXISTS visitor:17\r\n");
    client.expect(b":1\r\n");
    // An oversized command closes the connection: split in two, it would be two commands.
    client.send(&[b"SET a ", &*vec![b'x'; 20_000], b"\r\n"].concat());
    client.expect_refusal();
    assert!(server.terminate().success(), "{}", server.output());
}
