//! The framer for `auto`, against the reference of the fuzz target and by example.

use super::*;
use crate::fuzz::auto::reference;

const AUTO: LineSettings = LineSettings {
    framing: Framing::Auto,
    max_line: 16 * 1024,
    oversize: Oversize::Split,
    partial: Partial::Emit,
    strip_bom: false,
};

fn content(bytes: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => Just(b'a'), 1 => Just(b' '), 1 => Just(b'1'), 1 => Just(b'\r'), 1 => Just(b'\n'), 1 => Just(0)
    ];
    proptest::collection::vec(byte, bytes)
}

/// Frames, lines, and what may be mistaken for either.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let frame = content(1..30)
        .prop_map(|content| [format!("{} ", content.len()).as_bytes(), &content].concat());
    let end = proptest::sample::select(vec!["\n", "\r\n", "\0", "\0\n"]);
    let line = (content(0..20), end).prop_map(|(content, end)| [&content, end.as_bytes()].concat());
    let odd = prop_oneof![
        Just(b"16777216 ".to_vec()),
        Just(b"16777217 a\n".to_vec()),
        Just(b"20261127 a\n".to_vec()),
        Just(b"05 a\n".to_vec()),
        Just(b"5\n".to_vec()),
        Just(b"99999999999999999999 a\n".to_vec()),
    ];
    let part = prop_oneof![20 => frame, 20 => line, 2 => odd];
    let parts = proptest::collection::vec(part, 0..12);
    (parts, any::<proptest::sample::Index>(), any::<bool>()).prop_map(|(parts, cut, whole)| {
        let mut stream = parts.concat();
        if !whole {
            stream.truncate(cut.index(stream.len() + 1));
        }
        stream
    })
}

fn auto() -> impl Strategy<Value = LineSettings> {
    settings_of(Just(Framing::Auto))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_chunking_gives_what_the_reference_gives(settings in auto(), input in stream(), cuts in cuts()) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(framed(settings, &input, &cuts), reference(settings, &input));
    }

    #[test]
    fn one_byte_at_a_time_is_no_different(settings in auto(), input in stream()) {
        let cuts: Vec<_> = (0..input.len()).collect();
        prop_assert_eq!(framed(settings, &input, &cuts), reference(settings, &input));
    }

    #[test]
    fn lines_come_back_as_they_came(input in stream()) {
        crate::fuzz::auto::comes_back(&input);
    }

    #[test]
    fn settings_may_change_anywhere(
        all in proptest::collection::vec((prop_oneof![auto(), super::settings()], stream()), 1..8)
    ) {
        let mut framer = Framer::new(all[0].0);
        let mut longest = 0;
        for (settings, chunk) in all {
            framer.set_settings(settings);
            // What is kept of an oversized line stays as long as it was.
            longest = longest.max(settings.max_line);
            let lines = framer.frame([framer.partial(), &chunk].concat());
            prop_assert!((0..lines.len()).all(|line| lines.content(line).len() <= longest));
            prop_assert!(framer.partial().len() <= longest.max(8) + 1);
        }
        framer.finish();
        prop_assert!(!framer.has_partial());
    }
}

/// The lines of `input`, each shown as content and terminator. They must be the same for any chunking.
fn lines(settings: LineSettings, input: &[u8]) -> Vec<String> {
    let bytewise: Vec<_> = (0..input.len()).collect();
    let all = framed(settings, input, &[]);
    assert_eq!(framed(settings, input, &bytewise), all);
    let shown = |(content, end): (Vec<u8>, Vec<u8>)| {
        format!("{}|{}", content.escape_ascii(), end.escape_ascii())
    };
    all.0.into_iter().map(shown).collect()
}

#[test]
fn all_kinds_come_on_one_stream() {
    let input = b"5 hello<1>a\n3 b\nc\n\0\r\n4 def\n<2>g\r\n<3>h\0<4>i\0\n<5>j\rk\ntail";
    assert_eq!(
        lines(AUTO, input),
        [
            "hello| ",
            r"<1>a|\n",
            r"b\nc| ",
            r"def| \n",
            r"<2>g|\r\n",
            r"<3>h|\x00",
            r"<4>i|\x00",
            r"<5>j\rk|\n",
            "tail|",
        ]
    );
}

#[test]
fn digits_are_content_unless_a_space_follows_a_length() {
    for text in [
        "0",
        "05 abc",
        "5",
        "5x abc",
        "5\tabc",
        "16777217 a",
        "20261127 a",
        "1732729354 a",
        "-5 a",
    ] {
        let input = format!("{text}\n2 ok");
        let expected = format!("{}|\\n", text.escape_default());
        assert_eq!(lines(AUTO, input.as_bytes()), [&expected, "ok| "]);
    }
    assert_eq!(lines(AUTO, b"2 ok12"), ["ok| ", "12|"]);
}

#[test]
fn oversize_applies_to_both_kinds() {
    let input = b"<1>abcde\n7 abcdefg2 ok";
    for (oversize, expected) in [
        (
            Oversize::Split,
            &[r"<1>a|\n", r"bcde|\n", "abcd| ", "efg| ", "ok| "][..],
        ),
        (Oversize::Truncate, &[r"<1>a|\n", "abcd| ", "ok| "]),
        (Oversize::Drop, &["ok| "]),
        (Oversize::Close, &[]),
    ] {
        let settings = LineSettings {
            max_line: 4,
            oversize,
            ..AUTO
        };
        assert_eq!(lines(settings, input), expected, "{oversize:?}");
    }
}

#[test]
fn a_long_line_read_in_single_bytes_takes_linear_time() {
    for start in ["1048576 ", ""] {
        let settings = LineSettings {
            max_line: 1 << 20,
            ..AUTO
        };
        let mut framer = Framer::new(settings);
        let mut lines = framer.frame(start.into());
        for byte in [&[b'a'; 1 << 20][..], b"\n"].concat() {
            if !lines.is_empty() {
                break;
            }
            let mut block = framer
                .take_long_partial()
                .unwrap_or_else(|| framer.partial().to_vec());
            block.push(byte);
            lines = framer.frame(block);
        }
        assert_eq!(lines.spans(), [0, 1 << 20]);
    }
}

#[test]
fn splitting_into_single_bytes_takes_linear_time() {
    let settings = LineSettings {
        max_line: 1,
        ..AUTO
    };
    let mut framer = Framer::new(settings);
    let input = [&b"1048576 "[..], &[b'a'; 1 << 20]].concat();
    assert_eq!(framer.frame(input).len(), 1 << 20);
    assert_eq!(framer.frame(vec![b'a'; 1 << 20]).len(), (1 << 20) - 1);
}
