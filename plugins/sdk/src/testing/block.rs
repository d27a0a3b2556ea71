//! A host's side of a call: packs lines into a block, and reads the outcome.
//!
//! In: lines, or a block and its outcome. Out: the block, or a verdict on each line. Not here:
//! running the filter. An outcome that contradicts itself panics, because it is a bug in the SDK.

use super::{Line, Verdict};
use crate::batch::{Lines, Outcome};

/// What is before, between and after lines: the framing of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gaps {
    /// LF or CR LF ends a line.
    LineFeeds,
    /// CR LF ends a line.
    CrLf,
    /// NUL ends a line.
    Nul,
    /// The length of a line precedes it.
    Octets,
}

impl Gaps {
    /// A block as a host makes it. If `last`, the block ends the stream and its last line has no terminator.
    pub(crate) fn pack(self, lines: &[Vec<u8>], last: bool) -> Lines {
        let mut block = Lines::default();
        for (index, line) in lines.iter().enumerate() {
            if self == Self::Octets {
                block.bytes.extend(format!("{} ", line.len()).bytes());
            }
            for offset in [block.bytes.len(), block.bytes.len() + line.len()] {
                block.spans.push(offset as u32);
            }
            block.bytes.extend(line);
            if !(last && index + 1 == lines.len()) {
                let terminator: &[u8] = match self {
                    Self::LineFeeds if line.len().is_multiple_of(3) => b"\r\n",
                    Self::LineFeeds => b"\n",
                    Self::CrLf => b"\r\n",
                    Self::Nul => b"\0",
                    Self::Octets => b"",
                };
                block.bytes.extend(terminator);
            }
        }
        block
    }

    /// Whether a line can be in such a stream.
    pub(crate) fn admit(self, line: &[u8]) -> bool {
        match self {
            Self::LineFeeds => !line.contains(&b'\n'),
            Self::CrLf => !line.windows(2).any(|pair| pair == b"\r\n"),
            Self::Nul => !line.contains(&0),
            Self::Octets => true,
        }
    }
}

/// A block with LF or CR LF as terminators: see [`Gaps::pack`].
pub(crate) fn pack(lines: &[Vec<u8>], last: bool) -> Lines {
    Gaps::LineFeeds.pack(lines, last)
}

/// `max_line` of a host, if no line of the test is longer.
const MAX_LINE: usize = 16 << 10;

/// Which lines a host would take from a filter.
#[derive(Clone, Copy)]
pub(crate) struct Fit {
    /// The longest line, in bytes.
    longest: usize,
    /// Lines end with LF. They do unless a line of the test contains one.
    ends_with_lf: bool,
}

impl Fit {
    /// Every line fits.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self {
        longest: usize::MAX,
        ends_with_lf: false,
    };

    /// For a stream of `input` lines.
    pub(crate) fn of(input: &[Vec<u8>]) -> Self {
        let longest = input.iter().map(Vec::len).max().unwrap_or(0);
        Self {
            longest: 4 * longest.max(MAX_LINE),
            ends_with_lf: !input.iter().any(|line| line.contains(&b'\n')),
        }
    }

    /// Why a host would not take `line`; `None` if it would.
    pub(crate) fn refusal(self, line: &[u8]) -> Option<&'static str> {
        if self.ends_with_lf && line.contains(&b'\n') {
            Some("a line that the filter emits contains a line feed, which ends lines")
        } else if line.len() > self.longest {
            Some("a line that the filter emits is longer than four times `max_line`")
        } else {
            None
        }
    }
}

/// The lines of a block.
pub(crate) fn unpack(block: &Lines) -> impl Iterator<Item = &[u8]> {
    block
        .spans
        .chunks_exact(2)
        .map(|span| &block.bytes[span[0] as usize..span[1] as usize])
}

/// The verdicts that a host reads from an outcome. `block` holds the `input` lines, and `names` are
/// the declared routes. A line that does not `fit` fails.
pub(crate) fn judge(
    input: &[Vec<u8>],
    block: &Lines,
    names: &[String],
    outcome: Outcome,
    fit: Fit,
) -> Vec<Verdict> {
    let Outcome {
        mut output,
        counts,
        failures,
        routes,
        close_after,
    } = outcome;
    if output.spans.is_empty() && counts.is_empty() {
        assert_eq!(
            output.bytes.len(),
            block.bytes.len(),
            "without spans, the output must be as long as the input"
        );
        output.spans.clone_from(&block.spans);
    }
    let mut lines = unpack(&output).map(|line| Line(line.to_vec()));
    let mut failures = failures.into_iter().peekable();
    let mut routes = routes.into_iter().peekable();
    let mut verdicts = Vec::new();
    for (index, content) in input.iter().enumerate() {
        let count = if counts.is_empty() {
            1
        } else {
            counts[index] as usize
        };
        let mut output_lines: Vec<Line> = lines.by_ref().take(count).collect();
        assert_eq!(
            output_lines.len(),
            count,
            "the counts must add up to the number of output lines"
        );
        let closes = close_after == Some(index as u32);
        let verdict =
            if let Some(failure) = failures.next_if(|failure| failure.line == index as u32) {
                assert_eq!(count, 0, "a line that failed must have no output");
                Verdict::Fail(Line(failure.reason))
            } else if let Some(reason) = output_lines.iter().find_map(|line| fit.refusal(&line.0)) {
                Verdict::Fail(Line(reason.into()))
            } else if closes {
                Verdict::Close(output_lines)
            } else if count == 1 && output_lines[0].0 == *content {
                Verdict::Pass
            } else if count == 1 {
                Verdict::Replace(output_lines.remove(0))
            } else if count == 0 {
                Verdict::Drop
            } else {
                Verdict::Split(output_lines)
            };
        let route = routes.next_if(|routed| routed.line == index as u32);
        verdicts.push(match route {
            Some(_) if count == 0 => panic!("line {index} takes a route but has no output"),
            // A line that failed stays.
            Some(_) if matches!(verdict, Verdict::Fail(_)) => verdict,
            Some(routed) => verdict.by(&names[routed.route as usize]),
            None => verdict,
        });
        if closes {
            return verdicts;
        }
    }
    assert!(
        lines.next().is_none() && failures.next().is_none() && routes.next().is_none(),
        "the outcome must not refer to further lines"
    );
    verdicts
}
