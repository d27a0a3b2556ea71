//! The lines that a filter held back, from either world.
//!
//! In: the answer of `finish`. Out: lines with their routes, or `None` when spans or routes are out
//! of order.
//! Not here: whether the routes were declared (`instance`), whether the stream allows the lines
//! (`filter::call`).

use super::HeldLine;
use crate::bindings::filter::exports::linemill::filter::batch;
use crate::bindings::line_filter::exports::linemill::filter::line;

/// Converts the answer of a batch filter. `None` when spans or routes are out of order or range.
pub(super) fn of_batch(held: &batch::Held) -> Option<Vec<HeldLine>> {
    let batch::Held { output, routes } = held;
    let contents = output.spans.chunks(2).map(|span| {
        let content = output
            .bytes
            .get(*span.first()? as usize..*span.get(1)? as usize)?;
        Some((content.to_vec(), None))
    });
    let mut lines: Vec<HeldLine> = contents.collect::<Option<_>>()?;
    if !routes.is_sorted_by(|a, b| a.line < b.line) {
        return None;
    }
    for routed in routes {
        lines.get_mut(routed.line as usize)?.1 = Some(routed.route);
    }
    Some(lines)
}

/// Converts the answer of a line filter.
pub(super) fn of_lines(held: Vec<line::Held>) -> Vec<HeldLine> {
    held.into_iter()
        .map(|held| (held.content, held.route))
        .collect()
}
