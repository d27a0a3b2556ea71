//! LF and CRLF: bytes in, bytes out, terminators, partial lines (cases 1 to 9).

use std::thread::sleep;
use std::time::Duration;

use linemill_tests::{Folder, Host, assert_bytes, guest, rot13};

/// Sends `input` in one write, then half-closes; asserts that exactly `output` comes, then FIN.
#[track_caller]
pub(super) fn check(listener: &str, input: &[u8], output: &[u8]) -> Host {
    let host = Host::with(listener);
    let mut client = host.connect();
    client.send(input);
    client.expect(output);
    client.finish();
    client.expect_end();
    host
}

#[test]
fn case_01_a_line() {
    check("", b"hello\n", b"uryyb\n");
}

#[test]
fn case_02_a_line_in_pieces() {
    let host = Host::with("");
    let mut client = host.connect();
    for byte in b"Hello" {
        client.send(&[*byte]);
        sleep(Duration::from_millis(10));
    }
    client.expect_silence(Duration::from_millis(40));
    client.send(b"\n");
    client.expect(b"Uryyb\n");
}

#[test]
fn case_03_lines_in_one_write() {
    check("", b"a\nb\nc\n", b"n\no\np\n");
}

#[test]
fn case_04_empty_lines() {
    check("", b"\n\n\n", b"\n\n\n");
}

#[test]
fn case_05_a_line_in_two_writes() {
    let host = Host::with("");
    let mut client = host.connect();
    client.send(b"ab");
    client.expect_silence(Duration::from_millis(200));
    client.send(b"c\nde");
    client.expect(b"nop\n");
    client.expect_silence(Duration::from_millis(100));
    client.send(b"\n");
    client.expect(b"qr\n");
}

#[test]
fn case_06_a_partial_line_is_emitted() {
    let host = Host::with("");
    let mut client = host.connect();
    client.send(b"abc");
    client.finish();
    client.expect(b"nop");
    client.expect_end();
}

#[test]
fn case_06_a_partial_line_is_dropped_and_counted() {
    let host = Host::with("partial = \"drop\"");
    let mut client = host.connect();
    client.send(b"whole\nabc");
    client.finish();
    client.expect(b"jubyr\n");
    client.expect_end();
    host.expect_dropped("partial", 1.0);
}

#[test]
fn case_07_all_bytes_but_lf() {
    let mut input: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').collect();
    input.push(b'\n');
    // CR is not the last byte before LF, so it is content.
    check("", &input, &rot13(&input));
}

#[test]
fn case_08_each_terminator_comes_back_unchanged() {
    check("", b"a\r\nb\n", b"n\r\no\n");
}

#[test]
fn mixed_terminators_in_one_write() {
    let input = b"a\r\n\r\n\r\r\n\n\rb\nc\r\r\nd\r";
    let host = Host::with("");
    assert_bytes(host.connect().exchange(input), rot13(input));
}

#[test]
fn cr_and_lf_in_two_writes_are_one_terminator() {
    let host = Host::with("");
    let mut client = host.connect();
    client.send(b"ab\r");
    client.expect_silence(Duration::from_millis(50));
    client.send(b"\ncd\n");
    client.expect(b"no\r\npq\n");
}

#[test]
fn case_09_crlf_only() {
    let input = b"Line with\rin it\nand more\r\n\r\n";
    let host = check(
        "framing = \"crlf\"",
        input,
        b"Yvar jvgu\rva vg\nnaq zber\r\n\r\n",
    );
    host.wait_metric("linemill_lines_in_total", &[], 2.0);
}

#[test]
fn case_09_a_filter_sees_whole_crlf_lines() {
    // This guest drops lines that start with `-`. Neither a bare CR nor a bare LF starts a line.
    let folder = Folder::new();
    folder.write("verdicts.wasm", guest::batch("verdicts"));
    let filters = "[filter.verdicts]\nplugin = \"./verdicts.wasm\"";
    let listener = "chain = [\"verdicts\"]\nframing = \"crlf\"";
    let host = Host::serve_in(folder, Host::config(listener, filters));
    assert_eq!(
        host.connect().exchange(b"a\n-b\r-c\r\n-d\ne\r\nf"),
        b"A\n-B\r-C\r\nF"
    );
}

#[test]
fn rot13_twice_is_the_identity() {
    // Lines of all lengths around block sizes, with both terminators; the last line has none.
    let mut block = Vec::new();
    for length in (0..300).chain([4_095, 4_096, 4_097, 16_383, 16_384]) {
        block.extend((0..length).map(|at| b"The quick brown fox; \0\xff"[at % 23]));
        block.extend_from_slice(if length % 3 == 0 { b"\r\n" } else { b"\n" });
    }
    let mut input = block.repeat(8);
    input.extend_from_slice(b"no end");
    let host = Host::with("");
    let once = host.connect().exchange(&input);
    assert!(once == rot13(&input), "one pass rotates every letter");
    assert!(
        host.connect().exchange(&once) == input,
        "a second pass restores them"
    );
}

#[test]
fn connections_do_not_mix() {
    let host = Host::with("");
    std::thread::scope(|scope| {
        for name in b'a'..=b'h' {
            let host = &host;
            scope.spawn(move || {
                let line = [vec![name; 79], b"\n".to_vec()].concat();
                let input = line.repeat(5_000);
                assert!(
                    host.connect().exchange(&input) == rot13(&input),
                    "bytes of another connection on connection {}",
                    name as char
                );
            });
        }
    });
}
