//! Fuzz target: the framing `auto`, with reads of any size, against a reference that sees the whole
//! stream.
//!
//! In: settings, cuts and a stream. Out: nothing. The properties are those of
//! [`framing`](super::framing), and that lines encoded in `auto` are read as the same lines.

use super::framing::{Framed, Line, check, framed, limit, unit};
use super::octet::{frame, leading_digits};
use crate::{Framing, LineSettings, Lines, Partial, Unfit};

/// Runs the target on one input.
pub fn run(input: &[u8]) {
    check(input, &[Framing::Auto], reference);
    comes_back(input);
}

/// The reference: frames a whole stream.
pub(crate) fn reference(settings: LineSettings, mut input: &[u8]) -> Framed {
    let mut framed = Framed::default();
    while !input.is_empty() && framed.2.is_none() {
        let (length, rest) = input.split_at(leading_digits(input));
        let number = std::str::from_utf8(length).unwrap_or_default().parse().ok();
        let number = number.filter(|number| *number <= 16 * 1024 * 1024);
        if let (Some(number), [b'1'..=b'9', ..], [b' ', content @ ..]) = (number, length, rest) {
            input = frame(settings, number, content, b" ", &mut framed);
            continue;
        }
        let undecided = number.is_some() && length[0] != b'0' && rest.is_empty();
        if undecided && settings.partial == Partial::Drop {
            // Nothing told that this is a line.
            framed.1.partial_dropped += 1;
            break;
        }
        let ((content, end), rest) = unit(Framing::Auto, input);
        input = rest;
        if !content.is_empty() {
            limit(settings, (content, end), &mut framed);
        }
    }
    framed
}

/// Checks that the lines of a stream, encoded as they came, are read as the same lines.
pub(crate) fn comes_back(stream: &[u8]) {
    let settings = LineSettings {
        framing: Framing::Auto,
        ..LineSettings::default()
    };
    let (framed_lines, ..) = framed(settings, stream, &[]);
    let mut lines = Lines::default();
    for (content, end) in &framed_lines {
        lines.push(content, end);
    }
    let encoded = lines.encode(Framing::Auto, Framing::Auto, Unfit::Drop);
    let count = framed_lines.len() as u64;
    assert_eq!((encoded.lines, encoded.unfit), (count, 0));
    let (whole, bytes) = Framing::Auto.whole_lines(&encoded.bytes);
    let open = framed_lines.last().is_some_and(|(_, end)| end.is_empty());
    assert_eq!(whole, count - u64::from(open));
    assert_eq!(bytes == encoded.bytes.len(), !open);
    assert_eq!(Framing::Auto.is_terminated(&encoded.bytes), !open);
    // A frame that was cut may end with LF, which is counted from then on.
    let shown = |(content, end): Line| match end.strip_prefix(b" ") {
        Some(counted) => ([&content, counted].concat(), b" ".to_vec()),
        None => (content, end),
    };
    let again = framed(settings, &encoded.bytes, &[]).0;
    let again: Vec<Line> = again.into_iter().map(shown).collect();
    let before: Vec<Line> = framed_lines.into_iter().map(shown).collect();
    assert_eq!(again, before);
}
