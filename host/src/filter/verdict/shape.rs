//! The fast way through the check of an outcome: a block of the input's own layout.
//!
//! In: the lines of a call and an outcome that says nothing but what they became. Out: those lines,
//! not copied, if the block can go on as it came, and the outcome back if not.

use super::Rules;
use crate::config::settings::Framing;
use crate::filter::bindings::filter::exports::linemill::filter::batch::Outcome;
use crate::lines::Lines;
use crate::scan;

/// Same contents' places, same gaps: the block goes on as it came.
pub(super) fn same_shape(input: &Lines, outcome: Outcome, rules: Rules) -> Result<Lines, Outcome> {
    let output = &outcome.output;
    let shaped = output.bytes.len() == input.bytes().len()
        && (output.spans.is_empty() || output.spans == input.spans())
        && same_terminators(input, &output.bytes, rules.framing);
    if shaped {
        Ok(Lines::from_parts(
            outcome.output.bytes,
            input.spans().to_vec(),
        ))
    } else {
        Err(outcome)
    }
}

/// Whether `output`, as long as the input's block, has its terminators at the same places, and
/// none elsewhere.
fn same_terminators(input: &Lines, output: &[u8], framing: Framing) -> bool {
    let last_bytes = match framing {
        Framing::Lf => scan::same_places(b'\n', input.bytes(), output),
        Framing::Nul => scan::same_places(0, input.bytes(), output),
        Framing::Crlf => framing.count_in(input.bytes()) == framing.count_in(output),
        Framing::Octet => true,
    };
    last_bytes && long_gaps_match(input, output, framing)
}

/// Compares the gaps that are more than the one byte that has been compared.
fn long_gaps_match(input: &Lines, output: &[u8], framing: Framing) -> bool {
    let theirs = input.bytes();
    let compared = usize::from(framing != Framing::Crlf);
    if matches!(framing, Framing::Lf | Framing::Nul) && input.has_single_byte_terminators() {
        return true;
    }
    let (mut from, mut pairs) = (0, input.spans().chunks_exact(2));
    let all = pairs.all(|span| {
        let (start, end) = (span[0] as usize, span[1] as usize);
        let same = start - from <= compared || theirs[from..start] == output[from..start];
        from = end;
        same
    });
    all && theirs[from..] == output[from..]
}
