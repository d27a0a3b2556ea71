//! Byte order marks.

use super::*;

const FRAMINGS: [Framing; 3] = [Framing::Lf, Framing::Nul, Framing::Octet];

/// The lines of `input`, and how its stream was closed. They must be the same for any chunking.
fn framed_anyhow(settings: LineSettings, input: &[u8]) -> (Vec<Vec<u8>>, Option<Closed>) {
    let (lines, counts, closed) = framed(settings, input, &[]);
    let bytewise: Vec<_> = (0..input.len()).collect();
    assert_eq!(
        framed(settings, input, &bytewise),
        (lines.clone(), counts, closed)
    );
    let whole = |(content, end): (Vec<u8>, Vec<u8>)| [content, end].concat();
    (lines.into_iter().map(whole).collect(), closed)
}

fn stripping(framing: Framing) -> LineSettings {
    LineSettings {
        framing,
        strip_bom: true,
        ..LineSettings::default()
    }
}

#[test]
fn one_mark_at_the_start_is_left_out() {
    for (framing, input, expected) in [
        (Framing::Lf, &b"a\nb\n"[..], [&b"a\n"[..], b"b\n"]),
        (Framing::Nul, b"a\0b\0", [b"a\0", b"b\0"]),
        (Framing::Octet, b"1 a1 b", [b"a", b"b"]),
    ] {
        let marked = [b"\xEF\xBB\xBF", input].concat();
        for input in [input, &marked] {
            let (lines, closed) = framed_anyhow(stripping(framing), input);
            assert_eq!(lines, expected, "{framing:?}");
            assert_eq!(closed, None);
        }
    }
}

#[test]
fn any_other_mark_is_content() {
    let (lines, _) = framed_anyhow(
        stripping(Framing::Lf),
        b"\xEF\xBB\xBF\xEF\xBB\xBFa\n\xEF\xBB\xBFb\n",
    );
    assert_eq!(lines, [&b"\xEF\xBB\xBFa\n"[..], b"\xEF\xBB\xBFb\n"]);
    let (lines, _) = framed_anyhow(LineSettings::default(), b"\xEF\xBB\xBFa\n");
    assert_eq!(lines, [b"\xEF\xBB\xBFa\n"]);
}

#[test]
fn a_part_of_a_mark_is_content() {
    let (lines, _) = framed_anyhow(stripping(Framing::Lf), b"\xEF\xBB\n\xEF");
    assert_eq!(lines, [&b"\xEF\xBB\n"[..], b"\xEF"]);
    let (lines, _) = framed_anyhow(stripping(Framing::Lf), b"\xEF\xBB");
    assert_eq!(lines, [b"\xEF\xBB"]);
    let (lines, closed) = framed_anyhow(stripping(Framing::Octet), b"\xEF\xBB");
    assert!(lines.is_empty());
    assert_eq!(closed, Some(Closed::BadLength));
}

#[test]
fn a_stream_of_a_mark_has_no_lines() {
    for framing in FRAMINGS {
        let mut framer = Framer::new(stripping(framing));
        assert!(framer.frame(b"\xEF\xBB".to_vec()).is_empty());
        assert!(framer.has_partial());
        assert!(framer.frame(b"\xEF\xBB\xBF".to_vec()).is_empty());
        assert!(!framer.has_partial());
        assert!(framer.finish().is_empty());
        assert_eq!(framer.take_counts(), Counts::default());
    }
}
