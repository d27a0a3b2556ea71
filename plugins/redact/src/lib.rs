//! Puts a mask in the place of personal data: addresses, card numbers, tokens, and whatever the
//! settings describe.
//!
//! One pass over a line finds all patterns at once; what a pattern cannot tell, such as the check
//! digit of a card number, is checked on the match.

mod builtin;
mod check;

use std::collections::BTreeMap;
use std::ops::Range;

use builtin::Builtin;
use check::Check;
use linemill_sdk::{Error, Filter, Output, export};
use pattern::{Input, Options, Patterns};
use serde::Deserialize;

/// Finds what must not be seen.
pub struct Redact {
    patterns: Patterns,
    /// For each pattern, by its index there.
    kinds: Vec<Kind>,
    /// What the line at hand has to hide: ascending, without overlaps.
    secrets: Vec<Secret>,
}

struct Secret {
    start: usize,
    end: usize,
    /// Index in `kinds`.
    kind: usize,
}

struct Kind {
    /// What is to be masked where the pattern matched, if anything.
    check: Check,
    mask: Vec<u8>,
}

/// See the README.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    patterns: Vec<Builtin>,
    custom: BTreeMap<String, String>,
    mask: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            patterns: Builtin::DEFAULT.to_vec(),
            custom: BTreeMap::new(),
            mask: "[{name}]".to_owned(),
        }
    }
}

impl Filter for Redact {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        let mut expressions = Vec::new();
        let mut kinds = Vec::new();
        let mut add = |key: String, name: &str, expression: String, check: Check| {
            expressions.push((key, expression));
            kinds.push(Kind {
                check,
                mask: settings.mask.replace("{name}", name).into_bytes(),
            });
        };
        // An author's own patterns come first: where two start at one place, theirs wins.
        for (name, expression) in settings.custom {
            add(format!("custom.{name}"), &name, expression, check::whole);
        }
        for builtin in settings.patterns {
            let name = builtin.name();
            add(
                format!("patterns.{name}"),
                name,
                builtin.expression(),
                builtin.check(),
            );
        }
        if kinds.is_empty() {
            return Err(Error::new(
                "`patterns` or `custom`: one of them needs a pattern; leave `patterns` out for all",
            ));
        }
        let patterns = Patterns::new(&expressions, Options::default())?;
        Ok(Self {
            patterns,
            kinds,
            secrets: Vec::new(),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        self.search(line);
        let mut done = 0;
        for &Secret { start, end, kind } in &self.secrets {
            out.push(&line[done..start]);
            out.push(&self.kinds[kind].mask);
            done = end;
        }
        if self.secrets.is_empty() {
            out.emit(line);
        } else {
            out.emit(&line[done..]);
        }
    }
}

impl Redact {
    /// Finds the secrets of `line`.
    ///
    /// The built-in patterns are short and go on by hand where something longer may follow, so the
    /// time this takes grows with the line's length and not faster, whatever a sender puts in.
    fn search(&mut self, line: &[u8]) {
        self.secrets.clear();
        let mut input = Input::new(line);
        while let Some(found) = self.patterns.find(&input) {
            let kind = found.pattern().as_usize();
            let next = match (self.kinds[kind].check)(line, found.range()) {
                Some(secret) if !secret.is_empty() => self.add(secret, kind),
                // Something else may start inside what only looked like a match.
                _ => found.start() + 1,
            };
            if next > line.len() {
                break;
            }
            input.set_start(next);
        }
    }

    /// Adds a secret, in place of those inside it; where it ends.
    fn add(&mut self, secret: Range<usize>, kind: usize) -> usize {
        while self
            .secrets
            .last()
            .is_some_and(|last| last.start >= secret.start)
        {
            self.secrets.pop();
        }
        let start = self
            .secrets
            .last()
            .map_or(0, |last| last.end)
            .max(secret.start);
        self.secrets.push(Secret {
            start,
            end: secret.end,
            kind,
        });
        secret.end
    }
}

export!(Redact);

#[cfg(test)]
mod tests;
