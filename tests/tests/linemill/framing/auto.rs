//! `framing = "auto"`: octet frames and lines on one connection, and how they leave.

use linemill_tests::{Folder, Host, Upstream, eventually, rot13};

use super::pieces::{check_pieces, numbering};

/// All kinds of lines, with LF, CR LF and NUL between frames.
const ALL: &[u8] = b"5 hello<1>a\n3 b\nc\n\0\r\n4 def\n<2>g\r\n<3>h\0<4>i\0\n5 five\n";

#[test]
fn each_line_leaves_as_it_came() {
    check_pieces(
        &Host::with("framing = \"auto\""),
        ALL,
        b"5 uryyb<1>n\n3 o\np4 qrs\n<2>t\r\n<3>u\0<4>v\x005 svir\n",
    );
    check_pieces(
        &numbering("framing = \"auto\""),
        b"5 hello<1>a\n4 abc\n<2>b\r\n<3>c\0tail",
        b"7 1 hello6 2 <1>a6 3 abc\n6 4 <2>b6 5 <3>c6 6 tail",
    );
}

#[test]
fn digits_are_content_unless_a_space_follows_a_length() {
    let host = Host::with("framing = \"auto\"");
    let input = b"0 zero\n05 abc\n5\n5x\n20261127 abc\n-5 a\n12";
    check_pieces(&host, input, &rot13(input));
}

#[test]
fn lines_of_all_kinds_become_lines_of_one() {
    for (to, expected) in [
        ("lf", &b"uryyb\n<1>n\nqrs\n<2>t\n<3>u\n<4>v\nsvir\n"[..]),
        (
            "octet",
            b"5 uryyb4 <1>n3 o\np4 qrs\n4 <2>t4 <3>u4 <4>v5 svir\n",
        ),
        ("nul", b"uryyb\0<1>n\0o\np\0qrs\0<2>t\0<3>u\0<4>v\0svir\0"),
    ] {
        let host = Host::with(&format!("framing = \"auto\"\nto_framing = \"{to}\""));
        check_pieces(&host, ALL, expected);
    }
}

#[test]
fn lines_leave_as_frames_where_they_would_be_misread() {
    let host = Host::with("framing = \"nul\"\nto_framing = \"auto\"");
    check_pieces(
        &host,
        b"abc\x005 hello\0a\nb\0c\r\x0020261127 d\0",
        b"nop\n7 5 uryyb3 n\nop\r\r\n20261127 q\n",
    );
}

#[test]
fn oversized_lines_of_both_kinds() {
    let input = b"<1>abcde\n7 abcdefg2 ok";
    for (oversize, expected) in [
        ("split", &b"<1>n\nopqr\n4 nopq3 rst2 bx"[..]),
        ("truncate", b"<1>n\n4 nopq2 bx"),
        ("drop", b"2 bx"),
    ] {
        let listener = format!("framing = \"auto\"\nmax_line = \"4B\"\noversize = \"{oversize}\"");
        check_pieces(&Host::with(&listener), input, expected);
    }
}

#[test]
fn an_incomplete_line_of_either_kind_is_dropped() {
    for rest in ["5 he", "<1>he", "12"] {
        let host = Host::with("framing = \"auto\"\npartial = \"drop\"");
        let input = format!("2 ok{rest}");
        assert_eq!(host.connect().exchange(input.as_bytes()), b"2 bx");
        host.expect_dropped("partial", 1.0);
    }
}

/// A file and a shared upstream take lines of several connections; the last line of a connection needs
/// a terminator there, unless it is a frame.
#[test]
fn shared_sinks_keep_lines_apart() {
    let upstream = Upstream::tcp();
    let folder = Folder::new();
    let listener = format!(
        "framing = \"auto\"\nto = \"{}\"\nshared = true\ntee = [\"file:out.log\"]",
        upstream.url()
    );
    let host = Host::serve_in(folder, Host::config(&listener, ""));
    let expected = b"<1>n\n4 nop\n3 qrsghi\n<2>t\n";
    let mut so_far = 0;
    let mut server = None;
    for (input, length) in [
        (&b"<1>a\n4 abc\n3 def"[..], 16),
        (b"tuv", 20),
        (b"\n\0<2>g\n", expected.len()),
    ] {
        assert_eq!(host.connect().exchange(input), b"");
        let server = server.get_or_insert_with(|| upstream.accept());
        server.expect(&expected[so_far..length]);
        so_far = length;
    }
    eventually("the file", || {
        (host.folder().read("out.log") == expected).then_some(())
    });
}

#[test]
fn answers_of_an_upstream_come_in_both_kinds() {
    let upstream = Upstream::tcp();
    let listener = format!("to = \"{}\"\nframing = \"auto\"", upstream.url());
    let host = Host::with(&listener);
    let mut client = host.connect();
    let mut server = upstream.accept();
    client.send(b"5 hello<1>a\n");
    server.expect(b"5 uryyb<1>n\n");
    server.send(b"\n2 ok\nfine\r\n");
    client.expect(b"2 okfine\r\n");
}
