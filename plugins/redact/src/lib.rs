//! Puts a mask in the place of personal data: addresses, card numbers, tokens, and whatever the
//! settings describe.
//!
//! One pass over a line finds all patterns at once; what a pattern cannot tell, such as the check
//! digit of a card number, is checked on the match.

mod builtin;

use std::collections::BTreeMap;

use builtin::{Builtin, Check};
use linemill_sdk::{Error, Filter, Output, export};
use pattern::{Input, Options, Patterns};
use serde::Deserialize;

/// Finds what must not be seen.
pub struct Redact {
    patterns: Patterns,
    /// For each pattern, by its index there.
    kinds: Vec<Kind>,
}

struct Kind {
    /// Which part of a match is to be masked, if any.
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
            kinds.push(Kind { check, mask: settings.mask.replace("{name}", name).into_bytes() });
        };
        // An author's own patterns come first: where two start at one place, theirs wins.
        for (name, expression) in settings.custom {
            add(format!("custom.{name}"), &name, expression, builtin::whole);
        }
        for builtin in settings.patterns {
            let name = builtin.name();
            add(format!("patterns.{name}"), name, builtin.expression(), builtin.check());
        }
        if kinds.is_empty() {
            return Err(Error::new(
                "`patterns` or `custom`: one of them needs a pattern; leave `patterns` out for all",
            ));
        }
        Ok(Self { patterns: Patterns::new(&expressions, Options::default())?, kinds })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        // Up to here the line is masked and in the output.
        let mut done = 0;
        let mut masked = false;
        let mut input = Input::new(line);
        while let Some(found) = self.patterns.find(&input) {
            let kind = &self.kinds[found.pattern().as_usize()];
            let next = match (kind.check)(line, found.range()) {
                Some(secret) if !secret.is_empty() => {
                    out.push(&line[done..secret.start]);
                    out.push(&kind.mask);
                    masked = true;
                    done = secret.end;
                    done
                }
                // Something else may start inside what only looked like a match.
                _ => found.start() + 1,
            };
            if next > line.len() {
                break;
            }
            input.set_start(next);
        }
        if masked {
            out.emit(&line[done..]);
        } else {
            out.emit(line);
        }
    }
}

export!(Redact);

#[cfg(test)]
mod tests;
