//! Fuzz target: framings with terminators, with reads of any size, against a reference that sees the
//! whole stream.
//!
//! In: settings, cuts and a stream. Out: nothing. Properties: lines, counts and end are those of the
//! reference, and memory is bounded by `max_line`. The reference reads byte by byte, without regard to
//! speed.

use crate::Lines;
use crate::framer::bom::BOM;
use crate::framer::{Closed, Counts, Framer};
use crate::{Framing, LineSettings, Oversize, Partial};
use linemill_fuzz_inputs::Choices;

/// The most digits that `auto` reads before it takes them for content.
const LENGTH: usize = 8;

/// Content and terminator of a line.
pub(crate) type Line = (Vec<u8>, Vec<u8>);

/// The lines of a stream, the framer's counts, and why the stream was closed, if it was.
pub(crate) type Framed = (Vec<Line>, Counts, Option<Closed>);

/// Runs the target on one input.
pub fn run(input: &[u8]) {
    check(
        input,
        &[Framing::Lf, Framing::Crlf, Framing::Nul],
        reference,
    );
}

/// Compares the framer's lines of a stream with those of `reference`.
pub(super) fn check(
    input: &[u8],
    framings: &[Framing],
    reference: fn(LineSettings, &[u8]) -> Framed,
) {
    let mut choices = Choices::new(input);
    let mut settings = LineSettings {
        framing: choices.pick(framings),
        // Short limits are reached often. The long one covers partial lines beyond 4 KiB, which the
        // framer keeps differently.
        max_line: choices.pick(&[1, 2, 3, 4, 5, 7, 8, 12, 5000]),
        oversize: choices.pick(&[
            Oversize::Split,
            Oversize::Truncate,
            Oversize::Drop,
            Oversize::Close,
        ]),
        ..LineSettings::default()
    };
    let mark;
    (settings.partial, settings.strip_bom, mark) = choices.pick(&[
        (Partial::Emit, false, 0),
        (Partial::Drop, false, 0),
        (Partial::Emit, true, BOM.len()),
        (Partial::Drop, true, BOM.len()),
        (Partial::Emit, true, BOM.len() - 1),
        (Partial::Drop, true, BOM.len() - 1),
        (Partial::Emit, true, 0),
        (Partial::Emit, false, BOM.len()),
    ]);
    let times = choices.pick(&[1, 1, 1, 100]);
    let (once, cuts) = choices.pieces();
    let stream = [&BOM[..mark], &once.repeat(times)].concat();
    let cuts: Vec<usize> = cuts.into_iter().map(|cut| cut * times).collect();
    let bare = stream
        .strip_prefix(BOM)
        .filter(|_| settings.strip_bom)
        .unwrap_or(&stream);
    let (framed, expected) = (framed(settings, &stream, &cuts), reference(settings, bare));
    assert_eq!(framed, expected, "{settings:?}, cut at {cuts:?}");
}

/// Feeds a stream in pieces that end at `cuts`.
pub(crate) fn framed(settings: LineSettings, stream: &[u8], cuts: &[usize]) -> Framed {
    let mut framer = Framer::new(settings);
    let mut out = Vec::new();
    let mut take = |lines: Lines| {
        let all = (0..lines.len()).map(|line| (lines.content(line), lines.terminator(line)));
        let all: Vec<Line> = all
            .map(|(content, end)| (content.into(), end.into()))
            .collect();
        let whole: Vec<u8> = all
            .iter()
            .flat_map(|(content, end)| [&content[..], end].concat())
            .collect();
        assert_eq!(
            whole,
            lines.bytes(),
            "a block is its lines and nothing else"
        );
        out.extend(all);
    };
    let mut from = 0;
    for cut in cuts.iter().copied().chain([stream.len()]) {
        let partial = framer.take_long_partial();
        let mut block = partial.unwrap_or_else(|| framer.partial().to_vec());
        block.extend_from_slice(&stream[from..cut]);
        from = cut;
        take(framer.frame(block));
        assert!(
            framer.partial().len() <= settings.max_line.max(LENGTH) + 1,
            "memory is bounded by max_line"
        );
    }
    take(framer.finish());
    (out, framer.take_counts(), framer.closed())
}

/// The lines of a stream as its framing defines them, of any length. An unterminated rest is a line
/// with an empty terminator.
fn units(framing: Framing, stream: &[u8]) -> Vec<Line> {
    let mut units = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let (line, next) = unit(framing, rest);
        units.push(line);
        rest = next;
    }
    units
}

/// The line that `stream` begins with, and the rest of the stream.
pub(super) fn unit(framing: Framing, stream: &[u8]) -> (Line, &[u8]) {
    let ends: &[&[u8]] = match framing {
        Framing::Nul => &[b"\0"],
        Framing::Crlf => &[b"\r\n"],
        Framing::Lf | Framing::Octet => &[b"\r\n", b"\n"],
        Framing::Auto => &[b"\r\n", b"\n", b"\0"],
    };
    for length in 1..=stream.len() {
        let (line, rest) = stream.split_at(length);
        if let Some(end) = ends.iter().find(|end| line.ends_with(end)) {
            return ((line[..length - end.len()].to_vec(), end.to_vec()), rest);
        }
    }
    ((stream.to_vec(), Vec::new()), &[])
}

/// The reference: frames a whole stream.
pub(crate) fn reference(settings: LineSettings, stream: &[u8]) -> Framed {
    let mut framed = Framed::default();
    for line in units(settings.framing, stream) {
        if framed.2.is_none() {
            limit(settings, line, &mut framed);
        }
    }
    framed
}

/// Adds a line, cut as the settings say.
pub(super) fn limit(
    settings: LineSettings,
    (content, end): Line,
    (out, counts, closed): &mut Framed,
) {
    let LineSettings {
        framing,
        max_line: max,
        oversize,
        partial,
        ..
    } = settings;
    let lost = end.is_empty() && partial == Partial::Drop;
    // The framer handles an oversized line before the stream ends, except if only a CR at its end
    // makes it too long.
    let waits = lost && framing != Framing::Nul && content.ends_with(b"\r");
    let certain = content.len() - usize::from(waits);
    let oversized = certain > max;
    let left_out = oversized && matches!(oversize, Oversize::Drop | Oversize::Close);
    counts.oversized += u64::from(oversized);
    counts.oversized_dropped += u64::from(left_out);
    counts.partial_dropped += u64::from(lost && !left_out);
    match oversize {
        Oversize::Close if oversized => *closed = Some(Closed::Oversize),
        _ if left_out => {}
        Oversize::Split if oversized => {
            let whole = (certain - 1) / max;
            let pieces = content[..whole * max].chunks(max);
            out.extend(pieces.map(|piece| (piece.to_vec(), framing.terminator().to_vec())));
            out.extend((!lost).then(|| (content[whole * max..].to_vec(), end)));
        }
        _ if lost => {}
        _ => out.push((content[..content.len().min(max)].to_vec(), end)),
    }
}
