//! The framer for `octet`, against the reference of the fuzz target and by example.

use super::*;
use crate::Unfit;
use crate::fuzz::octet::reference;

const OCTET: LineSettings = LineSettings {
    framing: Framing::Octet,
    max_line: 16 * 1024,
    oversize: Oversize::Split,
    partial: Partial::Emit,
    strip_bom: false,
};

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(b'a'),
        Just(b' '),
        Just(b'1'),
        Just(b'\r'),
        Just(b'\n'),
        Just(0)
    ];
    proptest::collection::vec(byte, 1..30)
        .prop_map(|content| [format!("{} ", content.len()).as_bytes(), &content].concat())
}

/// Streams of frames, cut off anywhere, sometimes with other bytes among the frames.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop_oneof![
        proptest::collection::vec(
            prop_oneof![Just(b' '), Just(b'0'), Just(b'7'), Just(b'x')],
            1..4
        ),
        Just(b"18446744073709551615 ".to_vec()),
        Just(b"18446744073709551616".to_vec()),
    ];
    let parts = proptest::collection::vec(prop_oneof![30 => frame(), 1 => odd], 0..12);
    (parts, any::<proptest::sample::Index>(), any::<bool>()).prop_map(|(parts, cut, whole)| {
        let mut stream = parts.concat();
        if !whole {
            stream.truncate(cut.index(stream.len() + 1));
        }
        stream
    })
}

fn octet() -> impl Strategy<Value = LineSettings> {
    settings_of(Just(Framing::Octet))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_chunking_gives_what_the_reference_gives(settings in octet(), input in stream(), cuts in cuts()) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(framed(settings, &input, &cuts), reference(settings, &input));
    }

    #[test]
    fn one_byte_at_a_time_is_no_different(settings in octet(), input in stream()) {
        let cuts: Vec<_> = (0..input.len()).collect();
        prop_assert_eq!(framed(settings, &input, &cuts), reference(settings, &input));
    }

    #[test]
    fn settings_may_change_anywhere(all in proptest::collection::vec((octet(), stream()), 1..8)) {
        let mut framer = Framer::new(all[0].0);
        for (settings, chunk) in all {
            framer.set_settings(settings);
            let lines = framer.frame([framer.partial(), &chunk].concat());
            prop_assert!((0..lines.len()).all(|line| lines.content(line).len() <= settings.max_line));
            prop_assert!(framer.partial().len() <= settings.max_line + 1);
        }
        framer.finish();
        prop_assert!(!framer.has_partial());
    }
}

/// The contents of the lines of `input`, as text. They must be the same for any chunking.
fn contents(settings: LineSettings, input: &[u8]) -> (Vec<String>, Counts, Option<Closed>) {
    let bytewise: Vec<_> = (0..input.len()).collect();
    let all = framed(settings, input, &[]);
    assert_eq!(framed(settings, input, &bytewise), all);
    let text = |(content, _): &(Vec<u8>, _)| String::from_utf8(content.clone()).unwrap();
    (all.0.iter().map(text).collect(), all.1, all.2)
}

#[test]
fn case_11_lengths_are_removed_and_written() {
    let mut framer = Framer::new(OCTET);
    let lines = framer.frame(b"5 hello3 abc".to_vec());
    assert_eq!(lines.bytes(), b"helloabc");
    assert_eq!(lines.spans(), [0, 5, 5, 8]);
    assert!(!framer.has_partial());
    let encoded = lines.encode(Framing::Octet, Framing::Octet, Unfit::Drop);
    assert_eq!(encoded.bytes, b"5 hello3 abc");
}

#[test]
fn a_counted_terminator_does_not_count_towards_max_line() {
    let settings = |oversize| LineSettings {
        max_line: 3,
        oversize,
        ..OCTET
    };
    let line = |content: &str, end: &str| (content.into(), end.into());
    let (abc, lf, crlf) = (line("abc", ""), line("abc", "\n"), line("abc", "\r\n"));
    let input = b"3 abc4 abc\n5 abc\r\n4 abcd5 abcd\n6 abcd\r\n";
    let bytewise: Vec<_> = (0..input.len()).collect();
    for (oversize, oversized) in [
        (
            Oversize::Split,
            vec![
                abc.clone(),
                line("d", ""),
                abc.clone(),
                line("d", "\n"),
                abc.clone(),
                line("d", "\r\n"),
            ],
        ),
        (
            Oversize::Truncate,
            vec![abc.clone(), lf.clone(), crlf.clone()],
        ),
        (Oversize::Drop, vec![]),
    ] {
        let expected = [vec![abc.clone(), lf.clone(), crlf.clone()], oversized].concat();
        for cuts in [&[][..], &bytewise] {
            let (lines, counts, _) = framed(settings(oversize), input, cuts);
            assert_eq!(lines, expected, "{oversize:?}");
            assert_eq!(counts.oversized, 3);
        }
    }
}

#[test]
fn a_bad_length_closes_after_the_lines_before_it() {
    for bad in [
        &b"x"[..],
        b" ",
        b"0",
        b"01 a",
        b"-1 a",
        b"+1 a",
        b"1\ta",
        b"1a",
        b"1\n",
        b"99999999999999999999",
        b"184467440737095516150",
    ] {
        let (lines, counts, closed) = contents(OCTET, &[b"2 ok", bad, b"2 no"].concat());
        assert_eq!(lines, ["ok"], "{}", bad.escape_ascii());
        assert_eq!(closed, Some(Closed::BadLength), "{}", bad.escape_ascii());
        assert_eq!(counts, Counts::default());
    }
}

#[test]
fn bytes_after_a_bad_length_are_ignored() {
    let mut framer = Framer::new(OCTET);
    assert!(framer.frame(b"1x".to_vec()).is_empty());
    assert!(!framer.has_partial());
    assert!(framer.frame(b"2 ok".to_vec()).is_empty());
    assert!(framer.finish().is_empty());
    assert_eq!(framer.closed(), Some(Closed::BadLength));
}

#[test]
fn oversize_applies_to_an_oversized_frame() {
    let expected: [(_, &[&str], _); 4] = [
        (
            Oversize::Split,
            &["ok", "abc", "def", "g", "end"],
            (0, None),
        ),
        (Oversize::Truncate, &["ok", "abc", "end"], (0, None)),
        (Oversize::Drop, &["ok", "end"], (1, None)),
        (Oversize::Close, &["ok"], (1, Some(Closed::Oversize))),
    ];
    for (oversize, wanted, (dropped, why)) in expected {
        let settings = LineSettings {
            max_line: 3,
            oversize,
            ..OCTET
        };
        let (lines, counts, closed) = contents(settings, b"2 ok7 abcdefg3 end");
        assert_eq!(lines, wanted, "{oversize:?}");
        assert_eq!((counts.oversized, counts.oversized_dropped), (1, dropped));
        assert_eq!(closed, why);
    }
}

#[test]
fn pieces_of_a_frame_get_their_own_lengths() {
    let settings = LineSettings {
        max_line: 4,
        ..OCTET
    };
    let lines = Framer::new(settings).frame(b"9 abcdefghi".to_vec());
    let encoded = lines.encode(Framing::Octet, Framing::Octet, Unfit::Drop);
    assert_eq!(encoded.bytes, b"4 abcd4 efgh1 i");
}

#[test]
fn only_the_content_of_an_incomplete_frame_can_become_a_line() {
    let drop = LineSettings {
        partial: Partial::Drop,
        ..OCTET
    };
    for (input, wanted, lost) in [
        (&b"2 ok"[..], &["ok"][..], [0, 0]),
        (b"2 ok1", &["ok"], [1, 1]),
        (b"2 ok12 ", &["ok"], [1, 1]),
        (b"2 ok12 rest", &["ok", "rest"], [0, 1]),
    ] {
        let (lines, counts, _) = contents(OCTET, input);
        assert_eq!(lines, wanted);
        assert_eq!(counts.partial_dropped, lost[0]);
        let (lines, counts, _) = contents(drop, input);
        assert_eq!(lines, ["ok"]);
        assert_eq!(counts.partial_dropped, lost[1]);
    }
}

#[test]
fn a_length_that_has_begun_is_a_partial_line() {
    let mut framer = Framer::new(OCTET);
    for (chunk, partial) in [("1", true), ("0", true), (" ", true), ("0123456789", false)] {
        assert_eq!(framer.frame(chunk.into()).len(), usize::from(!partial));
        assert_eq!(framer.has_partial(), partial);
    }
}

#[test]
fn a_lower_limit_applies_to_the_current_frame() {
    let mut framer = Framer::new(OCTET);
    assert!(framer.frame(b"8 abcdef".to_vec()).is_empty());
    framer.set_settings(LineSettings {
        max_line: 4,
        ..OCTET
    });
    let lines = framer.frame(b"abcdefg".to_vec());
    assert_eq!(lines.bytes(), b"abcd");
    assert_eq!(framer.partial(), b"efg");
    assert_eq!(framer.frame(b"efgh1 x".to_vec()).spans(), [0, 4, 4, 5]);
    assert_eq!(framer.take_counts().oversized, 1);
}

#[test]
fn long_frames_that_are_dropped_use_no_memory() {
    let settings = LineSettings {
        oversize: Oversize::Drop,
        ..OCTET
    };
    let mut framer = Framer::new(settings);
    assert!(framer.frame(format!("{} ", 64 << 16).into()).is_empty());
    for _ in 0..64 {
        assert!(framer.has_partial());
        assert!(framer.frame(vec![b'1'; 1 << 16]).is_empty());
        assert!(framer.partial().is_empty() && framer.take_long_partial().is_none());
    }
    assert_eq!(framer.frame(b"2 ok".to_vec()).bytes(), b"ok");
    let counts = framer.take_counts();
    assert_eq!((counts.oversized, counts.oversized_dropped), (1, 1));
}

#[test]
fn splitting_into_single_bytes_takes_linear_time() {
    let settings = LineSettings {
        max_line: 1,
        ..OCTET
    };
    let mut framer = Framer::new(settings);
    let input = [&b"1048576 "[..], &[b'a'; 1 << 20]].concat();
    assert_eq!(framer.frame(input).len(), 1 << 20);
}

#[test]
fn a_long_frame_read_in_single_bytes_takes_linear_time() {
    let settings = LineSettings {
        max_line: 1 << 20,
        ..OCTET
    };
    let mut framer = Framer::new(settings);
    assert!(framer.frame(b"1048576 ".to_vec()).is_empty());
    let mut lines = Lines::default();
    for _ in 0..1 << 20 {
        assert!(lines.is_empty());
        let mut block = framer
            .take_long_partial()
            .unwrap_or_else(|| framer.partial().to_vec());
        block.push(b'a');
        lines = framer.frame(block);
    }
    assert_eq!(lines.spans(), [0, 1 << 20]);
}
