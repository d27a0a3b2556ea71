//! The framer against a byte-by-byte reference, under any chunking.

use proptest::prelude::*;

use super::*;

#[path = "line/nul_tests.rs"]
mod nul;
#[path = "line/octet_tests.rs"]
mod octet;

/// Content and terminator of every line, what was counted, and why the stream was closed.
type Framed = (Vec<(Vec<u8>, Vec<u8>)>, Counts, Option<Closed>);

/// Content and terminator of every line, oversized lines and dropped rests: what a stream is, read
/// whole, one byte after another, with no thought of speed.
fn reference(settings: LineSettings, input: &[u8]) -> Framed {
    let LineSettings {
        framing,
        max_line: max,
        oversize,
        partial,
    } = settings;
    let (mut out, mut counts, mut line) = (Vec::new(), Counts::default(), Vec::new());
    for (index, byte) in input.iter().enumerate() {
        line.push(*byte);
        let ended = match framing {
            Framing::Nul => line.ends_with(b"\0"),
            Framing::Crlf => line.ends_with(b"\r\n"),
            _ => line.ends_with(b"\n"),
        };
        if !ended && index + 1 < input.len() {
            continue;
        }
        let terminator = match () {
            () if !ended => 0,
            () if framing != Framing::Nul && line.ends_with(b"\r\n") => 2,
            () => 1,
        };
        let end = line.split_off(line.len() - terminator);
        let content = std::mem::take(&mut line);
        if !ended && partial == Partial::Drop {
            // What had been certain to be too long was dealt with before the stream ended.
            let certain =
                content.len() - usize::from(content.ends_with(b"\r") && framing != Framing::Nul);
            let oversized = certain > max;
            counts.oversized += u64::from(oversized);
            counts.oversized_dropped +=
                u64::from(oversized && matches!(oversize, Oversize::Drop | Oversize::Close));
            match oversize {
                Oversize::Close if oversized => return (out, counts, Some(Closed::Oversize)),
                Oversize::Drop if oversized => {}
                Oversize::Split => {
                    let mut rest = &content[..];
                    while rest.len() - (content.len() - certain) > max {
                        out.push((rest[..max].to_vec(), framing.terminator().to_vec()));
                        rest = &rest[max..];
                    }
                    counts.partial_dropped += 1;
                }
                _ => counts.partial_dropped += 1,
            }
            continue;
        }
        if content.len() <= max {
            out.push((content, end));
            continue;
        }
        counts.oversized += 1;
        counts.oversized_dropped += u64::from(matches!(oversize, Oversize::Drop | Oversize::Close));
        match oversize {
            Oversize::Split => {
                let pieces: Vec<_> = content.chunks(max).collect();
                for (nth, piece) in pieces.iter().enumerate() {
                    let last = nth + 1 == pieces.len();
                    let end = if last {
                        end.clone()
                    } else {
                        framing.terminator().to_vec()
                    };
                    out.push((piece.to_vec(), end));
                }
            }
            Oversize::Truncate => out.push((content[..max].to_vec(), end)),
            Oversize::Drop => {}
            Oversize::Close => return (out, counts, Some(Closed::Oversize)),
        }
    }
    (out, counts, None)
}

/// Feeds `input` in pieces that end at `cuts`.
fn framed(settings: LineSettings, input: &[u8], cuts: &[usize]) -> Framed {
    let mut framer = Framer::new(settings);
    let mut out = Vec::new();
    let mut take = |lines: Lines| {
        let mut whole = Vec::new();
        for index in 0..lines.len() {
            out.push((
                lines.content(index).to_vec(),
                lines.terminator(index).to_vec(),
            ));
            whole.extend_from_slice(lines.content(index));
            whole.extend_from_slice(lines.terminator(index));
        }
        assert_eq!(
            whole,
            lines.bytes(),
            "a block is its lines and nothing else"
        );
    };
    let mut from = 0;
    for cut in cuts.iter().copied().chain([input.len()]) {
        let mut block = framer
            .take_long_partial()
            .unwrap_or_else(|| framer.partial().to_vec());
        block.extend_from_slice(&input[from..cut]);
        from = cut;
        take(framer.frame(block));
        assert!(
            framer.partial().len() <= settings.max_line + 1,
            "memory is bounded by max_line"
        );
    }
    take(framer.finish());
    (out, framer.take_counts(), framer.closed())
}

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
        }
    })
}

/// Few different bytes, so that terminators and borders meet often.
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
fn a_kept_cr_is_not_taken_for_the_terminators() {
    let settings = LineSettings {
        max_line: 4,
        oversize: Oversize::Truncate,
        ..LineSettings::default()
    };
    let (lines, ..) = framed(settings, b"aaa\rXX\n", &[6]);
    assert_eq!(lines, [(b"aaa\r".to_vec(), b"\n".to_vec())]);
}

#[test]
fn long_lines_under_drop_leave_nothing_behind() {
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
