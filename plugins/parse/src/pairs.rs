//! Pairs of names and values, in which a name may occur several times.
//!
//! In: pairs in the order of the line. Out: fields of an object; a name that occurs several times has an array
//! of its values. Not here: how pairs are written in a line.
//!
//! A JSON object must not have a name twice, and a value must not be lost.

use std::ops::Range;

use crate::object::Object;

/// The pairs of a line, as ranges of its text.
#[derive(Default)]
pub(crate) struct Pairs {
    pairs: Vec<Pair>,
    /// The indices of all pairs, sorted by name.
    sorted: Vec<usize>,
}

struct Pair {
    name: Range<usize>,
    value: Value,
    /// The next pair of the same name, if any.
    next: Option<usize>,
    /// An earlier pair has the same name.
    repeats: bool,
}

/// How a value is written in the line.
pub(crate) enum Value {
    /// As it is.
    Plain(Range<usize>),
    /// With escapes, inside quotes that are not part of the range.
    Escaped(Range<usize>),
    /// Not at all: the name stands alone.
    Missing,
}

/// Up to this number of pairs, names are compared with each other.
const FEW: usize = 16;

impl Pairs {
    pub(crate) fn clear(&mut self) {
        self.pairs.clear();
    }

    pub(crate) fn push(&mut self, name: Range<usize>, value: Value) {
        self.pairs.push(Pair {
            name,
            value,
            next: None,
            repeats: false,
        });
    }

    /// Whether any name occurs several times. `line` is the text of the ranges. Call it before
    /// [`write`](Self::write).
    pub(crate) fn find_repeated(&mut self, line: &str) -> bool {
        if self.pairs.len() <= FEW {
            self.compare_all(line)
        } else {
            self.sort(line)
        }
    }

    fn compare_all(&mut self, line: &str) -> bool {
        let mut any = false;
        for index in 1..self.pairs.len() {
            let (before, from) = self.pairs.split_at_mut(index);
            let name = &line[from[0].name.clone()];
            let same = |pair: &&mut Pair| &line[pair.name.clone()] == name;
            if let Some(last) = before.iter_mut().rev().find(same) {
                last.next = Some(index);
                from[0].repeats = true;
                any = true;
            }
        }
        any
    }

    fn sort(&mut self, line: &str) -> bool {
        self.sorted.clear();
        self.sorted.extend(0..self.pairs.len());
        let name = |pairs: &[Pair], index: usize| &line[pairs[index].name.clone()];
        // Stable, so pairs of the same name keep their order.
        self.sorted
            .sort_by(|one, other| name(&self.pairs, *one).cmp(name(&self.pairs, *other)));
        let mut any = false;
        for two in self.sorted.windows(2) {
            if name(&self.pairs, two[0]) == name(&self.pairs, two[1]) {
                self.pairs[two[0]].next = Some(two[1]);
                self.pairs[two[1]].repeats = true;
                any = true;
            }
        }
        any
    }

    /// Writes all pairs as fields of `object`, without those named `omit`. `unescape` appends the text of an
    /// escaped value.
    pub(crate) fn write(
        &self,
        line: &str,
        omit: Option<&str>,
        unescape: fn(&str, &mut String),
        object: &mut Object,
    ) {
        let mut text = String::new();
        for pair in self.pairs.iter().filter(|pair| !pair.repeats) {
            let name = &line[pair.name.clone()];
            if omit == Some(name) {
                continue;
            }
            object.name(name);
            if pair.next.is_some() {
                object.raw("[");
            }
            let mut following = Some(pair);
            while let Some(pair) = following {
                match &pair.value {
                    Value::Plain(value) => object.value(name, &line[value.clone()]),
                    Value::Escaped(value) => {
                        text.clear();
                        unescape(&line[value.clone()], &mut text);
                        object.value(name, &text);
                    }
                    Value::Missing => object.raw("true"),
                }
                following = pair.next.and_then(|next| self.pairs.get(next));
                if following.is_some() {
                    object.raw(",");
                }
            }
            if pair.next.is_some() {
                object.raw("]");
            }
        }
    }
}
