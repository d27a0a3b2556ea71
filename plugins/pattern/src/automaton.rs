//! Compiles expressions to an automaton that only says where a match ends.
//!
//! In: parsed expressions. Out: the end of the match that ends first. Not here: the beginning of a match
//! (`Patterns`), and what is a line.
//!
//! [`in_block`] changes an expression so that it can be searched for in many lines at once.

use linemill_sdk::Error;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Input, nfa::thompson::BuildError};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange};
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::{LIMIT, impossible};

/// Expressions that are searched for together.
pub(crate) struct Automaton {
    dfa: DFA,
    /// The states that have been built so far.
    cache: Cache,
}

impl Automaton {
    pub(crate) fn new(expressions: &[Hir]) -> Result<Self, Error> {
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(LIMIT))
                    .which_captures(WhichCaptures::None),
            )
            .build_many_from_hir(expressions)
            .map_err(too_large)?;
        let config = Config::new()
            .cache_capacity(LIMIT)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder()
            .configure(config)
            .build_from_nfa(nfa)
            .map_err(|error| Error::new(format!("the patterns are not supported: {error}")))?;
        let cache = dfa.create_cache();
        Ok(Self { dfa, cache })
    }

    /// The end of the match in `bytes`, from `at` on, that ends first.
    #[inline]
    pub(crate) fn first_end(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let input = Input::new(bytes).range(at..).earliest(true);
        let found = self.dfa.try_search_fwd(&mut self.cache, &input);
        found.unwrap_or_else(impossible).map(|found| found.offset())
    }
}

/// An error about expressions that are too large together, or that the automaton does not know.
pub(crate) fn too_large(error: BuildError) -> Error {
    if error.size_limit().is_some() {
        Error::new(
            "the patterns are too large together; reduce repetitions such as {1000}, or set \
             `literal = true` if they are plain texts",
        )
    } else {
        Error::new(format!("the patterns are not supported: {error}"))
    }
}

/// Changes an expression so that a search in lines that end with LF or CR LF, and contain no LF, finds what
/// the expression matches in each line: nothing matches LF, `^` matches after it, and `$` before it or
/// before CR LF. `None` if that is not possible.
///
/// What is found may include the CR at the end of a line.
pub(crate) fn in_block(hir: &Hir) -> Option<Hir> {
    part_in_block(hir, true)
}

/// `last` says that nothing follows the part in a match.
fn part_in_block(hir: &Hir, last: bool) -> Option<Hir> {
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.clone();
            class.difference(&ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Look(Look::Start | Look::StartLF) => Hir::look(Look::StartLF),
        // What follows would be searched for after the CR, although it may match before it.
        HirKind::Look(Look::End | Look::EndLF) if !last => return None,
        HirKind::Look(Look::End | Look::EndLF) => {
            let carriage_return = Hir::literal([b'\r']);
            let optional = Hir::alternation(vec![Hir::empty(), carriage_return]);
            Hir::concat(vec![optional, Hir::look(Look::EndLF)])
        }
        // A CR at the end of a line is not followed by an LF, but by one in a block.
        HirKind::Look(Look::StartCRLF | Look::EndCRLF) => return None,
        // The terminators are no parts of words, and neither are the ends of a line.
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            let last = last && repetition.max == Some(1);
            repetition.sub = Box::new(part_in_block(&repetition.sub, last)?);
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => part_in_block(&capture.sub, last)?,
        HirKind::Concat(parts) => {
            let is_last = |index| last && index + 1 == parts.len();
            let parts = parts.iter().enumerate();
            let parts = parts.map(|(index, part)| part_in_block(part, is_last(index)));
            Hir::concat(parts.collect::<Option<_>>()?)
        }
        HirKind::Alternation(branches) => {
            let branches = branches.iter().map(|branch| part_in_block(branch, last));
            Hir::alternation(branches.collect::<Option<_>>()?)
        }
    })
}

/// Whether an expression may match a line, which contains no LF.
pub(crate) fn can_match(hir: &Hir) -> bool {
    let feed = |first: u32, last: u32| first == u32::from(b'\n') && last == u32::from(b'\n');
    match hir.kind() {
        HirKind::Literal(literal) => !literal.0.contains(&b'\n'),
        HirKind::Class(Class::Bytes(class)) => {
            let mut ranges = class.iter();
            ranges.any(|range| !feed(range.start().into(), range.end().into()))
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut ranges = class.iter();
            ranges.any(|range| !feed(range.start().into(), range.end().into()))
        }
        HirKind::Repetition(repetition) => repetition.min == 0 || can_match(&repetition.sub),
        HirKind::Capture(capture) => can_match(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(can_match),
        HirKind::Alternation(branches) => branches.iter().any(can_match),
        HirKind::Empty | HirKind::Look(_) => true,
    }
}
