//! Compares the framer, for any chunking, with the byte-by-byte reference of the fuzz targets.

use proptest::prelude::*;

use super::*;
use crate::fuzz::framing::{framed, reference};

mod auto;
mod bom;
mod nul;
mod octet;

fn settings() -> impl Strategy<Value = LineSettings> {
    settings_of(prop_oneof![
        Just(Framing::Lf),
        Just(Framing::Crlf),
        Just(Framing::Nul)
    ])
}

fn settings_of(framing: impl Strategy<Value = Framing>) -> impl Strategy<Value = LineSettings> {
    let oversize = prop_oneof![
        Just(Oversize::Split),
        Just(Oversize::Truncate),
        Just(Oversize::Drop),
        Just(Oversize::Close)
    ];
    let partial = prop_oneof![Just(Partial::Emit), Just(Partial::Drop)];
    (framing, 1..12usize, oversize, partial).prop_map(|(framing, max_line, oversize, partial)| {
        LineSettings {
            framing,
            max_line,
            oversize,
            partial,
            strip_bom: false,
        }
    })
}

/// Streams of few different bytes, so that terminators often fall on a limit or a cut.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(b'a'), 2 => Just(b'b'), 2 => Just(b'\r'), 2 => Just(b'\n'), 1 => Just(0)];
    proptest::collection::vec(byte, 0..120)
}

fn cuts() -> impl Strategy<Value = Vec<proptest::sample::Index>> {
    proptest::collection::vec(any::<proptest::sample::Index>(), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_chunking_gives_what_the_reference_gives(settings in settings(), input in stream(), cuts in cuts()) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(framed(settings, &input, &cuts), reference(settings, &input));
    }

    #[test]
    fn one_byte_at_a_time_is_no_different(settings in settings(), input in stream()) {
        let cuts: Vec<_> = (0..input.len()).collect();
        prop_assert_eq!(framed(settings, &input, &cuts), reference(settings, &input));
    }

    #[test]
    fn split_output_joined_is_the_input(max_line in 1..12usize, input in stream(), cuts in cuts()) {
        let settings = LineSettings { max_line, ..LineSettings::default() };
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let (lines, counts, _) = framed(settings, &input, &cuts);
        let content = |bytes: &[u8]| bytes.iter().copied().filter(|b| *b != b'\n').collect::<Vec<_>>();
        let joined: Vec<u8> = lines.iter().flat_map(|(content, end)| [&content[..], end].concat()).collect();
        prop_assert_eq!(content(&joined), content(&input));
        if counts.oversized == 0 {
            prop_assert_eq!(joined, input);
        }
    }
}

#[test]
fn a_cr_waits_for_its_lf_at_the_border_of_max_line() {
    let settings = LineSettings {
        max_line: 4,
        ..LineSettings::default()
    };
    let (lines, counts, _) = framed(settings, b"aaaa\r\nb\n", &[4, 5]);
    assert_eq!(
        lines,
        [
            (b"aaaa".to_vec(), b"\r\n".to_vec()),
            (b"b".to_vec(), b"\n".to_vec())
        ]
    );
    assert_eq!(counts, Counts::default());
}

#[test]
fn a_kept_cr_does_not_become_part_of_the_terminator() {
    let settings = LineSettings {
        max_line: 4,
        oversize: Oversize::Truncate,
        ..LineSettings::default()
    };
    let (lines, ..) = framed(settings, b"aaa\rXX\n", &[6]);
    assert_eq!(lines, [(b"aaa\r".to_vec(), b"\n".to_vec())]);
}

#[test]
fn long_lines_that_are_dropped_use_no_memory() {
    let settings = LineSettings {
        oversize: Oversize::Drop,
        ..LineSettings::default()
    };
    let mut framer = Framer::new(settings);
    for _ in 0..64 {
        let mut block = framer.take_long_partial().unwrap_or_default();
        block.resize(block.len() + 64 * 1024, b'a');
        assert!(framer.frame(block).is_empty());
        assert!(framer.partial().len() <= 1);
    }
    let lines = framer.frame(b"\nok\n".to_vec());
    assert_eq!(lines.bytes(), b"ok\n");
    assert_eq!(framer.take_counts().oversized, 1);
}

#[test]
fn splitting_into_single_bytes_takes_linear_time() {
    let settings = LineSettings {
        max_line: 1,
        ..LineSettings::default()
    };
    let mut framer = Framer::new(settings);
    let lines = framer.frame(vec![b'a'; 1 << 20]);
    assert_eq!(lines.len(), (1 << 20) - 1);
}
