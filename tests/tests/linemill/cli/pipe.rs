//! The verb `pipe`: standard input through a chain to standard output.

use std::io::{Read, Write};
use std::process::Stdio;

use linemill_tests::{Folder, assert_bytes, command, guest, rot13, run};

#[test]
fn a_bundled_filter() {
    let folder = Folder::new();
    let done = run(folder.path(), ["pipe", "rot13"], b"Hello\r\nWorld").success();
    assert_bytes(&done.stdout, b"Uryyb\r\nJbeyq");
    assert_eq!(done.stderr, "", "standard error must be empty");
}

#[test]
fn several_filters_in_order() {
    let folder = Folder::new();
    folder.write("shout.wasm", guest::batch("shout"));
    let done = run(folder.path(), ["pipe", "rot13", "./shout.wasm"], b"Hello\n").success();
    assert_eq!(done.text(), "URYYB\n");
}

#[test]
fn filters_of_a_config() {
    let folder = Folder::new();
    folder.write("c.toml", "[filter.mask]\nplugin = \"redact\"\nsettings = { patterns = [], custom = { letter = \"o\" }, mask = \"0\" }\n");
    let done = run(
        folder.path(),
        ["pipe", "--config", "c.toml", "mask", "rot13"],
        b"Foo\n",
    )
    .success();
    assert_eq!(done.text(), "S00\n");
}

#[test]
fn a_large_input() {
    let folder = Folder::new();
    let input = b"2026-01-02T03:04:05Z host app[17]: GET /index.html 200\n".repeat(100_000);
    let done = run(folder.path(), ["pipe", "rot13"], &input).success();
    assert!(done.stdout == rot13(&input), "not ROT13 of the input");
}

#[test]
fn a_line_of_16_mebibytes_goes_through_whole() {
    let folder = Folder::new();
    let input = [b"a".repeat(16 << 20), b"\nb\n".to_vec()].concat();
    let done = run(folder.path(), ["pipe", "rot13"], &input).success();
    assert_eq!(done.stderr, "");
    assert!(done.stdout == rot13(&input), "not ROT13 of the input");
}

#[test]
fn lines_that_are_cut_are_reported_and_change_the_exit_status() {
    let folder = Folder::new();
    for (oversize, output) in [
        ("split", "nnn\nn\no\n"),
        ("truncate", "nnn\no\n"),
        ("drop", "o\n"),
    ] {
        let listener = format!("[[listener]]\nmax_line = \"3B\"\noversize = \"{oversize}\"\n");
        folder.write("c.toml", listener);
        let done = run(folder.path(), ["pipe", "--config", "c.toml"], b"aaaa\nb\n").exits_with(2);
        assert_eq!(done.text(), output);
        let action = ["split", "truncated", "dropped"]
            .into_iter()
            .find(|action| action.starts_with(oversize));
        let report = format!(
            "1 line longer than `max_line` (3 bytes): {}",
            action.expect("an action")
        );
        done.stderr_has(&[&report]);
    }
}

#[test]
fn an_empty_input_is_an_empty_output() {
    let folder = Folder::new();
    assert_eq!(
        run(folder.path(), ["pipe", "rot13"], b"").success().text(),
        ""
    );
}

#[test]
fn output_is_written_before_the_input_ends() {
    let folder = Folder::new();
    let mut command = command(folder.path());
    command
        .args(["pipe", "rot13"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut input = child.stdin.take().expect("standard input is piped");
    let mut output = child.stdout.take().expect("standard output is piped");
    input.write_all(b"tail -f\n").expect("pipe reads");
    let mut line = [0; 8];
    output
        .read_exact(&mut line)
        .expect("a line in is a line out");
    assert_eq!(&line, b"gnvy -s\n");
    drop(input);
    assert!(child.wait().expect("the child is ours").success());
}

#[test]
fn a_closed_output_is_success() {
    let folder = Folder::new();
    let mut command = command(folder.path());
    command
        .args(["pipe", "rot13"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut input = child.stdin.take().expect("standard input is piped");
    let mut output = child.stdout.take().expect("standard output is piped");
    let writer = std::thread::spawn(move || {
        let lines = b"yes\n".repeat(4096);
        // Ends when `pipe` has ended, however much it has read.
        while input.write_all(&lines).is_ok() {}
    });
    let mut line = [0; 4];
    output.read_exact(&mut line).expect("the first line");
    assert_eq!(&line, b"lrf\n");
    drop(output);
    let mut report = String::new();
    child
        .stderr
        .take()
        .expect("standard error is piped")
        .read_to_string(&mut report)
        .expect("text");
    let status = child.wait().expect("the child is ours");
    writer.join().expect("the writer ends when the pipe breaks");
    assert_eq!(status.code(), Some(0), "{report}");
    assert_eq!(report, "", "a closed pipe must not be reported");
}

#[test]
fn an_unknown_filter() {
    let folder = Folder::new();
    run(folder.path(), ["pipe", "rot31"], b"Hello\n")
        .failure()
        .stderr_has(&["rot31", "rot13"]);
}

#[test]
fn the_verdict_close_ends_the_output() {
    let folder = Folder::new();
    folder.write("verdicts.wasm", guest::batch("verdicts"));
    let done = run(folder.path(), ["pipe", "./verdicts.wasm"], b"a\n.b\nc\n").success();
    assert_eq!(done.text(), "A\n.B\n");
}

#[test]
fn a_state_that_is_lost_is_reported() {
    let folder = Folder::new();
    // Its window does not fit into this memory. With fewer lines in a call it does, until it grows again.
    folder.write(
        "c.toml",
        "[filter.once]\nplugin = \"dedup\"\nmemory = \"2MiB\"\nsettings = { window = 50000 }\n",
    );
    let input: String = (0..200_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    let args = ["pipe", "--config", "c.toml", "once"];
    let done = run(folder.path(), args, input.as_bytes()).exits_with(2);
    done.stderr_has(&["state lost", "filter `once`: its state was lost"]);
}
