//! Lines of any form, by a regular expression with named groups.
//!
//! In: a line. Out: a field for each named group that took part in the match.

use linemill_sdk::Error;
use pattern::{Budget, Captures, Options};

use crate::Parsed;
use crate::object::Object;

/// An expression, and the groups that become fields.
pub(crate) struct Expression {
    captures: Box<Captures>,
    /// The indices and names of the named groups, in order.
    groups: Vec<(usize, String)>,
}

impl Expression {
    pub(crate) fn new(pattern: Option<&str>, ignore_case: bool) -> Result<Self, Error> {
        let Some(pattern) = pattern else {
            return Err(Error::new(
                "missing key `pattern`: the expression, with a group such as (?<name>.*) for each field",
            ));
        };
        let options = Options {
            ignore_case,
            literal: false,
        };
        let captures = Captures::new("pattern", pattern, options, &mut Budget::new(1))?;
        let groups: Vec<_> = captures
            .names()
            .iter()
            .enumerate()
            .filter_map(|(index, name)| Some((index, name.clone()?)))
            .collect();
        if groups.is_empty() {
            return Err(Error::setting(
                "pattern",
                "needs a named group, such as (?<name>.*), for each field",
            ));
        }
        Ok(Self {
            captures: Box::new(captures),
            groups,
        })
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|(_, name)| &**name)
    }

    pub(crate) fn parse(&mut self, line: &str, object: &mut Object) -> Parsed {
        if !self.captures.find_with_groups(line.as_bytes()) {
            return Err("the pattern does not match".into());
        }
        for (index, name) in &self.groups {
            if let Some(range) = self.captures.group(*index) {
                // A group may begin or end inside a character.
                object.name(name);
                object.value(name, &String::from_utf8_lossy(&line.as_bytes()[range]));
            }
        }
        Ok(())
    }
}
