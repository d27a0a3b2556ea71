//! Adds the time, the client and constants to lines: as fields of JSON objects, or as text before the line.
//!
//! What is added is the same for all lines of a call, so it is made once for all of them.

mod about;
mod facts;
mod members;
mod template;

use std::collections::BTreeMap;

use jsonline::{Path, Step, write_string};
use linemill_sdk::{Error, Filter, LineText, Output, export};
use members::{Existing, Found, Member, Place};
use serde::Deserialize;
use serde_json::Value;
use template::Template;

/// Adds fields and a prefix.
pub struct Fields {
    members: Vec<Member>,
    contents: Vec<Content>,
    rules: (Place, Existing),
    prefix: Option<Template>,
    found: Found,
    /// What the settings come to in the current call; `None` until its first line.
    call: Option<Call>,
}

/// The value of a field.
enum Content {
    /// JSON text.
    Constant(String),
    Template(Template),
}

/// What is added to the lines of a call.
struct Call {
    /// The value of each field as JSON text; `None` if the stream has none.
    values: Vec<Option<String>>,
    prefix: String,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    add: BTreeMap<String, Value>,
    at: Place,
    existing: Existing,
    prefix: Option<LineText>,
}

impl Filter for Fields {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        if settings.add.is_empty() && settings.prefix.is_none() {
            return Err(Error::new(
                "`add` or `prefix`: one of them is needed, such as add = { time = \"{time}\" }",
            ));
        }
        let mut members: Vec<Member> = Vec::new();
        let mut contents = Vec::new();
        for (path, value) in settings.add {
            let key = format!("add.{path}");
            let name = name(&path).map_err(|problem| Error::setting(&key, problem))?;
            if members.iter().any(|other| other.name == name.as_bytes()) {
                return Err(Error::setting(key, "another key is the same field"));
            }
            let mut text = Vec::new();
            write_string(&name, &mut text);
            text.push(b':');
            members.push(Member {
                name: name.into_bytes(),
                key: text,
            });
            contents.push(match value {
                Value::String(text) => Content::Template(template(&key, &text)?),
                other => Content::Constant(other.to_string()),
            });
        }
        let prefix = settings.prefix.map(|text| template("prefix", &text));
        Ok(Self {
            members,
            contents,
            rules: (settings.at, settings.existing),
            prefix: prefix.transpose()?,
            found: Found::default(),
            call: None,
        })
    }

    fn begin(&mut self) {
        self.call = None;
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        let call = self.call.get_or_insert_with(|| Call {
            values: self.contents.iter().map(Content::value).collect(),
            prefix: self
                .prefix
                .as_ref()
                .and_then(|prefix| prefix.fill(Some("-")))
                .unwrap_or_default(),
        });
        if !self.members.is_empty()
            && let Err(problem) = self.found.read(line, &self.members)
        {
            return out.fail(format!("not a JSON object: {problem}"));
        }
        if !call.prefix.is_empty() {
            out.push(&call.prefix);
        }
        if self.members.is_empty() {
            out.emit(line);
        } else {
            self.found
                .write(line, &self.members, &call.values, self.rules, out);
        }
    }
}

impl Content {
    /// The value as JSON; `None` if the stream has none.
    fn value(&self) -> Option<String> {
        let template = match self {
            Self::Constant(json) => return Some(json.clone()),
            Self::Template(template) => template,
        };
        let text = template.fill(None)?;
        if template.single().is_some_and(facts::Fact::is_number) {
            return Some(text);
        }
        let mut json = Vec::new();
        write_string(&text, &mut json);
        String::from_utf8(json).ok()
    }
}

/// The name of the field at `path`, which must be a field of the object itself.
fn name(path: &str) -> Result<String, String> {
    match Path::parse(path)?.steps() {
        [Step::Name(name) | Step::NameOrIndex(name, _)] => Ok(name.clone()),
        _ => Err(format!(
            "`{path}` is inside another field, and fields are only added to the object itself; a name with dots \
             is written as `/a.b`"
        )),
    }
}

fn template(key: &str, text: &str) -> Result<Template, Error> {
    Template::parse(text).map_err(|problem| Error::setting(key, format!("`{text}` {problem}")))
}

export!(Fields: About);

#[cfg(test)]
mod tests;
