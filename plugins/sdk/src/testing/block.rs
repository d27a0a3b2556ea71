//! What a host does with a filter's blocks: it packs lines into one, and judges what came of them.
//!
//! In: lines, or a block and its outcome. Out: the other. A contradiction in the outcome panics, since
//! it is a fault of the SDK.

use super::{Line, Verdict};
use crate::batch::{Lines, Outcome};

/// A block as a host makes it: LF and CR LF in turn, none after the last line of a stream.
pub(crate) fn pack(lines: &[Vec<u8>], last: bool) -> Lines {
    let mut block = Lines::default();
    for (index, line) in lines.iter().enumerate() {
        for byte in [block.bytes.len(), block.bytes.len() + line.len()] {
            block.spans.push(byte as u32);
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

/// Reads an outcome as the host does.
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
            "same spans, same length"
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
        let mut made: Vec<Line> = lines.by_ref().take(count).collect();
        assert_eq!(made.len(), count, "counts and output lines agree");
        let closes = close_after == Some(index as u32);
        let verdict =
            if let Some(failure) = failures.next_if(|failure| failure.line == index as u32) {
                assert_eq!(count, 0, "nothing comes of a line that failed");
                Verdict::Fail(Line(failure.reason))
            } else if closes {
                Verdict::Close(made)
            } else if count == 1 && made[0].0 == *content {
                Verdict::Pass
            } else if count == 1 {
                Verdict::Replace(made.remove(0))
            } else if count == 0 {
                Verdict::Drop
            } else {
                Verdict::Split(made)
            };
        let route = routes.next_if(|routed| routed.line == index as u32);
        verdicts.push(match route {
            Some(_) if count == 0 => panic!("nothing of line {index} takes a route"),
            Some(routed) => verdict.by(&names[routed.route as usize]),
            None => verdict,
        });
        if closes {
            return verdicts;
        }
    }
    assert!(
        lines.next().is_none() && failures.next().is_none() && routes.next().is_none(),
        "nothing is left over"
    );
    verdicts
}
