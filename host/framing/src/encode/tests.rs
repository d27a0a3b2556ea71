//! Encoding, and decoding of what was encoded.

use proptest::prelude::*;

use super::*;
use crate::LineSettings;
use crate::framer::Framer;

const ALL: [Framing; 4] = [Framing::Lf, Framing::Crlf, Framing::Nul, Framing::Octet];

/// Whether a framing can carry this content, decided in another way than in the code.
fn fits(framing: Framing, content: &[u8]) -> bool {
    let holds = |end: &[u8]| content.windows(end.len()).any(|part| part == end);
    match framing {
        Framing::Lf => !holds(b"\n"),
        Framing::Crlf => !holds(b"\r\n"),
        Framing::Nul => !holds(b"\0"),
        Framing::Octet => !content.is_empty(),
    }
}

/// The content that remains when `to` removes a terminator that came with an `octet` frame.
fn bare(from: Framing, to: Framing, content: &[u8]) -> Vec<u8> {
    let ends: &[&[u8]] = match (from, to) {
        (Framing::Octet, Framing::Lf) => &[b"\r\n", b"\n"],
        (Framing::Octet, Framing::Crlf) => &[b"\r\n"],
        (Framing::Octet, Framing::Nul) => &[b"\0"],
        _ => &[],
    };
    let bare = ends.iter().find_map(|end| content.strip_suffix(*end));
    bare.unwrap_or(content).to_vec()
}

/// Lines of a framing; the last may be `open`, without a terminator.
fn lines(framing: Framing, contents: &[Vec<u8>], open: bool) -> Lines {
    let mut lines = Lines::default();
    for (index, content) in contents.iter().enumerate() {
        let last = index + 1 == contents.len();
        match framing {
            _ if open && last => lines.push(content, b""),
            Framing::Lf if content.ends_with(b"\r") => lines.push(content, b"\r\n"),
            _ => lines.push(content, framing.terminator()),
        }
    }
    lines
}

/// The contents of a stream in this framing, and whether its last line has no terminator. What the
/// length of a frame counts is content here.
fn decode(framing: Framing, bytes: Vec<u8>) -> (Vec<Vec<u8>>, bool) {
    let mut framer = Framer::new(LineSettings {
        framing,
        ..LineSettings::default()
    });
    let mut lines = framer.frame(bytes);
    assert!(!framer.is_closed());
    let rest = framer.finish();
    let open = !rest.is_empty();
    lines.append(rest);
    let contents = (0..lines.len()).map(|index| match framing {
        Framing::Octet => lines.line(index).to_vec(),
        _ => lines.content(index).to_vec(),
    });
    (contents.collect(), open)
}

fn contents() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop_oneof![6 => Just(b'a'), 2 => Just(b'\r'), 1 => Just(b'\n'), 1 => Just(0), 1 => Just(b'1')];
    proptest::collection::vec(proptest::collection::vec(byte, 0..12), 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn encoded_lines_decode_to_the_same_contents(all in contents(), open in any::<bool>()) {
        for from in ALL {
            let mut contents = all.clone();
            contents.retain(|content| fits(from, content));
            // An empty rest is not a line.
            let open = open && contents.last().is_some_and(|last| !last.is_empty());
            for to in ALL {
                let encoded = lines(from, &contents, open).encode(from, to);
                let bare = contents.iter().map(|content| bare(from, to, content));
                let (fit, unfit): (Vec<_>, Vec<_>) = bare.partition(|content| fits(to, content));
                prop_assert_eq!((encoded.lines, encoded.unfit), (fit.len() as u64, unfit.len() as u64));
                let open = open && from != Framing::Octet && to != Framing::Octet
                    && fits(to, &contents[contents.len() - 1]);
                prop_assert_eq!(decode(to, encoded.bytes), (fit, open), "{:?} to {:?}", from, to);
            }
        }
    }
}

#[test]
fn within_one_framing_the_block_is_not_copied() {
    for framing in [Framing::Lf, Framing::Crlf, Framing::Nul] {
        let mut lines = Lines::default();
        lines.push(b"a", b"\r\n");
        lines.push(b"b", b"");
        let block = lines.bytes().as_ptr();
        let encoded = lines.encode(framing, framing);
        assert_eq!(encoded.bytes.as_ptr(), block);
        assert_eq!(encoded.bytes, b"a\r\nb");
        assert_eq!((encoded.lines, encoded.unfit), (2, 0));
    }
}

#[test]
fn lf_and_crlf_convert_to_each_other() {
    let mut lines = Lines::default();
    lines.push(b"a", b"\n");
    lines.push(b"", b"\r\n");
    lines.push(b"b", b"");
    let crlf = lines.encode(Framing::Lf, Framing::Crlf);
    assert_eq!(crlf.bytes, b"a\r\n\r\nb");

    let mut lines = Lines::default();
    lines.push(b"a", b"\r\n");
    lines.push(b"b\nc", b"\r\n");
    lines.push(b"d", b"\r\n");
    let lf = lines.encode(Framing::Crlf, Framing::Lf);
    assert_eq!(lf.bytes, b"a\nd\n");
    assert_eq!((lf.lines, lf.unfit), (2, 1));
}

#[test]
fn a_cr_at_the_end_stays_content_under_lf() {
    let mut lines = Lines::default();
    lines.push(b"a\r", b"\r\n");
    lines.push(b"b\r", b"");
    let lf = lines.encode(Framing::Crlf, Framing::Lf);
    assert_eq!(lf.bytes, b"a\r\r\nb\r");
}

#[test]
fn frames_have_no_rest_and_no_empty_content() {
    let mut input = Lines::default();
    input.push(b"0123456789", b"\n");
    input.push(b"", b"\n");
    input.push(b"rest", b"");
    let octet = input.encode(Framing::Lf, Framing::Octet);
    assert_eq!(octet.bytes, b"10 01234567894 rest");
    assert_eq!((octet.lines, octet.unfit), (2, 1));

    let frames = lines(Framing::Octet, &[b"a".to_vec(), b"b\nc".to_vec()], false);
    let lf = frames.encode(Framing::Octet, Framing::Lf);
    assert_eq!(lf.bytes, b"a\n");
    assert_eq!((lf.lines, lf.unfit), (1, 1));
}

#[test]
fn a_terminator_that_a_length_counts_comes_back() {
    let mut framer = Framer::new(LineSettings {
        framing: Framing::Octet,
        ..LineSettings::default()
    });
    let input = b"2 a\n1 b1 \n3 c\r\n4 d\n\r\n2 \r\n";
    let lines = framer.frame(input.to_vec());
    let shown: Vec<_> = (0..lines.len())
        .map(|line| (lines.content(line), lines.terminator(line)))
        .collect();
    let expected: [(&[u8], &[u8]); 6] = [
        (b"a", b"\n"),
        (b"b", b""),
        (b"", b"\n"),
        (b"c", b"\r\n"),
        (b"d\n", b"\r\n"),
        (b"", b"\r\n"),
    ];
    assert_eq!(shown, expected);
    for (to, bytes) in [
        (Framing::Octet, &input[..]),
        (Framing::Lf, b"a\nb\n\nc\n\n"),
        (Framing::Crlf, b"a\r\nb\r\n\r\nc\r\nd\n\r\n\r\n"),
        (Framing::Nul, b"a\0b\0\0c\0d\n\0\0"),
    ] {
        let encoded = lines.clone().encode(Framing::Octet, to);
        assert_eq!(encoded.bytes, bytes, "{to:?}");
    }
}

#[test]
fn the_buffer_is_large_enough_from_the_start() {
    for length in [1, 9, 10, 99, 100, 1000] {
        let frames = lines(Framing::Octet, &vec![vec![b'a'; length]; 50], false);
        let (bytes, each) = (
            frames.bytes().len(),
            Framing::Octet.overhead(frames.bytes().len()),
        );
        let encoded = frames.encode(Framing::Octet, Framing::Octet);
        assert!(encoded.bytes.len() <= bytes + 50 * each);
    }
}
