//! Picks, removes, renames and sets fields of lines that are JSON objects.
//!
//! What is not touched stays byte for byte as it is, and fields keep their order. A line without changes
//! passes unchanged. A line that is not exactly one JSON object fails.

mod about;
mod edits;
mod parts;
mod rewrite;
mod rules;

use std::collections::BTreeMap;

use jsonline::{Condition, Conditions, Problem, Scan};
use linemill_sdk::{Error, Filter, Output, export};
use rewrite::{Failure, Rewriter};
use rules::Rules;
use serde::Deserialize;
use serde_json::Value;

/// Changes objects in place.
pub struct Json {
    rules: Rules,
    conditions: Conditions,
    otherwise: Otherwise,
    rewriter: Rewriter,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pick: Option<Vec<String>>,
    remove: Vec<String>,
    rename: BTreeMap<String, String>,
    set: BTreeMap<String, Value>,
    set_json: BTreeMap<String, String>,
    #[serde(rename = "where")]
    conditions: Vec<Condition>,
    otherwise: Otherwise,
}

/// What happens to a line that does not meet the conditions.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Otherwise {
    #[default]
    Drop,
    Pass,
}

impl Filter for Json {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        let mut conditions = Conditions::default();
        for (index, condition) in settings.conditions.into_iter().enumerate() {
            conditions.add(&format!("where[{index}]"), condition)?;
        }
        if settings.otherwise == Otherwise::Pass && conditions.is_empty() {
            return Err(Error::setting("otherwise", "has no effect without `where`"));
        }
        let mut set = Vec::new();
        for (path, value) in settings.set {
            set.push((format!("set.{path}"), path, value.to_string()));
        }
        for (path, text) in settings.set_json {
            let key = format!("set_json.{path}");
            let value = one_value(&text).map_err(|problem| Error::setting(&key, problem))?;
            set.push((key, path, value.to_owned()));
        }
        Ok(Self {
            rules: Rules::new(settings.pick, settings.remove, settings.rename, set)?,
            conditions,
            otherwise: settings.otherwise,
            rewriter: Rewriter::default(),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        if !self.conditions.is_empty() {
            match self.meets_conditions(line) {
                Err(problem) => return out.fail(format!("not a JSON object: {problem}")),
                Ok(true) => {}
                Ok(false) if self.otherwise == Otherwise::Pass => return out.emit(line),
                Ok(false) => return,
            }
        }
        match self.rewriter.read(line, &self.rules) {
            Ok(()) if self.rewriter.edits.is_empty() => out.emit(line),
            Ok(()) => self.rewriter.edits.write(line, &self.rules.texts, out),
            Err(Failure::Json(problem)) => out.fail(format!("not a JSON object: {problem}")),
            Err(Failure::Rule(reason)) => out.fail(reason),
        }
    }
}

impl Json {
    /// Whether `line`, a JSON object, meets all conditions.
    fn meets_conditions(&mut self, line: &[u8]) -> Result<bool, Problem> {
        Scan::new(line)?.expect_object()?;
        self.conditions.read(line)?;
        Ok(self.conditions.all_hold(line))
    }
}

/// The JSON value in a text of the settings.
fn one_value(text: &str) -> Result<&str, String> {
    let read = |mut scan: Scan<'_>| {
        let value = scan.value()?;
        scan.end().map(|()| value)
    };
    let value = Scan::new(text.as_bytes()).and_then(read);
    let value = &text[value.map_err(|problem| format!("`{text}` is not JSON: {problem}"))?];
    if value.contains(char::is_control) {
        return Err(
            "must be on one line, without tabs; write control characters as escapes".into(),
        );
    }
    Ok(value)
}

export!(Json: About);

#[cfg(test)]
mod tests;
