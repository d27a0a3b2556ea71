//! Selects lines by patterns: whether any of many is in a line.
//!
//! In: patterns from a filter's settings, and lines or blocks of lines. Out: whether a line matches, or marks
//! on the lines of a block. Not here: where in a line a match is (`Patterns`).
//!
//! Patterns that are plain texts, or a choice of few of them, are searched for as such. All others are
//! compiled to one automaton. A block is screened by the texts that each expression requires or, if there
//! are none or most lines contain them, by an automaton that searches many lines at once.

#[cfg(test)]
mod tests;

use std::ops::Range;

use linemill_sdk::{Block, Error, Hits};
use regex_syntax::hir::Hir;

use crate::automaton::{Automaton, can_match, in_block};
use crate::literals::{FEW, Literals};
use crate::required::{Texts, exact, required};
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
    /// Texts, one of which is in each line that matches. Empty if they are not known.
    required: Vec<Literals>,
    /// Searches a block of lines that end with LF.
    in_block: Option<Automaton>,
    /// How many blocks are still searched by the automaton, since many lines had the required texts.
    dense: u32,
}

/// After a block in which many lines have the required texts, the automaton searches as many blocks as this.
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
        let mut plain = Vec::new();
        let mut choices: [Vec<Vec<u8>>; 2] = Default::default();
        let mut expressions = Vec::new();
        for (index, &pattern) in patterns.iter().enumerate() {
            if !pattern.is_empty() && is_plain(pattern, options) {
                if pattern.contains('\n') {
                    return Err(never(&key(index), pattern));
                }
                plain.push(pattern.as_bytes());
                continue;
            }
            let hir = parse(pattern, options).map_err(|error| error.of(&key(index)))?;
            let lines = in_block(&hir);
            if lines.as_ref().is_some_and(|hir| !can_match(hir)) {
                return Err(never(&key(index), pattern));
            }
            match exact(&hir) {
                Some(Texts { texts, fold }) => choices[usize::from(fold)].extend(texts),
                None => expressions.push((hir, lines)),
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
            expressions: Expressions::new(expressions)?,
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
    /// Compiles expressions, each with its form for blocks.
    fn new(expressions: Vec<(Hir, Option<Hir>)>) -> Result<Option<Self>, Error> {
        if expressions.is_empty() {
            return Ok(None);
        }
        let (in_line, in_block): (Vec<Hir>, Vec<Option<Hir>>) = expressions.into_iter().unzip();
        let in_block: Option<Vec<Hir>> = in_block.into_iter().collect();
        Ok(Some(Self {
            required: required_by_all(&in_line),
            in_line: Automaton::new(&in_line)?,
            // It is not needed for a correct result, and may be larger.
            in_block: in_block.and_then(|expressions| Automaton::new(&expressions).ok()),
            dense: 0,
        }))
    }

    fn screen(&mut self, block: &Block<'_>, hits: &mut Hits<'_>, found: Found) -> bool {
        if self.dense == 0 && !self.required.is_empty() {
            let mut lines = 0;
            for texts in &self.required {
                texts.each(block.bytes(), |range| {
                    lines += 1;
                    hits.judge(range.start)
                });
            }
            if lines > block.lines() / 4 {
                self.dense = DENSE_BLOCKS;
            }
            return true;
        }
        self.dense = self.dense.saturating_sub(1);
        match &mut self.in_block {
            Some(automaton) if block.ends_with_lf() => {
                search_block(automaton, block.bytes(), hits, found);
                true
            }
            _ => false,
        }
    }
}

/// The texts, one of which is in whatever any of the expressions matches. Empty if one requires no text.
fn required_by_all(expressions: &[Hir]) -> Vec<Literals> {
    let mut sets: [Vec<Vec<u8>>; 2] = Default::default();
    for expression in expressions {
        match required(expression) {
            Some(Texts { texts, fold }) => sets[usize::from(fold)].extend(texts),
            None => return Vec::new(),
        }
    }
    // With more than a few, a search for them is as slow as the automaton.
    if sets.iter().map(Vec::len).sum::<usize>() > FEW {
        return Vec::new();
    }
    let sets = sets
        .iter()
        .enumerate()
        .filter(|(_, texts)| !texts.is_empty());
    let literals = |(fold, texts): (usize, &Vec<Vec<u8>>)| {
        let texts: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
        Literals::new(&texts, fold == 1)
    };
    sets.map(literals).collect()
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
