//! One fault of a filter's settings, as a report.
//!
//! In: an error of the validator, and the places of the settings. Out: reports in plain words, each at the
//! key or value that is wrong.

use jsonschema::error::{ValidationError, ValidationErrorKind as Kind};
use serde_json::Value;

use super::words::{fault, path, shown};
use linemill_config::settings::FilterSettings;
use linemill_config::{Place, Problem, hint_of_names, json_pointer, quote};

/// Reports what is wrong. An error of alternatives is reported as that of the one which was most likely
/// meant.
pub(super) fn report(
    error: &ValidationError<'_>,
    filter: &FilterSettings,
    schema: &Value,
    problems: &mut Vec<Problem>,
) {
    let at = At {
        filter,
        schema,
        pointer: error.instance_path().as_str(),
        keyword: error.schema_path().as_str(),
    };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            problems.extend(unexpected.iter().map(|key| at.unknown(key)));
        }
        Kind::FalseSchema if at.keyword.ends_with("/additionalProperties") => {
            let known = at.schema_around().get("properties");
            let is_known = |key: &str| known.is_some_and(|known| known.get(key).is_some());
            let table = filter.settings.pointer(at.pointer);
            let keys = table.and_then(Value::as_object).into_iter().flatten();
            let unknown = keys.filter(|(key, _)| !is_known(key));
            problems.extend(unknown.map(|(key, _)| at.unknown(key)));
        }
        Kind::FalseSchema => problems.push(at.refused("is not allowed here")),
        Kind::Required { property } => {
            problems.push(at.missing(property.as_str().unwrap_or_default()));
        }
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            let (what, hint) = fault(error);
            problems.push(at.key(name, &format!("the name of a key {what}"), &hint));
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            match meant(context, at.pointer) {
                Some(errors) => {
                    for error in errors {
                        report(error, filter, schema, problems);
                    }
                }
                None => problems.push(at.refused("has none of the forms that the filter knows")),
            }
        }
        _ => {
            let (what, hint) = fault(error);
            problems.push(at.value(error.instance(), &what, &hint));
        }
    }
}

/// The errors of the alternative that was most likely meant: the only one that finds something wrong inside
/// the value, or whose type is that of the value.
fn meant<'a>(
    context: &'a [Vec<ValidationError<'static>>],
    pointer: &str,
) -> Option<&'a [ValidationError<'static>]> {
    let of_this_type = |errors: &&Vec<ValidationError<'_>>| {
        let whole = |error: &ValidationError<'_>| error.instance_path().as_str() == pointer;
        !errors.is_empty()
            && !errors.iter().any(|error| {
                let kinds = matches!(error.kind(), Kind::Type { .. } | Kind::Constant { .. });
                kinds && whole(error)
            })
    };
    let mut fitting = context.iter().filter(of_this_type);
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first.as_slice())
}

/// Where an error is, in the settings and in the schema.
struct At<'a> {
    filter: &'a FilterSettings,
    schema: &'a Value,
    /// Leads to the value that is wrong.
    pointer: &'a str,
    /// Leads to the keyword of the schema that says so.
    keyword: &'a str,
}

impl At<'_> {
    fn unknown(&self, key: &str) -> Problem {
        let known = self.schema_around().get("properties");
        let known = known.and_then(Value::as_object);
        let known: Vec<&str> = known.into_iter().flatten().map(|(key, _)| &**key).collect();
        let hint = if known.is_empty() && self.pointer.is_empty() {
            "this filter takes no settings".to_owned()
        } else {
            hint_of_names(key, "known keys", &known)
        };
        let what = format!("unknown key {} of {}", quote(key), self.owner());
        self.place_of_key(key).problem(what, hint)
    }

    fn missing(&self, key: &str) -> Problem {
        let property = self.schema_around().get("properties");
        let property = property.and_then(|properties| properties.get(key));
        let what = format!(
            "key `{}` of filter `{}` is missing",
            path(&self.inside(key)),
            self.filter.name
        );
        let hint = description(property).unwrap_or_else(|| "add it".to_owned());
        self.place().problem(what, hint)
    }

    fn key(&self, key: &str, what: &str, hint: &str) -> Problem {
        let what = format!("{}: {} {what}", self.owner(), quote(key));
        self.place_of_key(key).problem(what, hint)
    }

    fn value(&self, value: &Value, what: &str, hint: &str) -> Problem {
        let what = format!(
            "key `{}` of filter `{}`: {} {what}",
            path(self.pointer),
            self.filter.name,
            self.shown(value)
        );
        let problem = self.place().problem(what, hint);
        // A list of choices says enough.
        match description(Some(self.schema_around())) {
            Some(about) if !self.keyword.ends_with("/enum") => problem.and_hint(&about),
            _ => problem,
        }
    }

    /// A value inside a sentence. A text is shown as it is written: what it stands for may be secret.
    fn shown(&self, value: &Value) -> String {
        let written = self.place().text().filter(|_| value.is_string());
        match written.map(|written| written.trim_matches(['"', '\''])) {
            None | Some("") => shown(value),
            Some(written) => quote(written),
        }
    }

    fn refused(&self, what: &str) -> Problem {
        let value = self.filter.settings.pointer(self.pointer);
        self.value(value.unwrap_or(&Value::Null), what, "")
    }

    /// The schema whose keyword found the error.
    fn schema_around(&self) -> &Value {
        let around = self
            .keyword
            .rsplit_once('/')
            .map_or("", |(around, _)| around);
        self.schema.pointer(around).unwrap_or(&Value::Null)
    }

    /// "`settings.a` of filter `b`".
    fn owner(&self) -> String {
        format!("`{}` of filter `{}`", path(self.pointer), self.filter.name)
    }

    /// The pointer to a key of the value.
    fn inside(&self, key: &str) -> String {
        json_pointer::entry(self.pointer, key)
    }

    fn place(&self) -> &Place {
        let place = self.filter.inner_places.value(self.pointer);
        place.unwrap_or(&self.filter.place)
    }

    fn place_of_key(&self, key: &str) -> &Place {
        let place = self.filter.inner_places.key(&self.inside(key));
        place.unwrap_or(&self.filter.place)
    }
}

/// What the schema says about a value, as a hint.
fn description(schema: Option<&Value>) -> Option<String> {
    let text = schema?.get("description")?.as_str()?;
    let text: String = text.chars().take(300).collect();
    Some(format!("described as: {}", text.trim_end_matches('.')))
}
