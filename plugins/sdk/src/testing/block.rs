//! A host's side of a call: packs lines into a block, and reads the outcome.
//!
//! In: lines, or a block and its outcome. Out: the block, or a verdict on each line. Not here:
//! running the filter. An outcome that contradicts itself panics, because it is a bug in the SDK.

use super::{Line, Verdict};
use crate::batch::{Lines, Outcome};

/// A block as a host makes it, with LF or CR LF as terminators. If `last`, the block ends the
/// stream and its last line has no terminator.
pub(crate) fn pack(lines: &[Vec<u8>], last: bool) -> Lines {
    let mut block = Lines::default();
    for (index, line) in lines.iter().enumerate() {
        for offset in [block.bytes.len(), block.bytes.len() + line.len()] {
            block.spans.push(offset as u32);
        }
        block.bytes.extend(line);
        if !(last && index + 1 == lines.len()) {
            let terminator: &[u8] = if line.len().is_multiple_of(3) {
                b"\r\n"
            } else {
                b"\n"
            };
            block.bytes.extend(terminator);
        }
    }
    block
}

/// The lines of a block.
pub(crate) fn unpack(block: &Lines) -> impl Iterator<Item = &[u8]> {
    block
        .spans
        .chunks_exact(2)
        .map(|span| &block.bytes[span[0] as usize..span[1] as usize])
}

/// The verdicts that a host reads from an outcome. `block` holds the `input` lines, and `names` are
/// the declared routes.
pub(crate) fn judge(
    input: &[Vec<u8>],
    block: &Lines,
    names: &[String],
    outcome: Outcome,
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
