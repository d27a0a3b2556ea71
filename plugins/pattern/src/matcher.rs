//! Selects lines by patterns: whether any of many is in a line.
//!
//! In: patterns from a filter's settings, and lines or blocks of lines. Out: whether a line matches, or marks
//! on the lines of a block. Not here: where in a line a match is (`Patterns`).
//!
//! Patterns that are plain texts, or a choice of few of them, are searched for as such. All others are
//! compiled to one automaton. A block is screened by a text or a sequence of classes of bytes that each
//! expression requires or, if there is none or many lines contain it, by an automaton that searches many
//! lines at once.

#[cfg(test)]
mod tests;

use std::ops::Range;

use linemill_sdk::{Block, Error, Hits};
use regex_syntax::hir::Hir;

use crate::automaton::{Automaton, can_match, in_block};
use crate::literals::{FEW, Literals};
use crate::required::{Texts, exact, required};
use crate::sequence::Sequence;
use crate::{Options, parse};

/// Matches lines that contain at least one of its patterns.
pub struct Matcher {
    /// Plain texts. One of them in a line is a match.
    texts: Vec<Literals>,
    expressions: Option<Expressions>,
}

struct Expressions {
    /// Searches one line.
    in_line: Automaton,
    /// Searches of a block that find each line that may match, the fastest first.
    screens: Vec<Screen>,
    /// Searches a block of lines that end with LF.
    in_block: Option<Automaton>,
    /// How many of `screens` are passed over, since they found many lines in an earlier block, and for how
    /// many more blocks.
    skipped: usize,
    blocks: u32,
}

/// What lines must contain to match one of some expressions.
struct Screen {
    texts: Vec<Literals>,
    sequences: Vec<Sequence>,
}

/// For how many blocks a screen is passed over that found many lines.
const DENSE_BLOCKS: u32 = 16;

/// How a [`Matcher`] marks a line in which a pattern is certain to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It passes.
    Pass,
    /// It is dropped.
    Drop,
    /// The filter judges it.
    Judge,
}

impl Matcher {
    /// Compiles patterns. `key` returns the setting of each, such as `keep[0]`, for errors.
    ///
    /// # Errors
    /// If one of them is not valid or can never match a line, or if they are too large together.
    pub fn new(
        patterns: &[&str],
        key: impl Fn(usize) -> String,
        options: Options,
    ) -> Result<Self, Error> {
        let longest = Literals::longest(patterns.len(), options.ignore_case);
        let mut plain = Vec::new();
        let mut choices: [Vec<Vec<u8>>; 2] = Default::default();
        let mut expressions = Vec::new();
        for (index, &pattern) in patterns.iter().enumerate() {
            let is_plain = is_plain(pattern, options);
            if is_plain && (1..=longest).contains(&pattern.len()) {
                if pattern.contains('\n') {
                    return Err(never(&key(index), pattern));
                }
                plain.push(pattern.as_bytes());
                continue;
            }
            let hir =
                parse(&options.text(pattern), options).map_err(|error| error.of(&key(index)))?;
            if !can_match(&hir) {
                return Err(never(&key(index), pattern));
            }
            match exact(&hir).filter(|texts| texts.longest() <= longest) {
                Some(Texts { texts, fold }) => choices[usize::from(fold)].extend(texts),
                None => expressions.push(hir),
            }
        }
        let mut sets: [Vec<&[u8]>; 2] = choices
            .each_ref()
            .map(|texts| texts.iter().map(|text| &text[..]).collect());
        sets[usize::from(options.ignore_case)].extend(plain);
        let sets = sets
            .iter()
            .enumerate()
            .filter(|(_, texts)| !texts.is_empty());
        Ok(Self {
            texts: sets
                .map(|(fold, texts)| Literals::new(texts, fold == 1))
                .collect(),
            expressions: Expressions::new(&expressions)?,
        })
    }

    /// Whether any pattern matches somewhere in `line`.
    #[inline]
    pub fn matches(&mut self, line: &[u8]) -> bool {
        self.texts.iter().any(|texts| texts.are_in(line))
            || self
                .expressions
                .as_mut()
                .is_some_and(|expressions| expressions.in_line.first_end(line, 0).is_some())
    }

    /// Marks the lines of a block that may match: as `found` says if it is certain, and to be judged if not.
    /// Returns false, without marks, if this block cannot be screened.
    pub fn screen(&mut self, block: &Block<'_>, hits: &mut Hits<'_>, found: Found) -> bool {
        if let Some(expressions) = &mut self.expressions
            && !expressions.screen(block, hits, found)
        {
            return false;
        }
        for texts in &self.texts {
            texts.each(block.bytes(), |range| found.mark(hits, range));
        }
        true
    }
}

// === impl Expressions ===

impl Expressions {
    fn new(expressions: &[Hir]) -> Result<Option<Self>, Error> {
        if expressions.is_empty() {
            return Ok(None);
        }
        let in_line = Automaton::new(expressions)?;
        let for_blocks: Option<Vec<Hir>> = expressions.iter().map(in_block).collect();
        Ok(Some(Self {
            in_line,
            screens: Screen::all(expressions),
            // It is not needed for a correct result, and may be larger.
            in_block: for_blocks.and_then(|expressions| Automaton::new(&expressions).ok()),
            skipped: 0,
            blocks: 0,
        }))
    }

    fn screen(&mut self, block: &Block<'_>, hits: &mut Hits<'_>, found: Found) -> bool {
        match self.blocks.checked_sub(1) {
            Some(blocks) => self.blocks = blocks,
            None => self.skipped = 0,
        }
        if let Some(screen) = self.screens.get(self.skipped) {
            if screen.mark(block, hits) > block.lines() / 4 {
                self.skipped += 1;
                self.blocks = DENSE_BLOCKS;
            }
            return true;
        }
        match &mut self.in_block {
            Some(automaton) if block.ends_with_lf() => {
                search_block(automaton, block.bytes(), hits, found);
                true
            }
            _ => false,
        }
    }
}

// === impl Screen ===

impl Screen {
    /// The screens for `expressions`, the fastest first.
    fn all(expressions: &[Hir]) -> Vec<Self> {
        // Short texts are rare only if they are part of a rare sequence.
        let by_text = Self::new(expressions, |texts| {
            texts.texts.iter().all(|text| text.len() >= 3)
        });
        let by_sequence = Self::new(expressions, |_| false);
        let mut screens: Vec<_> = by_text.into_iter().chain(by_sequence).collect();
        screens.dedup_by(|later, earlier| later.sequences.len() == earlier.sequences.len());
        screens
    }

    /// Screens each of `expressions` by a text that it requires, if `preferred` says so or there is no rare
    /// sequence. `None` if there is nothing to search for, or too much to be worth it.
    fn new(expressions: &[Hir], preferred: impl Fn(&Texts) -> bool) -> Option<Self> {
        let mut sets: [Vec<Vec<u8>>; 2] = Default::default();
        let mut sequences = Vec::new();
        for expression in expressions {
            let texts = required(expression);
            let sequence = if texts.as_ref().is_some_and(&preferred) {
                None
            } else {
                Sequence::required(expression)
            };
            match (sequence, texts) {
                (Some(sequence), _) => sequences.push(sequence),
                (None, Some(Texts { texts, fold })) => sets[usize::from(fold)].extend(texts),
                (None, None) => return None,
            }
        }
        // With more than a few, a search for each is as slow as the automaton.
        if sets.iter().map(Vec::len).sum::<usize>() + 2 * sequences.len() > FEW {
            return None;
        }
        let sets = sets
            .iter()
            .enumerate()
            .filter(|(_, texts)| !texts.is_empty());
        let literals = |(fold, texts): (usize, &Vec<Vec<u8>>)| {
            let texts: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
            Literals::new(&texts, fold == 1)
        };
        Some(Self {
            texts: sets.map(literals).collect(),
            sequences,
        })
    }

    /// Marks the lines that may match, to be judged. Returns how many it found; some perhaps several times.
    fn mark(&self, block: &Block<'_>, hits: &mut Hits<'_>) -> usize {
        let mut lines = 0;
        for texts in &self.texts {
            texts.each(block.bytes(), |range| {
                lines += 1;
                hits.judge(range.start)
            });
        }
        for sequence in &self.sequences {
            let mut at = 0;
            while let Some(found) = sequence.find(block.bytes(), at) {
                lines += 1;
                at = hits.judge(found);
            }
        }
        lines
    }
}

/// Marks the lines of a block, which end with LF, in which `automaton` finds a match.
fn search_block(automaton: &mut Automaton, bytes: &[u8], hits: &mut Hits<'_>, found: Found) {
    let mut at = 0;
    while let Some(end) = automaton.first_end(bytes, at) {
        // A CR may be that of the terminator, or a part of the line that `$` does not match before.
        let next = if bytes[..end].ends_with(b"\r") {
            hits.judge(end)
        } else {
            found.mark(hits, end..end)
        };
        if next >= bytes.len() {
            return;
        }
        at = next;
    }
}

// === impl Found ===

impl Found {
    #[inline]
    fn mark(self, hits: &mut Hits<'_>, range: Range<usize>) -> usize {
        match self {
            Self::Pass => hits.pass(range),
            Self::Drop => hits.drop(range),
            Self::Judge => hits.judge(range.start),
        }
    }
}

/// Whether the pattern is plain text, without special characters.
pub fn is_plain(text: &str, options: Options) -> bool {
    options.literal || !text.bytes().any(|byte| br"\.+*?()|[]{}^$".contains(&byte))
}

/// An error about a pattern that matches no line. `key` is its key in the settings.
pub fn never(key: &str, pattern: &str) -> Error {
    let reason = if pattern.contains('\n') || pattern.contains(r"\n") {
        r"because a line contains no line feed (\n)"
    } else {
        "because no text is as it requires"
    };
    Error::setting(key, format!("{pattern:?} can never match, {reason}"))
}
