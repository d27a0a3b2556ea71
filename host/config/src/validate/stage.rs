//! The chains of a listener: `chain` and `reply_chain`.

use regex_syntax::ParserBuilder;

use super::{Filters, no_filter};
use crate::checker::Checker;
use crate::item::Item;
use crate::plugin_ref::is_path;
use crate::problem::Problem;
use crate::settings::{StageSettings, When};

impl Checker<'_> {
    /// The stages of the chain in `key` of `listener`.
    pub(super) fn stages(
        &mut self,
        item: &Item<'_>,
        key: &str,
        listener: &str,
        filters: &Filters,
    ) -> Vec<StageSettings> {
        let items = self.problems.keep(item.list()).unwrap_or_default();
        let name = |index| format!("stage {} of `{key}` of {listener}", index + 1);
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.stage(item, name(index), filters))
            .collect()
    }

    fn stage(&mut self, item: &Item<'_>, name: String, filters: &Filters) -> Option<StageSettings> {
        let bundled = self.bundled;
        if !item.value().is_table() {
            let filter = filter_name(item, filters, bundled);
            return self.problems.keep(filter.map(StageSettings::always));
        }
        let right = "write { filter = \"NAME\", when = 'PATTERN' }";
        let table = self.problems.keep(item.table(name, right))?;
        table.refuse_unknown(StageSettings::KEYS, self);
        let when = match table.item("when") {
            Some(item) => self.problems.keep(when(&item)),
            None => None,
        };
        let filter = match table.item("filter") {
            Some(item) => filter_name(&item, filters, bundled),
            None => Err(table.lacks("filter", right)),
        };
        let filter = self.problems.keep(filter)?;
        Some(StageSettings { filter, when })
    }
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
