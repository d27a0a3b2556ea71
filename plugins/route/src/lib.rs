//! Sends lines by routes: by a field of JSON, by the severity of syslog, or by pattern.
//!
//! The first rule that fits decides. A line that no rule fits continues. No line is changed or dropped.

mod about;
mod rule;
mod severity;

use jsonline::Conditions;
use linemill_sdk::{Error, Filter, Output, export};
use pattern::{Options, Set};
use rule::{Facts, Rule, RuleSettings, Shared};
use serde::Deserialize;

/// Sends lines by routes.
pub struct Route {
    rules: Vec<Rule>,
    patterns: Option<Set>,
    conditions: Conditions,
    routes: Vec<String>,
    default: Option<usize>,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    rules: Vec<RuleSettings>,
    default: Option<String>,
}

/// The most rules.
const MAX_RULES: usize = 256;

impl Filter for Route {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        if settings.rules.is_empty() {
            return Err(Error::setting(
                "rules",
                "needs a rule, such as { route = \"errors\", pattern = \"ERROR\" }",
            ));
        }
        if settings.rules.len() > MAX_RULES {
            return Err(Error::setting(
                "rules",
                format!(
                    "has {} rules; at most {MAX_RULES} are allowed",
                    settings.rules.len()
                ),
            ));
        }
        let mut shared = Shared::default();
        let rules = settings.rules.into_iter().enumerate();
        let rules =
            rules.map(|(index, rule)| Rule::new(&format!("rules[{index}]"), rule, &mut shared));
        let rules = rules.collect::<Result<_, _>>()?;
        let default = settings.default.map(|route| shared.route(route));
        let patterns = match &shared.patterns[..] {
            [] => None,
            patterns => Some(Set::new(patterns, Options::default())?),
        };
        Ok(Self {
            rules,
            patterns,
            conditions: shared.conditions,
            routes: shared.routes,
            default,
        })
    }

    fn routes(&self) -> Vec<String> {
        self.routes.clone()
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        let mut facts = Facts {
            line,
            patterns: self.patterns.as_mut(),
            searched: false,
            conditions: &mut self.conditions,
            is_json: None,
        };
        let found = self
            .rules
            .iter_mut()
            .find_map(|rule| rule.route(&mut facts));
        if let Some(route) = found.or(self.default) {
            out.route(&self.routes[route]);
        }
        out.emit(line);
    }
}

export!(Route: About);

#[cfg(test)]
mod tests;
