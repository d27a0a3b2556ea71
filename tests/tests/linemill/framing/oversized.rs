//! Lines longer than `max_line`, under each policy of `oversize` (cases 12, 13).

use std::thread::sleep;
use std::time::Duration;

use linemill_tests::{Host, assert_bytes, rot13};

use super::lines::check;

#[test]
fn case_12_the_longest_line() {
    let input = [vec![b'a'; 16_384], b"\n".to_vec()].concat();
    check("", &input, &rot13(&input));
}

/// The input of case 13: a line one byte over the limit, then a short one.
fn oversized() -> Vec<u8> {
    [vec![b'a'; 16_385], b"\nok\n".to_vec()].concat()
}

#[test]
fn case_13_an_oversized_line_is_split() {
    let output = [vec![b'n'; 16_384], b"\nn\nbx\n".to_vec()].concat();
    check("oversize = \"split\"", &oversized(), &output);
}

#[test]
fn case_13_an_oversized_line_is_truncated() {
    let output = [vec![b'n'; 16_384], b"\nbx\n".to_vec()].concat();
    check("oversize = \"truncate\"", &oversized(), &output);
}

#[test]
fn case_13_an_oversized_line_is_dropped_and_counted() {
    let host = check("oversize = \"drop\"", &oversized(), b"bx\n");
    host.expect_dropped("oversize", 1.0);
}

#[test]
fn case_13_an_oversized_line_closes_the_connection() {
    let host = Host::with("oversize = \"close\"");
    let mut client = host.connect();
    client.send(b"before\n");
    client.expect(b"orsber\n");
    client.send(&oversized());
    client.expect_end();
    assert_eq!(host.connect().exchange(b"next\n"), b"arkg\n");
}

#[test]
fn an_oversized_line_in_pieces_is_truncated_the_same_way() {
    let host = Host::with("max_line = \"8B\"\noversize = \"truncate\"");
    let mut client = host.connect();
    for piece in [&b"0123"[..], b"45678", b"9abc", b"\r", b"\nok", b"\n"] {
        client.send(piece);
        sleep(Duration::from_millis(10));
    }
    client.finish();
    assert_bytes(client.rest(), b"01234567\r\nbx\n");
}
