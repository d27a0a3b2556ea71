//! Fuzz target: judging a guest's answer, against a reference that follows `wit/batch.wit`.
//!
//! In: lines, an outcome with arbitrary numbers, and `on_error`. Out: nothing. Properties: the outcome
//! is refused if and only if the WIT forbids it; otherwise the verdicts are those of the reference,
//! which handles each line on its own and has no fast path.

use std::sync::Arc;

use linemill_fuzz_inputs::Choices;

use crate::bindings::filter::exports::linemill::filter::batch::{
    Failure, LinesResult, Outcome, Routed,
};
use crate::verdict::{Close, Rules, Verdicts, judge};
use linemill_config::settings::OnError;
use linemill_framing::Framing;
use linemill_framing::Lines;

/// Content and terminator of a line.
type Line = (Vec<u8>, Vec<u8>);

/// Indices for three declared routes; the second has no destination.
const ROUTE_INDICES: &[Option<u32>] = &[Some(1), None, Some(0)];
/// The longest content of the input, in bytes.
const CONTENT: usize = 6;

/// The verdicts on all lines, in a form that can be compared.
#[derive(Debug, Default, PartialEq)]
struct Judgement {
    lines: Vec<Line>,
    counts: Vec<u32>,
    /// Routed lines, by route.
    routed: [Vec<Line>; 2],
    dropped: u64,
    failed: Vec<usize>,
    close: Option<Close>,
}

/// Runs the target on one input.
pub fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let (_, framing) = choices.pick(Framing::NAMES);
    let rules = Rules {
        framing,
        // At least the longest input, so that lines can pass unchanged.
        max_output: choices.pick(&[CONTENT, 2 * CONTENT]),
    };
    let on_error = choices.pick(&[
        OnError::Pass,
        OnError::Drop,
        OnError::Close,
        OnError::Quarantine,
    ]);
    let lines = lines(&mut choices, rules.framing);
    let outcome = outcome(&mut choices, &lines);
    let expected = reference(&lines, &outcome, rules, on_error);
    let shown = format!("{lines:?}, {outcome:?}, {rules:?}, {on_error:?}");
    let actual = judge(&mut lines.clone(), outcome, rules, ROUTE_INDICES, on_error).ok();
    assert_eq!(
        actual.map(|verdicts| Judgement::of(verdicts, lines.len())),
        expected,
        "{shown}"
    );
}

/// One to five lines; the last may have no terminator.
fn lines(choices: &mut Choices<'_>, framing: Framing) -> Lines {
    let mut lines = Lines::default();
    let more = choices.several(4, |choices| choices.byte());
    let last = more.len();
    for at in 0..=last {
        let mut content = choices.several(CONTENT, |choices| choices.pick(b"ab\r\n\0"));
        content.retain(|byte| !framing.ends_inside(&[*byte]));
        if framing == Framing::Crlf {
            content.retain(|byte| *byte != b'\n');
        }
        let ends = match framing {
            Framing::Lf => choices.pick(&[&b"\n"[..], b"\r\n"]),
            Framing::Octet => choices.pick(&[&b""[..], b"\n", b"\r\n"]),
            Framing::Auto => choices.pick(&[&b"\n"[..], b"\r\n", b"\0", b" ", b" \n"]),
            _ => framing.terminator(),
        };
        let open = at == last && choices.flag();
        lines.push(&content, if open { b"" } else { ends });
    }
    lines
}

/// An outcome whose output is the input with a few bytes changed, or arbitrary. Its numbers are close
/// to valid ones.
fn outcome(choices: &mut Choices<'_>, lines: &Lines) -> Outcome {
    let number = |choices: &mut Choices<'_>| match choices.byte() {
        255 => u32::MAX,
        byte => u32::from(byte) % 8,
    };
    let mut output = LinesResult {
        bytes: lines.bytes().to_vec(),
        spans: lines.spans().to_vec(),
    };
    if choices.flag() {
        output.bytes = choices.several(24, |choices| choices.pick(b"ab\r\n\0"));
    }
    for (at, byte) in choices.several(3, |choices| (choices.byte(), choices.pick(b"c\r\n\0"))) {
        let length = output.bytes.len().max(1);
        if let Some(changed) = output.bytes.get_mut(usize::from(at) % length) {
            *changed = byte;
        }
    }
    match choices.below(3) {
        0 => {}
        1 => output.spans.clear(),
        _ => {
            output.spans = choices.several(12, number);
            if choices.flag() {
                output.spans.sort_unstable();
            }
        }
    }
    let each = |choices: &mut Choices<'_>| choices.pick(&[1, 1, 0, 2, 3]);
    let counts = match choices.below(3) {
        0 => Vec::new(),
        1 => (0..lines.len()).map(|_| each(choices)).collect(),
        _ => choices.several(6, each),
    };
    if !counts.is_empty() && choices.flag() {
        // Makes as many output lines as the counts say.
        let sum: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        output
            .spans
            .resize(2 * sum as usize, output.bytes.len() as u32);
    }
    Outcome {
        output,
        counts,
        failures: choices.several(2, |choices| Failure {
            line: number(choices),
            reason: vec![choices.byte()],
        }),
        routes: choices.several(3, |choices| Routed {
            line: number(choices),
            route: number(choices) % 4,
        }),
        close_after: choices.flag().then(|| number(choices)),
    }
}

/// The verdicts according to the WIT; `None` for an outcome that it forbids.
fn reference(
    lines: &Lines,
    outcome: &Outcome,
    rules: Rules,
    on_error: OnError,
) -> Option<Judgement> {
    let Outcome {
        output,
        counts,
        failures,
        routes,
        close_after,
    } = outcome;
    let implied = counts.is_empty() && output.spans.is_empty();
    let spans = if implied {
        lines.spans()
    } else {
        &output.spans
    };
    let counts = if counts.is_empty() {
        vec![1; lines.len()]
    } else {
        counts.clone()
    };
    let ascending = |named: &[usize]| {
        named.iter().all(|line| *line < lines.len()) && named.windows(2).all(|two| two[0] < two[1])
    };
    let failed: Vec<usize> = failures
        .iter()
        .map(|failure| failure.line as usize)
        .collect();
    let routed: Vec<usize> = routes.iter().map(|routed| routed.line as usize).collect();
    let closing = close_after.map(|line| line as usize);
    let said = !outcome.counts.is_empty();
    let sense = (!implied || output.bytes.len() == lines.bytes().len())
        && spans.len() % 2 == 0
        && spans.windows(2).all(|pair| pair[0] <= pair[1])
        && spans.iter().all(|at| *at as usize <= output.bytes.len())
        && counts.len() == lines.len()
        && counts.iter().map(|count| u64::from(*count)).sum::<u64>() == spans.len() as u64 / 2
        && ascending(&failed)
        && ascending(&routed)
        && routes
            .iter()
            .all(|routed| (routed.route as usize) < ROUTE_INDICES.len())
        && failed
            .iter()
            .all(|line| !routed.contains(line) && (!said || counts[*line] == 0))
        && closing.is_none_or(|line| line < lines.len());
    if !sense {
        return None;
    }
    let mut contents = spans
        .chunks(2)
        .map(|span| &output.bytes[span[0] as usize..span[1] as usize]);
    let mut expected = Judgement::default();
    for (line, count) in counts.iter().enumerate() {
        let mine: Vec<&[u8]> = contents.by_ref().take(*count as usize).collect();
        let own = lines.terminator(line);
        let usual = rules.framing.terminator();
        let bad = |content: &&[u8]| {
            content.len() > rules.max_output || rules.framing.ends_inside(content)
        };
        let route = routed
            .iter()
            .position(|named| *named == line)
            .and_then(|at| ROUTE_INDICES[routes[at].route as usize]);
        let before = expected.lines.len();
        if failed.contains(&line) || mine.iter().any(bad) {
            expected.failed.push(line);
            match on_error {
                OnError::Pass => expected
                    .lines
                    .push((lines.content(line).into(), own.into())),
                OnError::Close => expected.close = Some(Close::OnError),
                OnError::Drop | OnError::Quarantine => {}
            }
        } else {
            expected.dropped += u64::from(mine.is_empty());
            let last = mine.len().saturating_sub(1);
            for (nth, content) in mine.into_iter().enumerate() {
                let inner = own.is_empty() && (route.is_some() || nth < last);
                let ended = (content.to_vec(), if inner { usual } else { own }.to_vec());
                match route {
                    Some(route) => expected.routed[route as usize].push(ended),
                    None => expected.lines.push(ended),
                }
            }
        }
        expected.counts.push((expected.lines.len() - before) as u32);
        if expected.close.is_none() && closing == Some(line) {
            expected.close = Some(Close::Verdict);
        }
        if expected.close.is_some() {
            break;
        }
    }
    Some(expected)
}

impl Judgement {
    fn of(verdicts: Verdicts, inputs: usize) -> Self {
        let all = |lines: &Lines| -> Vec<Line> {
            let line = |at| (lines.content(at).to_vec(), lines.terminator(at).to_vec());
            (0..lines.len()).map(line).collect()
        };
        let mut routed = <[Vec<Line>; 2]>::default();
        for (route, lines) in verdicts.routed.by_route(&[Arc::from("0"), Arc::from("1")]) {
            routed[usize::from(&*route == "1")] = all(&lines);
        }
        Self {
            lines: all(&verdicts.lines),
            counts: if verdicts.counts.is_empty() {
                vec![1; inputs]
            } else {
                verdicts.counts
            },
            routed,
            dropped: verdicts.dropped,
            failed: verdicts.failed.iter().map(|failed| failed.line).collect(),
            close: verdicts.close,
        }
    }
}

#[cfg(test)]
#[test]
fn target_holds() {
    linemill_fuzz_inputs::holds("verdict", run, 50_000);
}
