//! One rule: what a line must be like, and the route that it takes then.
//!
//! In: a rule of the settings, and lines. Out: the route. Not here: the order of rules (`lib`), and reading
//! JSON, which happens once for all rules (`jsonline`).

use std::collections::BTreeMap;

use jsonline::{Bound, Condition, Conditions};
use linemill_sdk::Error;
use pattern::Set;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::severity::Severities;

/// A rule of the settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RuleSettings {
    route: Option<String>,
    routes: Option<BTreeMap<String, String>>,
    pattern: Option<String>,
    severity: Option<String>,
    field: Option<String>,
    equals: Option<Value>,
    #[serde(rename = "in")]
    one_of: Option<Vec<Value>>,
    matches: Option<String>,
    min: Option<Bound>,
    max: Option<Bound>,
    exists: Option<bool>,
    not: bool,
}

/// A rule.
pub(crate) struct Rule {
    /// The number of its pattern.
    pattern: Option<usize>,
    severities: Option<Severities>,
    target: Target,
}

/// What follows if the pattern and the severity fit.
enum Target {
    /// This route, by its number, if the condition with this number holds.
    Route(usize, Option<usize>),
    /// The route of the first condition that holds: numbers of conditions and routes.
    First(Vec<(usize, usize)>),
}

/// A line and what is known about it.
pub(crate) struct Facts<'a> {
    pub(crate) line: &'a [u8],
    /// The patterns of all rules, if there are any.
    pub(crate) patterns: Option<&'a mut Set>,
    /// They have been searched for.
    pub(crate) searched: bool,
    pub(crate) conditions: &'a mut Conditions,
    /// Whether it is JSON; `None` until a rule asks.
    pub(crate) is_json: Option<bool>,
}

/// What rules share while they are read.
#[derive(Default)]
pub(crate) struct Shared {
    /// Patterns, each with its key in the settings.
    pub(crate) patterns: Vec<(String, String)>,
    pub(crate) conditions: Conditions,
    count: usize,
    /// The names of routes, each once.
    pub(crate) routes: Vec<String>,
}

impl Rule {
    /// Reads a rule. `key` is where it is in the settings.
    ///
    /// # Errors
    /// It is not valid.
    pub(crate) fn new(
        key: &str,
        mut rule: RuleSettings,
        shared: &mut Shared,
    ) -> Result<Self, Error> {
        let pattern = rule.pattern.take().map(|pattern| {
            shared.patterns.push((format!("{key}.pattern"), pattern));
            shared.patterns.len() - 1
        });
        let severity = rule.severity.take().map(|text| Severities::parse(&text));
        let severities = severity
            .transpose()
            .map_err(|problem| Error::setting(format!("{key}.severity"), problem))?;
        if rule.field.is_none() && rule.has_test() {
            return Err(Error::setting(
                key,
                "has a test but lacks `field`, the path of the value",
            ));
        }
        if pattern.is_none() && severities.is_none() && rule.field.is_none() {
            return Err(Error::setting(
                key,
                "fits every line; add `pattern`, `severity` or `field`",
            ));
        }
        let target = rule.target(key, shared)?;
        Ok(Self {
            pattern,
            severities,
            target,
        })
    }

    /// The route of a line, by its number; `None` if the rule does not fit.
    pub(crate) fn route(&mut self, facts: &mut Facts<'_>) -> Option<usize> {
        let line = facts.line;
        if self
            .severities
            .as_ref()
            .is_some_and(|severities| !severities.contains(line))
            || self.pattern.is_some_and(|pattern| !facts.matches(pattern))
        {
            return None;
        }
        match &self.target {
            Target::Route(route, None) => Some(*route),
            Target::Route(route, Some(condition)) => facts.holds(*condition).then_some(*route),
            Target::First(targets) => {
                let mut targets = targets.iter();
                targets
                    .find(|(condition, _)| facts.holds(*condition))
                    .map(|(_, route)| *route)
            }
        }
    }
}

impl RuleSettings {
    fn target(self, key: &str, shared: &mut Shared) -> Result<Target, Error> {
        let tests = self.has_test();
        match (self.route.clone(), self.routes.clone()) {
            (Some(_), Some(_)) => Err(Error::setting(
                key,
                "has both `route` and `routes`; remove one",
            )),
            (None, None) => Err(Error::setting(key, "lacks `route`, the name of a route")),
            (Some(route), None) => {
                let route = shared.route(route);
                let condition = self
                    .condition()
                    .map(|condition| shared.condition(key, condition));
                Ok(Target::Route(route, condition.transpose()?))
            }
            (None, Some(routes)) if routes.is_empty() => Err(Error::setting(
                format!("{key}.routes"),
                "needs a value and its route, such as { error = \"errors\" }",
            )),
            (None, Some(routes)) => {
                let Some(field) = self.field.filter(|_| !tests) else {
                    return Err(Error::setting(
                        key,
                        "with `routes`, needs `field` and no other test of its value",
                    ));
                };
                let targets = routes.into_iter().map(|(value, route)| {
                    let condition = Condition {
                        field: field.clone(),
                        one_of: Some(spellings(&value)),
                        ..Condition::default()
                    };
                    Ok((shared.condition(key, condition)?, shared.route(route)))
                });
                Ok(Target::First(targets.collect::<Result<_, Error>>()?))
            }
        }
    }

    fn has_test(&self) -> bool {
        self.equals.is_some()
            || self.one_of.is_some()
            || self.matches.is_some()
            || self.min.is_some()
            || self.max.is_some()
            || self.exists.is_some()
            || self.not
    }

    fn condition(self) -> Option<Condition> {
        Some(Condition {
            field: self.field?,
            equals: self.equals,
            one_of: self.one_of,
            matches: self.matches,
            min: self.min,
            max: self.max,
            exists: self.exists,
            not: self.not,
        })
    }
}

/// What a key of `routes` stands for: a text, and what it is as a number or another JSON value.
fn spellings(value: &str) -> Vec<Value> {
    let mut values = vec![json!(value)];
    match serde_json::from_str(value) {
        Ok(Value::Array(_) | Value::Object(_)) | Err(_) => {}
        Ok(plain) => values.push(plain),
    }
    values
}

// === impl Shared ===

impl Shared {
    /// The number of a route.
    pub(crate) fn route(&mut self, name: String) -> usize {
        let known = self.routes.iter().position(|route| *route == name);
        known.unwrap_or_else(|| {
            self.routes.push(name);
            self.routes.len() - 1
        })
    }

    fn condition(&mut self, key: &str, condition: Condition) -> Result<usize, Error> {
        self.conditions.add(key, condition)?;
        self.count += 1;
        Ok(self.count - 1)
    }
}

// === impl Facts ===

impl Facts<'_> {
    /// Whether a pattern matches. All are searched for at once, when the first rule asks.
    fn matches(&mut self, pattern: usize) -> bool {
        let Some(patterns) = &mut self.patterns else {
            return false;
        };
        if !self.searched {
            self.searched = true;
            patterns.search(self.line);
        }
        patterns.contains(pattern)
    }

    /// Whether a condition holds. None does in a line that is not JSON.
    fn holds(&mut self, condition: usize) -> bool {
        let Self {
            line,
            conditions,
            is_json,
            ..
        } = self;
        *is_json.get_or_insert_with(|| conditions.read(line).is_ok())
            && conditions.holds(condition, line)
    }
}
