//! Finds the lines of a block that a rule could change.
//!
//! In: the patterns of all rules, and blocks. Out: marks on the lines in which a pattern is. Not here: what is
//! changed in them.
//!
//! If no pattern matches a line as it came, no rule changes it: the first one does not, so the second one sees
//! the same line, and so on.

use linemill_sdk::{Block, Hits, Others};
use pattern::{Found, Matcher, Options};

/// Searches blocks for the patterns of all rules at once.
pub(crate) struct Screen {
    /// It is `None` if the patterns are too large together.
    matcher: Option<Matcher>,
    /// How many lines the last block had, and how many lines were judged since.
    lines: usize,
    judged: usize,
    /// How many blocks are still judged line by line, since the patterns were in many lines.
    dense: u32,
}

/// After a block with the patterns in many lines, as many blocks as this are judged line by line.
const DENSE_BLOCKS: u32 = 16;

impl Screen {
    /// `patterns` are those of the rules, which are valid.
    pub(crate) fn new(patterns: &[(String, Options)]) -> Self {
        let alike = patterns.windows(2).all(|two| two[0].1 == two[1].1);
        let matcher = match patterns {
            [(_, options), ..] if alike => {
                let texts: Vec<&str> = patterns.iter().map(|(text, _)| &**text).collect();
                Matcher::new(&texts, |_| String::new(), *options).ok()
            }
            _ => {
                // Each with its own options.
                let texts: Vec<String> = patterns
                    .iter()
                    .map(|(text, options)| options.expression(text))
                    .collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                Matcher::new(&texts, |_| String::new(), Options::default()).ok()
            }
        };
        Self {
            matcher,
            lines: 0,
            judged: 0,
            dense: 0,
        }
    }

    /// Notes that a line is judged.
    #[inline]
    pub(crate) fn note_judged(&mut self) {
        self.judged += 1;
    }

    /// Marks the lines of a block.
    pub(crate) fn run(&mut self, block: &Block, hits: &mut Hits) -> Others {
        if self.dense == 0 && self.judged > self.lines / 2 {
            self.dense = DENSE_BLOCKS;
        }
        (self.lines, self.judged) = (block.lines(), 0);
        if self.dense > 0 {
            self.dense -= 1;
            // What is judged without a screen says nothing about the patterns.
            self.lines = usize::MAX;
            return Others::Judge;
        }
        let screened = self
            .matcher
            .as_mut()
            .is_some_and(|matcher| matcher.screen(block, hits, Found::Judge));
        if screened {
            Others::Pass
        } else {
            self.lines = usize::MAX;
            Others::Judge
        }
    }
}
