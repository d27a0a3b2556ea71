//! Compares lines judged by the marks of a screen with the same lines judged one by one.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Block, Hits, Mark, Others};
use crate::batch::{Lines, process, process_by_line};
use crate::output::tests::{Call, Planned, block};
use crate::{Error, Filter, NoSettings, Output, testing};

/// A hit: how it is marked, and a range in the block.
type Hit = (Mark, Range<usize>);

/// Marks the planned hits, and makes the planned calls on the lines that it judges.
struct Screening {
    hits: Vec<Hit>,
    others: Others,
    planned: Planned,
}

impl Filter for Screening {
    type Settings = NoSettings;

    fn new(_: NoSettings) -> Result<Self, Error> {
        Err(Error::new("created directly by the test"))
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        self.planned.make_calls(line, out);
    }

    fn screen(&mut self, _: &Block, hits: &mut Hits) -> Others {
        for (mark, range) in &self.hits {
            match mark {
                Mark::Judge => hits.judge(range.start),
                Mark::Pass => hits.pass(range.clone()),
                Mark::Drop => hits.drop(range.clone()),
                Mark::None => continue,
            };
        }
        self.others
    }

    fn routes(&self) -> Vec<String> {
        self.planned.routes()
    }
}

/// The lines that a position belongs to, and those that a range touches: their first and last index.
fn touched(block: &Lines, range: &Range<usize>) -> Option<(usize, usize)> {
    let starts = block.spans.iter().step_by(2);
    let first = starts
        .clone()
        .rposition(|&start| start as usize <= range.start);
    let last = starts
        .clone()
        .rposition(|&start| (start as usize) < range.end);
    let last = last.max(first)?;
    // What precedes the first line belongs to no line.
    Some((first.unwrap_or(0), last))
}

/// The mark of each line, as the documentation of `Hits` defines it.
fn model(block: &Lines, hits: &[Hit], others: Others) -> Vec<Mark> {
    let mut marks = vec![Mark::None; block.spans.len() / 2];
    for (mark, range) in hits {
        let begins_before = range.start < block.spans[0] as usize;
        if *mark == Mark::Judge {
            if let (false, Some((line, _))) = (begins_before, touched(block, range)) {
                marks[line] = marks[line].max(Mark::Judge);
            }
        } else if let Some((first, last)) = touched(block, range) {
            let within = !begins_before && range.end <= block.spans[2 * first + 1] as usize;
            let mark = if within { *mark } else { Mark::Judge };
            for line in &mut marks[first..=last] {
                *line = (*line).max(mark);
            }
        }
    }
    for mark in &mut marks {
        *mark = match (*mark, others) {
            (Mark::None, Others::Judge) => Mark::Judge,
            (Mark::None, Others::Pass) => Mark::Pass,
            (Mark::None, Others::Drop) => Mark::Drop,
            (mark, _) => mark,
        };
    }
    marks
}

/// A hit, with its start in thousandths of the block's length, and its length.
fn hit() -> impl Strategy<Value = (Mark, usize, usize)> {
    let mark = prop_oneof![Just(Mark::Judge), Just(Mark::Pass), Just(Mark::Drop)];
    (
        mark,
        0..1_010usize,
        prop_oneof![4 => 0..5usize, 1 => 0..200usize],
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_outcome_is_that_of_lines_judged_one_by_one(
        (_, block, plan) in block(),
        hits in vec(hit(), 0..8),
        others in prop_oneof![Just(Others::Judge), Just(Others::Pass), Just(Others::Drop)],
    ) {
        let hits: Vec<Hit> = hits.into_iter().map(|(mark, at, length)| {
            let start = at * block.bytes.len() / 1_000;
            (mark, start..start + length)
        }).collect();
        let marks = model(&block, &hits, others);
        let filter = |plan: Vec<Vec<Call>>, hits, others| Screening {
            hits,
            others,
            planned: Planned { plan: plan.into_iter() },
        };
        let calls_of = |(mark, calls): (&Mark, &Vec<Call>)| match mark {
            Mark::Pass => vec![Call::EmitLine],
            Mark::Drop => vec![],
            Mark::None | Mark::Judge => calls.clone(),
        };
        let all = marks.iter().zip(&plan).map(calls_of).collect();
        let judged = marks.iter().zip(&plan).filter(|(mark, _)| **mark == Mark::Judge);
        let judged = judged.map(|(_, calls)| calls.clone()).collect();

        let mut by_line = filter(all, Vec::new(), Others::Judge);
        let routes = by_line.routes();
        let expected = process_by_line(&mut by_line, &routes, block.clone());
        let outcome = process(&mut filter(judged, hits, others), &routes, block);
        prop_assert_eq!(outcome, expected);
    }

    #[test]
    fn lines_that_end_with_lf_are_recognised(bytes in vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a')], 0..12)) {
        let block = |spans: &[u32]| Block::new(&bytes, spans).ends_with_lf();
        for carriage_return in [false, true] {
            let mut spans = Vec::new();
            let mut at = 0;
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                let mut content = line.strip_suffix(b"\n").unwrap_or(line);
                if carriage_return && content.len() < line.len() {
                    content = content.strip_suffix(b"\r").unwrap_or(content);
                }
                spans.extend([at, at + content.len()].map(|at| at as u32));
                at += line.len();
            }
            prop_assert!(block(&spans));
            // Any other spans are of another framing.
            for index in 0..spans.len() {
                for other in 0..=bytes.len() as u32 {
                    let mut spans = spans.clone();
                    let before = std::mem::replace(&mut spans[index], other);
                    let carriage_return = index % 2 == 1 && bytes.get(other.min(before) as usize) == Some(&b'\r');
                    if other != before && spans.is_sorted() && !(carriage_return && other.abs_diff(before) == 1) {
                        prop_assert!(!block(&spans), "{spans:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn invalid_spans_panic(bytes in vec(any::<u8>(), 0..20), spans in vec(0u32..24, 1..7)) {
        let ascending = spans.is_sorted() && spans.iter().all(|&at| at as usize <= bytes.len());
        let valid = ascending && spans.len().is_multiple_of(2);
        let block = Lines { bytes, spans };
        let done = std::panic::catch_unwind(move || {
            let planned = Planned { plan: Vec::new().into_iter() };
            process(&mut Screening { hits: Vec::new(), others: Others::Pass, planned }, &[], block)
        });
        prop_assert_eq!(done.is_ok(), valid);
    }
}

#[test]
fn lines_of_other_framings_do_not_end_with_lf() {
    let ends = |bytes: &[u8], spans: &[u32]| Block::new(bytes, spans).ends_with_lf();
    assert!(ends(b"a\r\nb\r\n", &[0, 1, 3, 4]));
    assert!(!ends(b"a\nb\r\n", &[0, 3]), "the line contains an LF");
    assert!(!ends(b"a\nb\0", &[0, 3]) && !ends(b"a\0b\0", &[0, 1, 2, 3]));
    assert!(!ends(b"1 a1 b", &[2, 3, 5, 6]) && !ends(b"2 a\n", &[2, 4]));
}

#[test]
fn a_hit_returns_where_the_next_line_starts() {
    let block = testing::pack(&[b"ab".to_vec(), b"".to_vec(), b"c".to_vec()], false);
    assert_eq!(block.bytes, b"ab\n\r\nc\n");
    let mut hits = Hits {
        block: Block::new(&block.bytes, &block.spans),
        marks: Vec::new(),
        line: 0,
    };
    assert_eq!([2, 3, 1].map(|at| hits.judge(at)), [3, 5, 3]);
    assert_eq!(
        [hits.pass(5..6), hits.drop(0..1), hits.judge(100)],
        [7, 3, 7]
    );
    assert_eq!(hits.pass(1..4), 5, "it also touches the second line");
    assert_eq!(hits.marks, [Mark::Drop, Mark::Judge, Mark::Judge]);
}

#[test]
fn a_block_without_hits_is_not_copied() {
    let block = testing::pack(&[b"a".to_vec(), b"".to_vec(), b"bc".to_vec()], false);
    let address = block.bytes.as_ptr();
    let mut filter = Screening {
        hits: Vec::new(),
        others: Others::Pass,
        planned: Planned {
            plan: Vec::new().into_iter(),
        },
    };
    let outcome = process(&mut filter, &[], block);
    assert_eq!(outcome.output.bytes.as_ptr(), address);
    assert_eq!((outcome.output.spans, outcome.counts), (vec![], vec![]));
}
