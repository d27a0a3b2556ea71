//! Bytes in, bytes out: framings, terminators, sizes.

use std::thread::sleep;
use std::time::Duration;

use linemill_tests::{Folder, Host, guest, rot13};

/// All bytes of `input` in one write, then the end of input: exactly `output`, then FIN.
#[track_caller]
fn whole(listener: &str, input: &[u8], output: &[u8]) -> Host {
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
    whole("", b"hello\n", b"uryyb\n");
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
    whole("", b"a\nb\nc\n", b"n\no\np\n");
}

#[test]
fn case_04_empty_lines() {
    whole("", b"\n\n\n", b"\n\n\n");
}

#[test]
fn case_05_a_line_over_two_writes() {
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
fn case_06_the_unterminated_rest_is_emitted() {
    let host = Host::with("");
    let mut client = host.connect();
    client.send(b"abc");
    client.finish();
    client.expect(b"nop");
    client.expect_end();
}

#[test]
fn case_06_the_unterminated_rest_is_dropped_and_counted() {
    let host = Host::with("partial = \"drop\"");
    let mut client = host.connect();
    client.send(b"whole\nabc");
    client.finish();
    client.expect(b"jubyr\n");
    client.expect_end();
    host.wait_metric(
        "linemill_lines_dropped_total",
        &[("reason", "partial")],
        1.0,
    );
}

#[test]
fn case_07_all_bytes_but_lf() {
    let mut input: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').collect();
    input.push(b'\n');
    // CR is in the middle, so it is content.
    whole("", &input, &rot13(&input));
}

#[test]
fn case_08_each_terminator_comes_back_as_it_came() {
    whole("", b"a\r\nb\n", b"n\r\no\n");
}

#[test]
fn terminators_of_many_kinds_in_one_write() {
    let input = b"a\r\n\r\n\r\r\n\n\rb\nc\r\r\nd\r";
    let host = Host::with("");
    assert_eq!(
        host.connect().exchange(input).escape_ascii().to_string(),
        rot13(input).escape_ascii().to_string()
    );
}

#[test]
fn a_cr_and_its_lf_in_two_writes_are_one_terminator() {
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
    let host = whole(
        "framing = \"crlf\"",
        input,
        b"Yvar jvgu\rva vg\nnaq zber\r\n\r\n",
    );
    host.wait_metric("linemill_lines_in_total", &[], 2.0);
}

#[test]
fn case_09_a_filter_sees_crlf_lines_whole() {
    // This guest drops lines by their first byte: neither the bare CR nor the bare LF starts one.
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
fn case_12_the_longest_line() {
    let input = [vec![b'a'; 16_384], b"\n".to_vec()].concat();
    whole("", &input, &rot13(&input));
}

/// The input of case 13: one byte too many, then a line that is fine.
fn oversized() -> Vec<u8> {
    [vec![b'a'; 16_385], b"\nok\n".to_vec()].concat()
}

#[test]
fn case_13_an_oversized_line_is_split() {
    let output = [vec![b'n'; 16_384], b"\nn\nbx\n".to_vec()].concat();
    whole("oversize = \"split\"", &oversized(), &output);
}

#[test]
fn case_13_an_oversized_line_is_truncated() {
    let output = [vec![b'n'; 16_384], b"\nbx\n".to_vec()].concat();
    whole("oversize = \"truncate\"", &oversized(), &output);
}

#[test]
fn case_13_an_oversized_line_is_dropped_and_counted() {
    let host = whole("oversize = \"drop\"", &oversized(), b"bx\n");
    host.wait_metric(
        "linemill_lines_dropped_total",
        &[("reason", "oversize")],
        1.0,
    );
}

#[test]
fn case_13_an_oversized_line_closes() {
    let host = Host::with("oversize = \"close\"");
    let mut client = host.connect();
    client.send(b"before\n");
    client.expect(b"orsber\n");
    client.send(&oversized());
    client.expect_end();
    assert_eq!(host.connect().exchange(b"next\n"), b"arkg\n");
}

#[test]
fn an_oversized_line_is_the_same_in_pieces() {
    let host = Host::with("max_line = \"8B\"\noversize = \"truncate\"");
    let mut client = host.connect();
    for piece in [&b"0123"[..], b"45678", b"9abc", b"\r", b"\nok", b"\n"] {
        client.send(piece);
        sleep(Duration::from_millis(10));
    }
    client.finish();
    assert_eq!(
        client.rest().escape_ascii().to_string(),
        "01234567\\r\\nbx\\n"
    );
}

#[test]
fn rot13_twice_is_the_identity() {
    // Lines of all lengths around block sizes, with every kind of terminator and without one.
    let mut input = Vec::new();
    for length in (0..300).chain([4_095, 4_096, 4_097, 16_383, 16_384]) {
        input.extend((0..length).map(|at| b"The quick brown fox; \0\xff"[at % 23]));
        input.extend_from_slice(if length % 3 == 0 { b"\r\n" } else { b"\n" });
    }
    let mut input = input.repeat(8);
    input.extend_from_slice(b"no end");
    let host = Host::with("");
    let once = host.connect().exchange(&input);
    assert!(once == rot13(&input), "one pass turns every letter");
    assert!(
        host.connect().exchange(&once) == input,
        "a second pass turns them back"
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
                    "connection {} is its own",
                    name as char
                );
            });
        }
    });
}
