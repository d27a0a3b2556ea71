//! The fast way through the check of an outcome: a block of the input's own layout.
//!
//! In: the lines of a call, and the output of an outcome that says nothing of them but what they
//! became. Out: whether it can go on as it came, without a look at single lines.

use super::Rules;
use crate::bindings::filter::exports::linemill::filter::batch::LinesResult;
use linemill_framing::Framing;
use linemill_framing::Lines;
use linemill_framing::scan;

/// Whether `output` has its contents where `input` has them, with the same gaps between.
pub(super) fn is_same(input: &Lines, output: &LinesResult, rules: Rules) -> bool {
    output.bytes.len() == input.bytes().len()
        && (output.spans.is_empty() || output.spans == input.spans())
        && same_terminators(input, &output.bytes, rules.framing)
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
