//! Encoding, and decoding of what was encoded.

use proptest::prelude::*;

use super::*;
use crate::LineSettings;
use crate::framer::Framer;

/// The framings with one way to frame a line.
const PLAIN: [Framing; 4] = [Framing::Lf, Framing::Crlf, Framing::Nul, Framing::Octet];

const ALL: [Framing; 5] = [
    Framing::Lf,
    Framing::Crlf,
    Framing::Nul,
    Framing::Octet,
    Framing::Auto,
];

/// Whether a framing can carry this content, decided in another way than in the code.
fn fits(framing: Framing, content: &[u8]) -> bool {
    let holds = |end: &[u8]| content.windows(end.len()).any(|part| part == end);
    match framing {
        Framing::Lf => !holds(b"\n"),
        Framing::Crlf => !holds(b"\r\n"),
        Framing::Nul => !holds(b"\0"),
        Framing::Octet => !content.is_empty(),
        Framing::Auto => true,
    }
}

/// Whether `auto` can carry this content only as a frame.
fn needs_frame(content: &[u8]) -> bool {
    let space = content.iter().position(|byte| *byte == b' ');
    let digits = &content[..space.unwrap_or(0)];
    let length = !digits.is_empty() && digits.iter().all(|byte| *byte == b'1');
    length || content.contains(&b'\n') || content.contains(&0)
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
        Framing::Auto => {
            let counted = framing.counted(lines.terminator(index));
            [lines.content(index), counted.unwrap_or_default()].concat()
        }
        _ => lines.content(index).to_vec(),
    });
    (contents.collect(), open)
}

fn contents() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop_oneof![6 => Just(b'a'), 2 => Just(b'\r'), 1 => Just(b'\n'), 1 => Just(0), 1 => Just(b'1'), 1 => Just(b' ')];
    proptest::collection::vec(proptest::collection::vec(byte, 0..12), 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn encoded_lines_decode_to_the_same_contents(all in contents(), open in any::<bool>()) {
        for from in PLAIN {
            let mut contents = all.clone();
            contents.retain(|content| fits(from, content));
            // An empty rest is not a line.
            let open = open && contents.last().is_some_and(|last| !last.is_empty());
            for to in ALL {
                let encoded = lines(from, &contents, open).encode(from, to, Unfit::Drop);
                let bare = contents.iter().map(|content| bare(from, to, content));
                let (fit, unfit): (Vec<_>, Vec<_>) = bare.partition(|content| fits(to, content));
                prop_assert_eq!((encoded.lines, encoded.unfit), (fit.len() as u64, unfit.len() as u64));
                let open = open && from != Framing::Octet && to != Framing::Octet
                    && fits(to, &contents[contents.len() - 1])
                    && !(to == Framing::Auto && needs_frame(&contents[contents.len() - 1]));
                let mut fit = fit;
                // Between frames, an empty line is ignored.
                fit.retain(|content| to != Framing::Auto || !content.is_empty());
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
        let encoded = lines.encode(framing, framing, Unfit::Drop);
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
    let crlf = lines.encode(Framing::Lf, Framing::Crlf, Unfit::Drop);
    assert_eq!(crlf.bytes, b"a\r\n\r\nb");

    let mut lines = Lines::default();
    lines.push(b"a", b"\r\n");
    lines.push(b"b\nc", b"\r\n");
    lines.push(b"d", b"\r\n");
    let lf = lines.encode(Framing::Crlf, Framing::Lf, Unfit::Drop);
    assert_eq!(lf.bytes, b"a\nd\n");
    assert_eq!((lf.lines, lf.unfit), (2, 1));
}

#[test]
fn a_cr_at_the_end_stays_content_under_lf() {
    let mut lines = Lines::default();
    lines.push(b"a\r", b"\r\n");
    lines.push(b"b\r", b"");
    let lf = lines.encode(Framing::Crlf, Framing::Lf, Unfit::Drop);
    assert_eq!(lf.bytes, b"a\r\r\nb\r");
}

#[test]
fn frames_have_no_rest_and_no_empty_content() {
    let mut input = Lines::default();
    input.push(b"0123456789", b"\n");
    input.push(b"", b"\n");
    input.push(b"rest", b"");
    let octet = input.encode(Framing::Lf, Framing::Octet, Unfit::Drop);
    assert_eq!(octet.bytes, b"10 01234567894 rest");
    assert_eq!((octet.lines, octet.unfit), (2, 1));

    let frames = lines(Framing::Octet, &[b"a".to_vec(), b"b\nc".to_vec()], false);
    let lf = frames.encode(Framing::Octet, Framing::Lf, Unfit::Drop);
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
        let encoded = lines.clone().encode(Framing::Octet, to, Unfit::Drop);
        assert_eq!(encoded.bytes, bytes, "{to:?}");
    }
}

#[test]
fn in_auto_each_line_leaves_as_it_came() {
    let mut framer = Framer::new(LineSettings {
        framing: Framing::Auto,
        ..LineSettings::default()
    });
    let input = b"2 a\n<1>b\n\n3 c\nd<2>e\r\n\0<3>f\0";
    let mut lines = framer.frame(input.to_vec());
    lines.append({
        assert!(
            framer
                .frame([framer.partial(), b"<4>g"].concat())
                .is_empty()
        );
        framer.finish()
    });
    for (to, bytes) in [
        (Framing::Auto, &b"2 a\n<1>b\n3 c\nd<2>e\r\n<3>f\0<4>g"[..]),
        (Framing::Octet, b"2 a\n4 <1>b3 c\nd4 <2>e4 <3>f4 <4>g"),
        (Framing::Nul, b"a\0<1>b\0c\nd\0<2>e\0<3>f\0<4>g"),
        (Framing::Crlf, b"a\r\n<1>b\r\nc\nd\r\n<2>e\r\n<3>f\r\n<4>g"),
    ] {
        let encoded = lines.clone().encode(Framing::Auto, to, Unfit::Drop);
        assert_eq!((encoded.lines, encoded.unfit), (6, 0));
        assert_eq!(
            encoded.bytes.escape_ascii().to_string(),
            bytes.escape_ascii().to_string(),
            "{to:?}"
        );
    }
    let lf = lines.encode(Framing::Auto, Framing::Lf, Unfit::Drop);
    assert_eq!(lf.bytes, b"a\n<1>b\n<2>e\n<3>f\n<4>g");
    assert_eq!((lf.lines, lf.unfit), (5, 1));
}

/// A filter may have changed a line so that a receiver would take it for something else.
#[test]
fn in_auto_a_line_that_would_not_be_one_leaves_as_a_frame() {
    let mut lines = Lines::default();
    lines.push(b"5 hello", b"\n");
    lines.push(b"a\nb", b"\n");
    lines.push(b"a\0", b"\r\n");
    lines.push(b"20261127 x", b"\n");
    lines.push(b"", b"\n");
    lines.push(b"", b" ");
    lines.push(b"7 open", b"");
    let auto = lines.encode(Framing::Auto, Framing::Auto, Unfit::Drop);
    assert_eq!(auto.bytes, b"7 5 hello3 a\nb2 a\x0020261127 x\n\n6 7 open");
    assert_eq!((auto.lines, auto.unfit), (6, 1));
}

#[test]
fn a_terminator_inside_may_be_replaced() {
    let frames: [&[u8]; 6] = [b"a\nb", b"\n\n", b"a\r\nb\rc", b"\0", b"#012", b"\r"];
    let mut lines = Lines::default();
    for content in frames {
        lines.push(content, b"");
    }
    for (to, unfit, expected) in [
        (
            Framing::Lf,
            Unfit::Space,
            &b"a b\n \na b\rc\n\0\n#012\n\r\r\n"[..],
        ),
        (
            Framing::Lf,
            Unfit::Escape,
            b"a#012b\n#012\na#015#012b\rc\n\0\n#012\n\r\r\n",
        ),
        (
            Framing::Crlf,
            Unfit::Escape,
            b"a\nb\r\n\n\n\r\na#015#012b\rc\r\n\0\r\n#012\r\n\r\r\n",
        ),
        (
            Framing::Nul,
            Unfit::Space,
            b"a\nb\0\n\n\0a\r\nb\rc\0\0#012\0\r\0",
        ),
    ] {
        let encoded = lines.clone().encode(Framing::Octet, to, unfit);
        assert_eq!(
            encoded.bytes.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{to:?} {unfit:?}"
        );
        assert_eq!((encoded.lines, encoded.unfit), (6, 0));
    }
    let mut lines = Lines::default();
    lines.push(b"a\0b", b"\n");
    lines.push(b"", b"\n");
    let nul = lines
        .clone()
        .encode(Framing::Lf, Framing::Nul, Unfit::Escape);
    assert_eq!(nul.bytes, b"a#000b\0\0");
    let octet = lines.encode(Framing::Lf, Framing::Octet, Unfit::Escape);
    assert_eq!((&octet.bytes[..], octet.unfit), (&b"3 a\0b"[..], 1));
}

#[test]
fn the_buffer_is_large_enough_from_the_start() {
    for length in [1, 9, 10, 99, 100, 1000] {
        let frames = lines(Framing::Octet, &vec![vec![b'a'; length]; 50], false);
        let (bytes, each) = (
            frames.bytes().len(),
            Framing::Octet.overhead(frames.bytes().len()),
        );
        let encoded = frames.encode(Framing::Octet, Framing::Octet, Unfit::Drop);
        assert!(encoded.bytes.len() <= bytes + 50 * each);
    }
}
