//! The fast path of the check: output with the same layout as the input.
//!
//! In: the lines of a call, and the output of an outcome without counts, failures or routes. Out:
//! whether the output can be used as it is, without a check of each line.
//! Not here: output with another layout (`checks`).

use super::Rules;
use crate::bindings::filter::exports::linemill::filter::batch::LinesResult;
use linemill_framing::Framing;
use linemill_framing::Lines;
use linemill_framing::scan;

/// Whether `output` has its contents at the same positions as `input`, with the same terminators in
/// between.
pub(super) fn is_same(input: &Lines, output: &LinesResult, rules: Rules) -> bool {
    output.bytes.len() == input.bytes().len()
        && (output.spans.is_empty() || output.spans == input.spans())
        && same_terminators(input, &output.bytes, rules.framing)
}

/// Whether `output`, which is as long as the input's block, has terminators at the same positions and
/// nowhere else.
fn same_terminators(input: &Lines, output: &[u8], framing: Framing) -> bool {
    let last_bytes = match framing {
        Framing::Lf => scan::same_places(b'\n', input.bytes(), output),
        Framing::Nul => scan::same_places(0, input.bytes(), output),
        Framing::Crlf => framing.count_in(input.bytes()) == framing.count_in(output),
        // Any byte may be content.
        Framing::Octet | Framing::Auto => true,
    };
    last_bytes && gaps_match(input, output, framing)
}

/// Compares the terminators, unless they are the one byte that has been compared already.
fn gaps_match(input: &Lines, output: &[u8], framing: Framing) -> bool {
    let theirs = input.bytes();
    let compared = usize::from(matches!(framing, Framing::Lf | Framing::Nul));
    if compared > 0 && input.has_single_byte_terminators() {
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
