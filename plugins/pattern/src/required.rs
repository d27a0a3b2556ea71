//! Finds the texts that an expression requires.
//!
//! In: a parsed expression. Out: a few texts, one of which is in everything that it matches, so that a search
//! for these finds all lines that could match.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Texts, one of which is in each match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) texts: Vec<Vec<u8>>,
    /// ASCII letters match in either case. Then the texts are in lower case.
    pub(crate) fold: bool,
}

impl Texts {
    pub(crate) fn longest(&self) -> usize {
        self.texts.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// What an expression matches, if it is a few texts.
#[derive(Clone, Debug)]
struct Exact {
    texts: Vec<Vec<u8>>,
    /// A letter matches in either case.
    folded: bool,
    /// A letter matches in one case only.
    cased: bool,
}

/// More texts than this are not worth a search for each.
const MOST: usize = 64;

/// The texts that are exactly what `hir` matches; none of them is empty.
pub(crate) fn exact(hir: &Hir) -> Option<Texts> {
    let exact = Exact::of(hir)?;
    let mixed = exact.folded && exact.cased;
    (!mixed && exact.shortest() > 0).then(|| exact.into_texts())
}

/// Texts, one of which is in everything that `hir` matches; none of them is empty. The start of a long text
/// is enough.
pub(crate) fn required(hir: &Hir) -> Option<Texts> {
    let mut best = best(hir)?;
    best.texts.iter_mut().for_each(|text| text.truncate(ENOUGH));
    Some(best.into_texts())
}

/// Longer texts are hardly rarer, but a search for them may take longer.
const ENOUGH: usize = 32;

/// The most promising texts that `hir` requires; none of them is empty.
fn best(hir: &Hir) -> Option<Exact> {
    if let Some(exact) = Exact::of(hir).filter(|exact| exact.shortest() > 0) {
        return Some(exact);
    }
    match hir.kind() {
        HirKind::Capture(capture) => best(&capture.sub),
        HirKind::Repetition(Repetition { min: 1.., sub, .. }) => best(sub),
        HirKind::Concat(parts) => best_of_parts(parts),
        HirKind::Alternation(branches) => {
            let mut all = Exact::none();
            for branch in branches {
                all = all.or(best(branch)?)?;
            }
            Some(all)
        }
        _ => None,
    }
}

/// Texts of adjacent parts are put together as far as they are exact, but a single text next to a choice is
/// better alone.
fn best_of_parts(parts: &[Hir]) -> Option<Exact> {
    let mut best_so_far = None;
    let mut run = Exact::empty();
    for part in parts {
        let Some(exact) = Exact::of(part) else {
            better(&mut best_so_far, Some(run));
            better(&mut best_so_far, best(part));
            run = Exact::empty();
            continue;
        };
        better(&mut best_so_far, Some(exact.clone()));
        run = run.then(&exact).unwrap_or_else(|| {
            better(&mut best_so_far, Some(run.clone()));
            exact
        });
        if run.texts.len() == 1 {
            better(&mut best_so_far, Some(run.clone()));
        }
    }
    better(&mut best_so_far, Some(run));
    best_so_far
}

/// Replaces `best` if `other` is more promising.
fn better(best: &mut Option<Exact>, other: Option<Exact>) {
    let other = other.filter(|other| other.shortest() > 0);
    if other.as_ref().map(Exact::promise) > best.as_ref().map(Exact::promise) {
        *best = other;
    }
}

// === impl Exact ===

impl Exact {
    /// Matches nothing.
    fn none() -> Self {
        Self {
            texts: Vec::new(),
            folded: false,
            cased: false,
        }
    }

    /// Matches the empty text.
    fn empty() -> Self {
        Self {
            texts: vec![Vec::new()],
            ..Self::none()
        }
    }

    /// What `hir` matches, if it is a few texts.
    fn of(hir: &Hir) -> Option<Self> {
        match hir.kind() {
            HirKind::Empty => Some(Self::empty()),
            HirKind::Literal(literal) => Some(Self::literal(&literal.0)),
            HirKind::Class(class) => Self::class(class),
            // It matters where these match, but not for what they match.
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Look(_) => None,
            HirKind::Repetition(repetition) => {
                let (min, max) = (repetition.min, repetition.max?);
                if max > MOST as u32 {
                    return None;
                }
                let once = Self::of(&repetition.sub)?;
                let (mut times, mut all) = (Self::empty(), Self::none());
                for count in 0..=max {
                    if count >= min {
                        all = all.or(times.clone())?;
                    }
                    if count < max {
                        times = times.then(&once)?;
                    }
                }
                Some(all)
            }
            HirKind::Concat(parts) => {
                let mut all = Self::empty();
                for part in parts {
                    all = all.then(&Self::of(part)?)?;
                }
                Some(all)
            }
            HirKind::Alternation(branches) => {
                let mut all = Self::none();
                for branch in branches {
                    all = all.or(Self::of(branch)?)?;
                }
                Some(all)
            }
        }
    }

    fn literal(text: &[u8]) -> Self {
        Self {
            texts: vec![text.to_vec()],
            folded: false,
            cased: text.iter().any(u8::is_ascii_alphabetic),
        }
    }

    fn class(class: &Class) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut add = |from: u32, to: u32| {
            let few = to < 0x80 && to - from < 8 && bytes.len() < 8;
            bytes.extend(
                (from..=to)
                    .take(if few { 8 } else { 0 })
                    .map(|byte| byte as u8),
            );
            few
        };
        let few = match class {
            Class::Bytes(class) => class
                .iter()
                .all(|range| add(range.start().into(), range.end().into())),
            Class::Unicode(class) => class
                .iter()
                .all(|range| add(range.start().into(), range.end().into())),
        };
        match bytes[..] {
            _ if !few => None,
            [upper, lower] if upper.is_ascii_uppercase() && upper.to_ascii_lowercase() == lower => {
                Some(Self {
                    texts: vec![vec![lower]],
                    folded: true,
                    cased: false,
                })
            }
            _ => {
                let mut each = bytes.iter().map(|&byte| Self::literal(&[byte]));
                each.try_fold(Self::none(), Self::or)
            }
        }
    }

    /// Either of both.
    fn or(mut self, mut other: Self) -> Option<Self> {
        self.texts.append(&mut other.texts);
        self.folded |= other.folded;
        self.cased |= other.cased;
        (self.texts.len() <= MOST).then_some(self)
    }

    /// One after the other.
    fn then(&self, next: &Self) -> Option<Self> {
        if self.texts.len() * next.texts.len() > MOST || self.longest() + next.longest() > LONGEST {
            return None;
        }
        let pairs = self
            .texts
            .iter()
            .flat_map(|start| next.texts.iter().map(move |end| [&start[..], end].concat()));
        Some(Self {
            texts: pairs.collect(),
            folded: self.folded | next.folded,
            cased: self.cased | next.cased,
        })
    }

    fn shortest(&self) -> usize {
        self.texts.iter().map(Vec::len).min().unwrap_or(0)
    }

    fn longest(&self) -> usize {
        self.texts.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Greater if a search for it is faster, or finds less: up to four bytes count more than few texts, since
    /// they make a text rare.
    fn promise(&self) -> (usize, std::cmp::Reverse<usize>, usize) {
        let shortest = self.shortest();
        (
            shortest.min(4),
            std::cmp::Reverse(self.texts.len()),
            shortest,
        )
    }

    fn into_texts(self) -> Texts {
        let mut texts = self.texts;
        if self.folded {
            texts
                .iter_mut()
                .for_each(|text| text.make_ascii_lowercase());
        }
        texts.sort_unstable();
        texts.dedup();
        Texts {
            texts,
            fold: self.folded,
        }
    }
}

/// Longer texts are not put together.
const LONGEST: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::{Texts, exact, required};
    use crate::{Options, parse};

    fn shown(texts: Option<Texts>) -> String {
        let Some(Texts { texts, fold }) = texts else {
            return "none".to_owned();
        };
        let texts: Vec<_> = texts
            .iter()
            .map(|text| text.escape_ascii().to_string())
            .collect();
        format!("{}{}", texts.join(" "), if fold { " folded" } else { "" })
    }

    #[test]
    fn texts_of_expressions() {
        for (expression, exactly, requires) in [
            ("abc", "abc", "abc"),
            (r"a\.b", "a.b", "a.b"),
            ("ERROR|WARN", "ERROR WARN", "ERROR WARN"),
            ("ERROR|ERRNO", "ERRNO ERROR", "ERRNO ERROR"),
            ("(a|b)c?d", "acd ad bcd bd", "acd ad bcd bd"),
            ("a{3}", "aaa", "aaa"),
            ("(?i)ab", "ab folded", "ab folded"),
            ("(?i:a)b", "none", "ab folded"),
            ("(?i:a)-", "a- folded", "a- folded"),
            ("Ä", r"\xc3\x84", r"\xc3\x84"),
            ("^ERROR", "none", "ERROR"),
            (r"\bfoo\b.*bar baz", "none", "bar baz"),
            (r"status=(5\d\d|404) ", "none", "status="),
            (
                r"status=(50[0-3]|404)",
                "status=404 status=500 status=501 status=502 status=503",
                "status=404 status=500 status=501 status=502 status=503",
            ),
            (r"(GET|POST) /api/.*\d+ms", "none", " /api/"),
            ("(?:abc)+x", "none", "abc"),
            ("(?:ab|[0-9]+cd)", "none", "ab cd"),
            (r"\d+%", "none", "%"),
            ("a*", "none", "none"),
            ("", "none", "none"),
            ("a|", "none", "none"),
            ("a|.*", "none", "none"),
            (r"\d{3}-\d{4}", "none", "-"),
            ("[a-z]+", "none", "none"),
            ("(?:abc|x)(?:.*|y)", "none", "abc x"),
            ("^$", "none", "none"),
        ] {
            let hir = parse(expression, Options::default()).unwrap();
            assert_eq!(shown(exact(&hir)), exactly, "{expression}");
            assert_eq!(shown(required(&hir)), requires, "{expression}");
        }
        let many = "[abcdefgh][abcdefgh][abcdefgh]x".to_owned();
        let hir = parse(&many, Options::default()).unwrap();
        assert_eq!(shown(exact(&hir)), "none");
    }
}
