//! The kind of `chain` and `reply_chain`: a list of stages.

use regex_syntax::ParserBuilder;

use super::Kind;
use crate::checker::Checker;
use crate::item::Item;
use crate::plugin_ref::is_path;
use crate::problem::Problem;
use crate::settings::{StageSettings, When};
use crate::shape::Shape;
use crate::validate::{Filters, no_filter};

/// A list of stages, whose filters are known.
pub(crate) struct Stages;

impl Kind<Vec<StageSettings>> for Stages {
    fn name(&self) -> String {
        "list of [stages](#a-stage)".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Text.or(Shape::Table(StageSettings::keys)).list()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Vec<StageSettings>> {
        let items = checker.problems.keep(item.list())?;
        let name = |index| format!("stage {} of {}", index + 1, item.name());
        let stages = items.iter().enumerate();
        let stages = stages.filter_map(|(index, item)| stage(item, name(index), checker));
        Some(stages.collect())
    }

    fn show(&self, chain: &Vec<StageSettings>) -> Option<String> {
        let stages: Vec<_> = chain.iter().map(StageSettings::toml).collect();
        Some(format!("[{}]", stages.join(", ")))
    }

    fn toml(&self, chain: &Vec<StageSettings>) -> Option<String> {
        self.show(chain)
    }
}

/// A stage: the name of its filter, or a table.
fn stage(item: &Item<'_>, name: String, checker: &mut Checker<'_>) -> Option<StageSettings> {
    if !item.value().is_table() {
        let filter = filter_name(item, &checker.filters, checker.bundled);
        return checker.problems.keep(filter.map(StageSettings::always));
    }
    let right = "write { filter = \"NAME\", when = 'PATTERN' }";
    let table = checker.problems.keep(item.table(name, right))?;
    table.refuse_unknown(StageSettings::KEYS, checker);
    let when = match table.item("when") {
        Some(item) => checker.problems.keep(when(&item)),
        None => None,
    };
    let filter = match table.item("filter") {
        Some(item) => filter_name(&item, &checker.filters, checker.bundled),
        None => Err(table.lacks("filter", right)),
    };
    Some(StageSettings {
        filter: checker.problems.keep(filter)?,
        when,
    })
}

/// The name of a filter in a chain: one that has a table, or a bundled one.
fn filter_name(item: &Item<'_>, filters: &Filters, bundled: &[&str]) -> Result<String, Problem> {
    let name = item.text()?;
    if filters.contains_key(name) || bundled.contains(&name) {
        return Ok(name.to_owned());
    }
    let mut hint = no_filter(name, filters.keys().map(String::as_str), bundled);
    if is_path(name) {
        hint += &format!("; to use this file, write plugin = \"{name}\" in a table [filter.NAME]");
    }
    Err(item.refuse("is not a filter", hint))
}

/// A condition: a regular expression. An error is shown at its place within the expression.
fn when(item: &Item<'_>) -> Result<When, Problem> {
    let hint = "in 'single quotes' a \\ stands for itself; https://docs.rs/regex/#syntax says what there is";
    let pattern = item.text()?;
    // The messages of `regex` itself have several lines, with marks of their own.
    let parsed = ParserBuilder::new().utf8(false).build().parse(pattern);
    let wrong = match &parsed {
        Ok(_) => None,
        Err(regex_syntax::Error::Parse(error)) => Some((error.kind().to_string(), error.span())),
        Err(regex_syntax::Error::Translate(error)) => {
            Some((error.kind().to_string(), error.span()))
        }
        Err(error) => {
            let text = error.to_string();
            return Err(item.refuse(format!("is not a regular expression: {text}"), hint));
        }
    };
    if let Some((text, span)) = wrong {
        let fault = format!("is not a regular expression: {text}");
        return Err(item.refuse_part(span.start.offset..span.end.offset, fault, hint));
    }
    When::new(pattern).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => item.refuse(
            "is too large a regular expression",
            "repeat less of it, or write it with less of Unicode: (?-u)",
        ),
        error => item.refuse(format!("is not a regular expression: {error}"), hint),
    })
}
