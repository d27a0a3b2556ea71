//! Replaces what matches a pattern: sed for lines.
//!
//! Rules apply in order, each to the result of those before it. A line in which nothing matches passes without
//! being copied.

mod about;
mod rule;

use std::mem;

use linemill_sdk::{Error, Filter, Output, export};
use pattern::{Budget, MAX_EXPRESSIONS, Options};
use rule::{Rule, TooLong};
use serde::Deserialize;

/// Applies rules to lines.
pub struct Replace {
    rules: Vec<Rule>,
    /// The line as changed by the rules so far, if any of them changed it.
    changed: Vec<u8>,
    /// The output of the rule at work.
    next: Vec<u8>,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pattern: Option<String>,
    with: Option<String>,
    rules: Option<Vec<RuleSettings>>,
    all: Option<bool>,
    ignore_case: bool,
    literal: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSettings {
    pattern: String,
    with: String,
    all: Option<bool>,
    ignore_case: Option<bool>,
    literal: Option<bool>,
}

/// A line may become as long as this in any case, and four times as long as it was.
const MAX_RESULT: usize = 1 << 20;

impl Filter for Replace {
    type Settings = Settings;

    fn new(mut settings: Settings) -> Result<Self, Error> {
        let rules = settings.take_rules()?;
        let mut budget = Budget::new(rules.len());
        let rules = rules.into_iter().map(|(keys, rule)| {
            let options = Options {
                ignore_case: rule.ignore_case.unwrap_or(settings.ignore_case),
                literal: rule.literal.unwrap_or(settings.literal),
            };
            let all = rule.all.or(settings.all).unwrap_or(true);
            let keys = keys.each_ref().map(String::as_str);
            Rule::new(keys, &rule.pattern, &rule.with, all, options, &mut budget)
        });
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
            changed: Vec::new(),
            next: Vec::new(),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        let limit = MAX_RESULT.max(line.len().saturating_mul(4));
        let mut any = false;
        for rule in &mut self.rules {
            let from = if any { &self.changed } else { line };
            self.next.clear();
            match rule.apply(from, &mut self.next, limit) {
                Ok(true) => {
                    mem::swap(&mut self.changed, &mut self.next);
                    any = true;
                }
                Ok(false) => {}
                Err(TooLong) => {
                    return out.fail(
                        "replaced, the line would be longer than 1 MiB and four times what it was",
                    );
                }
            }
        }
        if any {
            out.emit(&self.changed);
        } else {
            out.emit(line);
        }
    }
}

export!(Replace: About);

impl Settings {
    /// The rules, each with the keys of its pattern and its replacement.
    fn take_rules(&mut self) -> Result<Vec<([String; 2], RuleSettings)>, Error> {
        let rules = match (self.pattern.take(), self.with.take(), self.rules.take()) {
            (Some(pattern), Some(with), None) => {
                let keys = ["pattern", "with"].map(str::to_owned);
                let rule = RuleSettings {
                    pattern,
                    with,
                    all: None,
                    ignore_case: None,
                    literal: None,
                };
                return Ok(vec![(keys, rule)]);
            }
            (None, None, Some(rules)) => rules,
            (_, _, Some(_)) => {
                return Err(Error::setting(
                    "rules",
                    "stands for `pattern` and `with`; put these into one of the rules",
                ));
            }
            (Some(_), None, None) => {
                return Err(Error::new(
                    "missing key `with`: the text to write instead of what matches; \"\" removes it",
                ));
            }
            (None, _, None) => {
                return Err(Error::new(
                    "missing key `pattern`: what to replace; or `rules`, for several patterns",
                ));
            }
        };
        if rules.is_empty() {
            return Err(Error::setting(
                "rules",
                "needs at least one rule, such as { pattern = \"a\", with = \"b\" }",
            ));
        }
        if rules.len() > MAX_EXPRESSIONS {
            return Err(Error::setting(
                "rules",
                format!(
                    "{} rules are too many; at most {MAX_EXPRESSIONS} are allowed",
                    rules.len()
                ),
            ));
        }
        let keyed = rules.into_iter().enumerate().map(|(index, rule)| {
            let keys = ["pattern", "with"].map(|key| format!("rules[{index}].{key}"));
            (keys, rule)
        });
        Ok(keyed.collect())
    }
}

#[cfg(test)]
mod tests;
