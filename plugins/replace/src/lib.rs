//! Replaces what matches a pattern: sed for lines.
//!
//! Rules apply in order, each to the result of those before it. A line in which nothing matches passes without
//! being copied.

mod about;
mod rule;
mod screen;

use std::mem;

use linemill_sdk::{Block, Error, Filter, Hits, LineText, Others, Output, export};
use pattern::{Budget, MAX_EXPRESSIONS, Options};
use rule::{Rule, TooLong};
use screen::Screen;
use serde::Deserialize;

/// Applies rules to lines.
pub struct Replace {
    rules: Vec<Rule>,
    screen: Screen,
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
    with: Option<LineText>,
    rules: Option<Vec<RuleSettings>>,
    all: Option<bool>,
    ignore_case: bool,
    literal: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSettings {
    pattern: String,
    with: LineText,
    all: Option<bool>,
    ignore_case: Option<bool>,
    literal: Option<bool>,
}

/// A line may become as long as this in any case, and four times as long as it was.
const MAX_RESULT: usize = 256 << 10;

impl Filter for Replace {
    type Settings = Settings;

    fn new(mut settings: Settings) -> Result<Self, Error> {
        let settings_of_rules = settings.take_rules()?;
        let mut budget = Budget::new(settings_of_rules.len());
        let mut rules = Vec::new();
        let mut patterns = Vec::new();
        for (keys, rule) in settings_of_rules {
            let options = Options {
                ignore_case: rule.ignore_case.unwrap_or(settings.ignore_case),
                literal: rule.literal.unwrap_or(settings.literal),
            };
            let all = rule.all.or(settings.all).unwrap_or(true);
            let keys = keys.each_ref().map(String::as_str);
            let (pattern, with) = (&rule.pattern, &rule.with);
            rules.push(Rule::new(keys, pattern, with, all, options, &mut budget)?);
            patterns.push((rule.pattern, options));
        }
        Ok(Self {
            rules,
            screen: Screen::new(&patterns),
            changed: Vec::new(),
            next: Vec::new(),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        self.screen.note_judged();
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
                        "replaced, the line would be longer than 256 KiB and four times what it was",
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

    fn screen(&mut self, block: &Block, hits: &mut Hits) -> Others {
        self.screen.run(block, hits)
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
mod reference;
#[cfg(test)]
mod tests;
