//! The shape of a key's value, for documents that programs read.
//!
//! In: nothing; kinds of values say their shape. Out: [`Shape`]. Not here: how a schema expresses it
//! (see `schema`), and what a value means (see `kind`).

use super::key::Key;

/// What a value may look like.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any text.
    Text,
    /// A text that matches this regular expression.
    Pattern(String),
    /// One of these texts.
    Choice(Vec<&'static str>),
    /// `true` or `false`.
    Flag,
    /// A whole number in this range.
    Whole(u64, u64),
    /// A list.
    List(Box<Self>),
    /// A table with any keys, whose values have this shape.
    Map(Box<Self>),
    /// A table with these keys.
    Table(fn() -> Vec<Key>),
    /// Any table.
    AnyTable,
    /// One of two shapes.
    Either(Box<Self>, Box<Self>),
}

impl Shape {
    /// A list of values of this shape.
    pub(crate) fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// A value of this shape, or of the other.
    pub(crate) fn or(self, other: Self) -> Self {
        Self::Either(Box::new(self), Box::new(other))
    }
}

/// A destination: a text, or a list of upstreams.
pub(crate) fn destination() -> Shape {
    Shape::Text.or(Shape::Text.list())
}
