//! Tables `[[test]]`: what a listener makes of lines.

use std::collections::BTreeMap;

use crate::key::Key;
use crate::keys::keys;
use crate::problem::place::Place;
use crate::shape::Shape;

/// A test of all filters of a listener together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChainTest {
    /// The listener's name.
    pub listener: String,
    /// What its chain must do; `None` if only the reply chain is tested.
    pub forward: Option<Expected>,
    /// What its reply chain must do.
    pub reply: Option<Expected>,
    /// The place of the table in the file.
    pub place: Place,
}

/// Lines, and what a chain must make of them. All lines are without terminators.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    /// The lines that enter the chain; at least one.
    pub input: Vec<Vec<u8>>,
    /// The lines that pass through all of it.
    pub output: Vec<Vec<u8>>,
    /// The lines that leave it by each route. A route that is not named must get no lines.
    pub routes: BTreeMap<String, Vec<Vec<u8>>>,
    /// How many lines fail in a filter.
    pub failed: u64,
}

keys! {
    by hand in ChainTest: "`[[test]]`" {
        /// The listener whose filters are tested.
        listener: "name" as Shape::Text, default "required";
        /// The lines that a client sends, without terminators.
        in: "list of strings" as Shape::Text.list(), default "required, unless there is `reply`";
        /// The lines that must come out of `chain`.
        out: "list of strings" as Shape::Text.list(), default "required with `in`";
        /// The lines that must leave by each route: `{ audit = ["a line"] }`. A route that is not named
        /// must get no lines.
        routes: "table of lists of strings" as Shape::Map(Box::new(Shape::Text.list())), default "`{}`";
        /// How many lines must fail in a filter, whatever `on_error` does with them.
        failed: "whole number" as Shape::Whole(0, u64::MAX), default "`0`";
        /// The same for `reply_chain`: `{ in = ["a line"], out = ["a line"], failed = 0 }`.
        reply: "table" as Shape::Table(reply_keys), default "none";
    }
}

/// The keys of `reply`.
fn reply_keys() -> Vec<Key> {
    let mut keys = ChainTest::keys();
    keys.retain(|key| ["in", "out", "failed"].contains(&key.name));
    keys
}
