//! The framer for `nul`.

use super::*;

const NUL: LineSettings = LineSettings {
    framing: Framing::Nul,
    max_line: 16 * 1024,
    oversize: Oversize::Split,
    partial: Partial::Emit,
    strip_bom: false,
};

/// The lines of `input`, each shown as content and terminator. They must be the same for any chunking.
fn lines(settings: LineSettings, input: &[u8]) -> (Vec<String>, Counts, Option<Closed>) {
    let (lines, counts, closed) = framed(settings, input, &[]);
    let bytewise: Vec<_> = (0..input.len()).collect();
    assert_eq!(
        framed(settings, input, &bytewise),
        (lines.clone(), counts, closed)
    );
    let shown = |(content, end): &(Vec<u8>, Vec<u8>)| {
        format!("{}|{}", content.escape_ascii(), end.escape_ascii())
    };
    (lines.iter().map(shown).collect(), counts, closed)
}

#[test]
fn case_10_only_nul_ends_a_line() {
    let (lines, counts, closed) = lines(NUL, b"NUL\n\0\0The all\0tail");
    assert_eq!(lines, [r"NUL\n|\x00", r"|\x00", r"The all|\x00", "tail|"]);
    assert_eq!((counts, closed), (Counts::default(), None));
}

#[test]
fn a_cr_before_nul_is_content() {
    let (lines, ..) = lines(NUL, b"a\r\0b\r");
    assert_eq!(lines, [r"a\r|\x00", r"b\r|"]);
}

#[test]
fn a_cr_counts_towards_max_line_at_once() {
    let settings = LineSettings {
        max_line: 2,
        oversize: Oversize::Close,
        ..NUL
    };
    let mut framer = Framer::new(settings);
    assert!(framer.frame(b"ab\r".to_vec()).is_empty());
    assert_eq!(framer.closed(), Some(Closed::Oversize));
}

#[test]
fn oversize_applies_to_an_oversized_line() {
    let expected: [(_, &[&str], _); 4] = [
        (
            Oversize::Split,
            &[r"ok|\x00", r"abc|\x00", r"def|\x00", r"g|\x00", r"end|\x00"],
            (0, None),
        ),
        (
            Oversize::Truncate,
            &[r"ok|\x00", r"abc|\x00", r"end|\x00"],
            (0, None),
        ),
        (Oversize::Drop, &[r"ok|\x00", r"end|\x00"], (1, None)),
        (Oversize::Close, &[r"ok|\x00"], (1, Some(Closed::Oversize))),
    ];
    for (oversize, wanted, (dropped, why)) in expected {
        let settings = LineSettings {
            max_line: 3,
            oversize,
            ..NUL
        };
        let (lines, counts, closed) = lines(settings, b"ok\0abcdefg\0end\0");
        assert_eq!(lines, wanted, "{oversize:?}");
        assert_eq!((counts.oversized, counts.oversized_dropped), (1, dropped));
        assert_eq!(closed, why);
    }
}

#[test]
fn an_unterminated_rest_may_be_dropped() {
    let settings = LineSettings {
        partial: Partial::Drop,
        ..NUL
    };
    let (lines, counts, _) = lines(settings, b"a\0rest");
    assert_eq!(lines, [r"a|\x00"]);
    assert_eq!(counts.partial_dropped, 1);
}
