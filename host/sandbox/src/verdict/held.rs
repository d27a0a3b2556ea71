//! Judges what a filter held back until the end of its stream.
//!
//! In: the answer of `finish`, as the guest returned it. Out: [`HeldVerdicts`]: the lines that continue,
//! those that take a route, and those that the stream does not allow. If the answer contradicts itself,
//! [`Broken`]. Nothing is copied before the whole answer has been checked. Pure.
//! Not here: how long the answer may be (`instance`), counting (`filter::call`).

use super::routed_lines::HeldLines;
use super::{Broken, Failed, Rules, checks, spans};
use crate::bindings::filter::exports::linemill::filter::batch::Held;

/// The verdicts on the lines that a filter held back.
#[derive(Debug, Default)]
pub(crate) struct HeldVerdicts {
    pub(crate) held: HeldLines,
    /// The lines that the stream does not allow, with their contents.
    pub(crate) failed: Vec<(Failed, Vec<u8>)>,
}

/// Judges the answer of `finish`. `route_indices` is as in [`super::judge`].
///
/// # Errors
/// [`Broken`] if a number of the answer is out of order or range.
pub(crate) fn judge_held(
    answer: &Held,
    rules: Rules,
    route_indices: &[Option<u32>],
) -> Result<HeldVerdicts, Broken> {
    let Held { output, routes } = answer;
    let contents = spans::contents(output.bytes.len(), &output.spans)?;
    checks::routes(contents.len(), routes, &[], route_indices.len())?;
    let mut routes = routes.iter().peekable();
    let mut verdicts = HeldVerdicts::default();
    let terminator = rules.framing.terminator();
    for (index, span) in contents.iter().enumerate() {
        let content = &output.bytes[span.0..span.1];
        let route = routes
            .next_if(|routed| routed.line as usize == index)
            .and_then(|routed| route_indices[routed.route as usize]);
        let failed = checks::unacceptable(index, &output.bytes, &[*span], rules);
        let HeldLines { lines, routed, .. } = &mut verdicts.held;
        match (failed, route) {
            (Some(failed), _) => verdicts.failed.push((failed, content.to_vec())),
            (None, Some(route)) => routed.push(content, terminator, route, lines.len()),
            (None, None) => lines.push(content, terminator),
        }
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;
    use crate::bindings::filter::exports::linemill::filter::batch::{LinesResult, Routed};
    use linemill_framing::Framing;

    const RULES: Rules = Rules {
        framing: Framing::Lf,
        max_output: 4,
    };

    fn answer(bytes: &[u8], spans: &[u32], routes: &[(u32, u32)]) -> Held {
        Held {
            output: LinesResult {
                bytes: bytes.to_vec(),
                spans: spans.to_vec(),
            },
            routes: routes
                .iter()
                .map(|(line, route)| Routed {
                    line: *line,
                    route: *route,
                })
                .collect(),
        }
    }

    #[test]
    fn lines_continue_take_routes_or_fail() {
        let held = answer(
            b"onetwotoo longa\nbend",
            &[0, 3, 3, 6, 6, 14, 14, 17, 17, 20],
            &[(1, 0), (4, 1)],
        );
        let verdicts = judge_held(&held, RULES, &[Some(7), None]).expect("it is valid");
        let HeldLines { lines, routed, .. } = &verdicts.held;
        assert_eq!(lines.bytes(), b"one\nend\n");
        let routed: Vec<_> = routed.of_input(1).collect();
        assert_eq!(routed, [(&b"two"[..], 7)]);
        let failed: Vec<_> = verdicts
            .failed
            .iter()
            .map(|(failed, content)| (failed.kind, &content[..]))
            .collect();
        assert_eq!(
            failed,
            [
                (FaultKind::Length, &b"too long"[..]),
                (FaultKind::Terminator, b"a\nb")
            ]
        );
    }

    #[test]
    fn an_answer_that_contradicts_itself_is_refused_whole() {
        for held in [
            answer(b"one", &[0, 3, 0, 3], &[]),
            answer(b"one", &[0, 4], &[]),
            answer(b"one", &[0], &[]),
            answer(b"one", &[0, 3], &[(1, 0)]),
            answer(b"one", &[0, 3], &[(0, 2)]),
            answer(b"one", &[0, 1, 1, 2], &[(1, 0), (0, 0)]),
        ] {
            assert!(judge_held(&held, RULES, &[None, None]).is_err(), "{held:?}");
        }
    }

    /// Three thousand lines of a megabyte each, all of them the same megabyte.
    #[test]
    fn overlapping_lines_are_not_copied() {
        let bytes = vec![b'x'; 1 << 20];
        let spans: Vec<u32> = (0..3000).flat_map(|_| [0, 1 << 20]).collect();
        let held = answer(&bytes, &spans, &[]);
        let rules = Rules {
            max_output: 1 << 21,
            ..RULES
        };
        assert!(judge_held(&held, rules, &[]).is_err());
    }
}
