//! Masks personal data and secrets: addresses, card numbers, tokens, and what the settings
//! describe.
//!
//! One pass over a line finds all patterns at once. What an expression cannot test, such as the
//! check digit of a card number, is checked on each match.

mod about;
mod builtin;
mod check;

use std::collections::BTreeMap;
use std::ops::Range;

use builtin::Builtin;
use check::Check;
use linemill_sdk::{Error, Filter, Output, export};
use pattern::{Input, Options, Patterns};
use serde::Deserialize;

/// Masks the secrets in each line.
pub struct Redact {
    patterns: Patterns,
    /// What to do with a match, by the index of its pattern in `patterns`.
    kinds: Vec<Kind>,
    /// The ranges to mask in the current line, ascending, without overlaps.
    secrets: Vec<Secret>,
}

struct Secret {
    start: usize,
    end: usize,
    /// An index in `kinds`.
    kind: usize,
}

struct Kind {
    /// Which bytes to mask where the pattern matched, if any.
    check: Check,
    mask: Vec<u8>,
}

/// The settings. The README describes each key.
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
        // Custom patterns come first: if several patterns match at one place, the first one wins.
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
                "`patterns` or `custom`: one of them needs a pattern; omit `patterns` for the defaults",
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
        let mut written = 0;
        for &Secret { start, end, kind } in &self.secrets {
            out.push(&line[written..start]);
            out.push(&self.kinds[kind].mask);
            written = end;
        }
        if self.secrets.is_empty() {
            out.emit(line);
        } else {
            out.emit(&line[written..]);
        }
    }
}

impl Redact {
    /// Finds the secrets of `line`.
    ///
    /// The matches of built-in patterns are short, and their checks read on where a secret may be
    /// longer. So the time is linear in the line's length, whatever a sender puts into it.
    fn search(&mut self, line: &[u8]) {
        self.secrets.clear();
        let mut input = Input::new(line);
        while let Some(found) = self.patterns.find(&input) {
            let kind = found.pattern().as_usize();
            let next = match (self.kinds[kind].check)(line, found.range()) {
                Some(secret) if !secret.is_empty() => self.add(secret, kind),
                // Another pattern may match inside what only looked like a secret.
                _ => found.start() + 1,
            };
            if next > line.len() {
                break;
            }
            input.set_start(next);
        }
    }

    /// Adds a secret, which replaces those inside it. Returns where it ends.
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

export!(Redact: About);

#[cfg(test)]
mod tests;
