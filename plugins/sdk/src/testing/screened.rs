//! Looks for lines that the screen of a filter misses.
//!
//! In: settings and lines. Out: how many of them are left to judge. The lines are also cut, joined and mixed
//! with terminators, and run with every framing.

use super::{Gaps, Line, Random, Value, owned, run_cut, start, stream};
use crate::screen::{self, Mark};
use crate::{Filter, batch};

/// Checks that [`Filter::screen`] misses no line: for `input`, and for many lines made of it, what comes out
/// is the same as if [`Filter::line`] judged each line. Returns how many of the `input` lines are left for
/// `line` to judge, so that a test can also say that the screen is worth its time: all of them if lines that
/// end with LF are not screened.
///
/// The lines are run with each framing that admits them. Those made of `input` are cut and joined at random
/// places, and contain LF, CR, NUL and digits in others.
///
/// ```
/// use linemill_sdk::testing::{self, json};
/// use linemill_sdk::{Block, Error, Filter, Hits, NoSettings, Others, Output};
///
/// /// Drops lines with a `#`.
/// struct Comments;
///
/// impl Filter for Comments {
///     type Settings = NoSettings;
///
///     fn new(_: NoSettings) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn line(&mut self, line: &[u8], out: &mut Output) {
///         if !line.contains(&b'#') {
///             out.emit(line);
///         }
///     }
///
///     fn screen(&mut self, block: &Block, hits: &mut Hits) -> Others {
///         let mut at = 0;
///         while let Some(found) = block.bytes()[at..].iter().position(|&byte| byte == b'#') {
///             at = hits.drop(at + found..at + found + 1);
///         }
///         Others::Pass
///     }
/// }
///
/// assert_eq!(testing::screened::<Comments>(json!({}), ["# a", "", "b", "c # d"]), 0);
/// ```
///
/// # Panics
/// If the screen misses a line, or judges one in another way than `line`; or if the filter refuses the settings.
#[track_caller]
#[must_use = "a filter without a screen passes; compare the number of lines that are left to judge"]
pub fn screened<F: Filter>(settings: Value, input: impl IntoIterator<Item: AsRef<[u8]>>) -> usize {
    let input = owned(input);
    let mut random = Random::default();
    let made: Vec<_> = (0..MADE * input.len())
        .map(|_| vary(&input, &mut random))
        .collect();
    for gaps in [Gaps::LineFeeds, Gaps::CrLf, Gaps::Nul, Gaps::Octets] {
        let admitted = input.iter().chain(&made).filter(|line| gaps.admit(line));
        let lines: Vec<Vec<u8>> = admitted.cloned().collect();
        for limit in [None, Some(20)] {
            compare::<F>(&settings, &lines, limit, gaps);
        }
    }
    left_to_judge::<F>(&settings, &input)
}

/// How many lines are made for each line of a test.
const MADE: usize = 12;

/// A line made of two of `lines`.
fn vary(lines: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let [line, other] = [0; 2].map(|_| &lines[random.below(lines.len())]);
    let (at, of_other) = (random.below(line.len() + 1), random.below(other.len() + 1));
    let between: &[u8] = [&b""[..], b"", b"\n", b"\r", b"\r\n", b"\0", b" ", b"7"][random.below(8)];
    let (start, rest) = line.split_at(at);
    match random.below(6) {
        0 => start.to_vec(),
        1 => rest.to_vec(),
        2 => [start, between, rest].concat(),
        3 => [line, between, other].concat(),
        4 => line.clone(),
        _ => [start, between, &other[of_other..]].concat(),
    }
}

#[track_caller]
fn compare<F: Filter>(settings: &Value, lines: &[Vec<u8>], limit: Option<usize>, gaps: Gaps) {
    let by_line = run_cut::<F>(settings, lines, limit, gaps, batch::process_by_line);
    let screened = run_cut::<F>(settings, lines, limit, gaps, batch::process);
    let verdicts = screened.verdicts.iter().zip(&by_line.verdicts).zip(lines);
    for ((screened, by_line), line) in verdicts {
        assert!(
            screened == by_line,
            "the screen misses a line, or decides it wrongly: {:?}\n\
             framing: {gaps:?}, settings: {settings}\n\
             with the screen: {screened:?}\n  line by line: {by_line:?}",
            Line(line.clone()),
        );
    }
    assert!(
        screened == by_line,
        "the screen changes what is held back\nwith the screen: {:?}\n  line by line: {:?}",
        screened.held,
        by_line.held,
    );
}

/// How many of `lines`, which end with LF, the screen leaves to `Filter::line`.
#[track_caller]
fn left_to_judge<F: Filter>(settings: &Value, lines: &[Vec<u8>]) -> usize {
    let mut filter = match start::<F>(settings) {
        Ok((filter, _)) => filter,
        Err(error) => panic!("the filter refuses the settings {settings}: {error}"),
    };
    let admitted = lines.iter().filter(|line| Gaps::LineFeeds.admit(line));
    let block = Gaps::LineFeeds.pack(&admitted.cloned().collect::<Vec<_>>(), false);
    match stream::in_call(|| screen::marks(&mut filter, &block)) {
        Some(marks) => marks.iter().filter(|mark| **mark == Mark::Judge).count(),
        None => block.spans.len() / 2,
    }
}
