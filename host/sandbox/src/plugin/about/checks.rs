//! Checks a description against the bounds of `wit/about.wit`.
//!
//! In: a description as a guest returned it. Out: [`Description`], or what is wrong with it. Pure.
//! Not here: the schema of the settings (`schema`).

use serde_json::Value;

use super::{Description, Example, Need, schema};
use crate::instance::wit;
use linemill_config::{is_name, is_unprintable};

/// The most bytes of all texts together.
const TEXTS: usize = 64 << 10;
/// The most needs, and the most examples.
const ITEMS: usize = 16;

/// Checks a description.
///
/// # Errors
/// What is wrong with it, as a sentence about the plugin.
pub(super) fn checked(answer: wit::Description) -> Result<Description, String> {
    let wit::Description {
        name,
        version,
        summary,
        license,
        settings_schema,
        on_error,
        needs,
        examples,
    } = answer;
    let pairs = needs.iter().map(|need| (&need.grant, &need.why));
    let pairs: Vec<_> = pairs
        .chain(examples.iter().map(|of| (&of.summary, &of.settings)))
        .collect();
    let inner: usize = pairs
        .iter()
        .map(|(one, other)| one.len() + other.len())
        .sum();
    let outer = [&name, &version, &summary, &license, &settings_schema];
    let size = outer.iter().map(|text| text.len()).sum::<usize>() + inner;
    if size > TEXTS {
        return Err(format!("its texts have {size} bytes, more than {TEXTS}"));
    }
    if !is_name(&name) {
        return Err("its name is not 1 to 64 letters, digits, `-` and `_`".to_owned());
    }
    for (what, text) in [
        ("version", &version),
        ("summary", &summary),
        ("licence", &license),
    ] {
        plain(what, text)?;
    }
    for (what, count) in [("needs", needs.len()), ("examples", examples.len())] {
        if count > ITEMS {
            return Err(format!("it has {count} {what}, more than {ITEMS}"));
        }
    }
    for need in &needs {
        plain("list of needs", &need.grant)?;
        plain("list of needs", &need.why)?;
    }
    let schema = match settings_schema.as_str() {
        "" => None,
        text => Some(schema::checked(text)?),
    };
    let examples: Result<Vec<_>, String> = examples.into_iter().map(example).collect();
    Ok(Description {
        name,
        version,
        summary,
        license,
        schema,
        on_error: on_error.map(Into::into),
        needs: needs
            .into_iter()
            .map(|wit::Need { grant, why }| Need { grant, why })
            .collect(),
        examples: examples?,
    })
}

fn example(wit::Example { summary, settings }: wit::Example) -> Result<Example, String> {
    plain("list of examples", &summary)?;
    let parsed: Result<Value, _> = serde_json::from_str(&settings);
    match parsed {
        Ok(settings) if schema::depth(&settings) > schema::DEPTH => Err(format!(
            "the settings of an example are more than {} levels deep",
            schema::DEPTH
        )),
        Ok(Value::Object(settings)) => Ok(Example { summary, settings }),
        Ok(_) => Err("the settings of an example are not a JSON object".to_owned()),
        Err(error) => Err(format!("the settings of an example are not JSON: {error}")),
    }
}

/// Refuses characters that could drive a terminal or forge a line.
fn plain(what: &str, text: &str) -> Result<(), String> {
    if text.chars().any(is_unprintable) {
        return Err(format!("its {what} has a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
