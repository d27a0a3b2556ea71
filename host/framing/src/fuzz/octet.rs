//! Fuzz target: the framing `octet`, with reads of any size, against a reference that sees the whole
//! stream.
//!
//! In: settings, cuts and a stream. Out: nothing. The properties are those of
//! [`framing`](super::framing).

use super::framing::{Framed, check};
use crate::framer::Closed;
use crate::{Framing, LineSettings, Oversize, Partial};

/// Runs the target on one input.
pub fn run(input: &[u8]) {
    check(input, &[Framing::Octet], reference);
}

/// The reference: frames a whole stream.
pub(crate) fn reference(settings: LineSettings, mut input: &[u8]) -> Framed {
    let mut framed = Framed::default();
    while !input.is_empty() && framed.2.is_none() {
        let digits = leading_digits(input);
        let (length, rest) = input.split_at(digits);
        let number = std::str::from_utf8(length)
            .ok()
            .and_then(|digits| digits.parse::<u64>().ok());
        let bad = length.starts_with(b"0") || rest.first().is_some_and(|byte| *byte != b' ');
        let (Some(number), false) = (number, bad) else {
            framed.2 = Some(Closed::BadLength);
            break;
        };
        let Some(content) = rest.get(1..) else {
            framed.1.partial_dropped += 1;
            break;
        };
        input = frame(settings, number, content, b"", &mut framed);
    }
    framed
}

/// How many digits `input` begins with.
pub(super) fn leading_digits(input: &[u8]) -> usize {
    input
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// Frames the content of `number` bytes that `input` begins with. A terminator in
/// [`Lines`](crate::Lines) begins with `mark`. Returns the rest of the stream.
pub(super) fn frame<'a>(
    settings: LineSettings,
    number: u64,
    input: &'a [u8],
    mark: &[u8],
    (out, counts, closed): &mut Framed,
) -> &'a [u8] {
    let max = settings.max_line;
    let emits = settings.partial == Partial::Emit;
    let line = |(content, end): (&[u8], &[u8])| (content.to_vec(), [mark, end].concat());
    let available = input.len().min(number as usize);
    let whole = available as u64 == number;
    let (content, rest) = input.split_at(available);
    let ends: [&[u8]; 3] = [b"\r\n", b"\n", b""];
    let end = ends.into_iter().find(|end| whole && content.ends_with(end));
    let end = end.unwrap_or_default();
    let content = &content[..content.len() - end.len()];
    // An incomplete frame may have become as long as `max`, with CR LF at its end.
    let oversized = if whole || emits && number <= max as u64 + 2 {
        content.len() > max
    } else {
        number > max as u64 + 2
    };
    counts.oversized += u64::from(oversized);
    match settings.oversize {
        Oversize::Drop | Oversize::Close if oversized => {
            counts.oversized_dropped += 1;
            *closed = (settings.oversize == Oversize::Close).then_some(Closed::Oversize);
            return rest;
        }
        Oversize::Truncate if oversized && (whole || emits) => {
            out.extend(content.chunks(max).take(1).map(|kept| line((kept, end))));
        }
        Oversize::Truncate if oversized => {}
        _ if content.is_empty() => out.extend(whole.then(|| line((content, end)))),
        _ => {
            let pieces = content.len().div_ceil(max);
            out.extend(
                content
                    .chunks(max)
                    .enumerate()
                    .filter(|(nth, piece)| {
                        let certain = number as usize - nth * max > max + 2;
                        whole || emits || certain && piece.len() == max
                    })
                    .map(|(nth, piece)| (piece, if nth + 1 == pieces { end } else { b"" }))
                    .map(line),
            );
        }
    }
    counts.partial_dropped += u64::from(!whole && (!emits || content.is_empty() && !oversized));
    rest
}
