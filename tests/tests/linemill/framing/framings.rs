//! NUL-terminated lines, counted octets (RFC 6587), and an output framed differently (cases 10, 11).

use linemill_tests::{Host, assert_bytes, rot13};

use super::pieces::{check_pieces, numbering};

#[test]
fn case_10_nul_terminates_lines() {
    let input = b"NUL\n\0\0The all\0tail";
    check_pieces(&Host::with("framing = \"nul\""), input, &rot13(input));
    check_pieces(
        &numbering("framing = \"nul\""),
        input,
        b"1 NUL\n\x002 \x003 The all\x004 tail",
    );
}

#[test]
fn case_11_octets_are_counted() {
    let host = Host::with("framing = \"octet\"");
    let mut client = host.connect();
    client.send(b"5 hello3 abc");
    client.expect(b"5 uryyb3 nop");
    client.finish();
    client.expect_end();
}

#[test]
fn octets_are_counted_again_when_a_filter_changes_the_length() {
    check_pieces(
        &numbering("framing = \"octet\""),
        b"5 hello3 abc",
        b"7 1 hello5 2 abc",
    );
}

/// ROT13 twice is the identity, whatever a sender counts. Filters see content only.
#[test]
fn a_counted_terminator_is_not_content() {
    let input = b"4 abc\n1 \n5 abc\r\n3 abc5 abc\n\n2 \r\n";
    let host = Host::with("framing = \"octet\"");
    check_pieces(&host, input, &rot13(input));
    check_pieces(
        &numbering("framing = \"octet\""),
        b"4 abc\n5 abc\r\n3 abc",
        b"6 1 abc\n7 2 abc\r\n5 3 abc",
    );
    let host = Host::with("framing = \"octet\"\nmax_line = \"3B\"\noversize = \"drop\"");
    assert_eq!(host.connect().exchange(b"5 abc\r\n4 abcd"), b"5 nop\r\n");
}

#[test]
fn a_counted_line_may_contain_any_byte() {
    let content: Vec<u8> = (0..=255).collect();
    let input = [b"256 ", &*content, b"1 \n"].concat();
    let output = [b"256 ", &*rot13(&input[4..260]), b"1 \n"].concat();
    let host = Host::with("framing = \"octet\"");
    assert_bytes(host.connect().exchange(&input), output);
}

#[test]
fn an_invalid_length_closes_after_the_lines_before_it() {
    let host = Host::with("framing = \"octet\"");
    for bad in [
        &b"x"[..],
        b"5x",
        b" 5 hello",
        b"0 ",
        b"-1 a",
        b"\n",
        b"99999999999999999999999 a",
    ] {
        let mut client = host.connect();
        client.send(&[b"2 ok", bad, b"3 abc"].concat());
        client.expect(b"2 bx");
        client.expect_refusal();
    }
    host.expect_no_connections();
    assert_eq!(host.connect().exchange(b"4 next"), b"4 arkg");
}

#[test]
fn an_incomplete_counted_line_is_dropped() {
    let host = Host::with("framing = \"octet\"\npartial = \"drop\"");
    assert_eq!(host.connect().exchange(b"2 ok5 he"), b"2 bx");
    host.expect_dropped("partial", 1.0);
}

#[test]
fn oversized_counted_lines() {
    let long = b"8 abcdefgh2 ok";
    for (oversize, expected) in [
        ("split", &b"3 nop3 qrs2 tu2 bx"[..]),
        ("truncate", b"3 nop2 bx"),
        ("drop", b"2 bx"),
        ("close", b""),
    ] {
        let listener = format!("framing = \"octet\"\nmax_line = \"3B\"\noversize = \"{oversize}\"");
        let host = Host::with(&listener);
        let mut client = host.connect();
        client.send(long);
        client.finish();
        let (answer, _) = client.rest_until_end();
        assert_eq!(
            answer.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{oversize}"
        );
    }
}

#[test]
fn octets_become_lines() {
    let host = Host::with("framing = \"octet\"\nto_framing = \"lf\"");
    check_pieces(&host, b"5 hello3 abc", b"uryyb\nnop\n");
}

#[test]
fn lines_become_octets() {
    let host = Host::with("to_framing = \"octet\"");
    check_pieces(&host, b"hello\r\nabc\ntail", b"5 uryyb3 nop4 gnvy");
}

#[test]
fn lines_end_as_the_output_framing_ends_them() {
    let host = Host::with("framing = \"nul\"\nto_framing = \"crlf\"");
    check_pieces(&host, b"hello\0abc\0tail", b"uryyb\r\nnop\r\ngnvy");
}

#[test]
fn a_line_that_the_output_framing_cannot_hold_is_dropped() {
    let host = Host::with("framing = \"octet\"\nto_framing = \"lf\"");
    let mut client = host.connect();
    client.send(b"3 one3 a\nb3 two");
    client.finish();
    assert_eq!(client.rest(), b"bar\ngjb\n");
    host.expect_dropped("framing", 1.0);
    let metrics = host.metrics();
    assert_eq!(metrics.sum("linemill_lines_in_total", &[]).to_string(), "3");
    assert_eq!(
        metrics.sum("linemill_lines_out_total", &[]).to_string(),
        "2"
    );
}

#[test]
fn a_line_that_the_output_framing_cannot_hold_may_be_changed() {
    for (unfit, expected) in [
        ("space", &b"bar\na o\ngjb\n"[..]),
        ("escape", b"bar\na#012o\ngjb\n"),
    ] {
        let listener = format!("framing = \"octet\"\nto_framing = \"lf\"\nto_unfit = \"{unfit}\"");
        check_pieces(&Host::with(&listener), b"3 one3 n\nb4 two\n", expected);
    }
}

#[test]
fn a_mark_at_the_start_of_a_stream_is_removed() {
    let input = b"\xEF\xBB\xBF\xEF\xBB\xBFabc\n\xEF\xBB\xBFdef\n";
    check_pieces(&Host::with("strip_bom = true"), input, &rot13(&input[3..]));
    check_pieces(&Host::with(""), input, &rot13(input));
    check_pieces(&Host::with("strip_bom = true"), b"\xEF\xBB", b"\xEF\xBB");
    check_pieces(
        &Host::with("strip_bom = true\nframing = \"octet\""),
        b"\xEF\xBB\xBF3 abc",
        b"3 nop",
    );
}
