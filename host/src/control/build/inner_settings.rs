//! Checks a filter's settings against the schema that its plugin states, before the filter starts.
//!
//! In: the settings of a filter, with their places, and the description of its plugin. Out: a report of each
//! thing that is wrong, at the line and column of the key. A schema that is no schema is the plugin's fault.
//! Schemas are bounded (`linemill_sandbox::plugin::about`), and so is the time that this takes.
//! Not here: the words of a report (`fault`), and what a schema cannot say, which the filter itself refuses.

use std::sync::Arc;
use std::time::Duration;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use linemill_config::settings::FilterSettings;
use linemill_config::{Problem, Problems, printable};
use linemill_sandbox::plugin::Description;
use linemill_sandbox::{Refusal, RefusalKind};

mod fault;
mod words;

#[cfg(test)]
mod tests;

/// How long a check may take. A schema within its bounds takes milliseconds.
const TIME: Duration = Duration::from_secs(5);
/// The most bytes of a compiled regular expression of a schema.
const REGEX: usize = 256 << 10;
/// The most reports about the settings of one filter.
const REPORTS: usize = 20;

/// Why settings cannot be used.
pub enum Wrong {
    /// The plugin's schema is invalid.
    Schema(Refusal),
    /// The settings are wrong: a report for each mistake.
    Settings(Vec<Problem>),
}

impl Wrong {
    /// What is wrong, for a verb without a configuration.
    pub fn problems(self) -> Option<Problems> {
        Problems::new(match self {
            Self::Schema(refusal) => vec![refusal.problem],
            Self::Settings(problems) => problems,
        })
    }
}

/// Checks the settings of `filter`. Without a schema, any are right.
///
/// # Errors
/// When the settings do not fit the schema, or the schema is not valid.
pub async fn check(
    filter: &FilterSettings,
    description: Option<&Arc<Description>>,
) -> Result<(), Wrong> {
    let Some(description) = description.filter(|description| description.schema.is_some()) else {
        return Ok(());
    };
    let (filter, description) = (filter.clone(), Arc::clone(description));
    let checking = tokio::task::spawn_blocking(move || {
        let schema = description.schema.as_ref();
        schema.map_or(Ok(()), |schema| check_now(&filter, schema))
    });
    match tokio::time::timeout(TIME, checking).await {
        Ok(Ok(checked)) => checked,
        Ok(Err(_)) => Err(invalid("checking settings against it failed")),
        Err(_) => Err(invalid("checking settings against it takes too long")),
    }
}

fn check_now(filter: &FilterSettings, schema: &Value) -> Result<(), Wrong> {
    let validator = validator(schema).map_err(|wrong| invalid(&wrong))?;
    let mut problems = Vec::new();
    for error in validator.iter_errors(&filter.settings).take(REPORTS) {
        fault::report(&error, filter, schema, &mut problems);
    }
    problems.truncate(REPORTS);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Wrong::Settings(problems))
    }
}

/// Compiles a schema: nothing is fetched, and patterns match in linear time.
///
/// # Errors
/// What is wrong with the schema.
fn validator(schema: &Value) -> Result<Validator, String> {
    let patterns = PatternOptions::regex()
        .size_limit(REGEX)
        .dfa_size_limit(REGEX);
    let built = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .offline()
        .should_validate_formats(false)
        .with_pattern_options(patterns)
        .build(schema);
    built.map_err(|error| {
        let at = error.instance_path().as_str();
        let at = if at.is_empty() {
            String::new()
        } else {
            format!("at `{}`: ", printable(at))
        };
        let text: String = error.to_string().chars().take(200).collect();
        format!("{at}{}", printable(text))
    })
}

fn invalid(wrong: &str) -> Wrong {
    Wrong::Schema(Refusal::new(
        RefusalKind::Plugin,
        format!("the schema of its settings is not valid: {wrong}"),
        "this is a fault of the plugin: report it to its author",
    ))
}
