//! Picks, removes and renames fields of lines that are JSON objects.
//!
//! Values stay byte for byte as they are, and fields keep their order. A line without changes
//! passes unchanged. A line that is not exactly one JSON object fails.

mod about;
mod fields;

use std::collections::BTreeMap;
use std::fmt;

use fields::{Action, Fields};
use linemill_sdk::{Error, Filter, Output, export};
use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Rewrites objects field by field.
pub struct Json {
    fields: Fields,
    /// The new object. It is built separately because only at its end is it known whether anything
    /// changed.
    object: Vec<u8>,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pick: Option<Vec<String>>,
    remove: Vec<String>,
    rename: BTreeMap<String, String>,
}

impl Filter for Json {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        let fields = Fields::new(settings.pick, settings.remove, settings.rename)?;
        Ok(Self {
            fields,
            object: Vec::new(),
        })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        self.fields.begin();
        self.object.clear();
        let mut input = serde_json::Deserializer::from_slice(line);
        let rewrite = Rewrite {
            fields: &mut self.fields,
            object: &mut self.object,
        };
        match rewrite
            .deserialize(&mut input)
            .and_then(|changed| input.end().map(|()| changed))
        {
            Err(error) => out.fail(reason(&error)),
            Ok(_) if let Some(name) = self.fields.conflict() => {
                out.fail(format!("rename: the object already has a field {name}"));
            }
            Ok(true) => out.emit(&self.object),
            Ok(false) => out.emit(line),
        }
    }
}

export!(Json: About);

/// Parses an object and writes the new one to `object`. Returns whether anything changed.
struct Rewrite<'a> {
    fields: &'a mut Fields,
    object: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Rewrite<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Rewrite<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut changed = false;
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let new_name = match self.fields.action(name.get()) {
                Action::Keep => name.get(),
                Action::Remove => {
                    changed = true;
                    continue;
                }
                Action::Rename(new) => {
                    changed = true;
                    new
                }
            };
            self.object
                .push(if self.object.is_empty() { b'{' } else { b',' });
            self.object.extend_from_slice(new_name.as_bytes());
            self.object.push(b':');
            self.object.extend_from_slice(value.get().as_bytes());
        }
        if self.object.is_empty() {
            self.object.push(b'{');
        }
        self.object.push(b'}');
        Ok(changed)
    }
}

/// The reason for a failure. serde's message names line 1, which is always the line at hand, so
/// only the column is kept.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let problem = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(problem, _)| problem);
    format!("not a JSON object: {problem} at column {}", error.column())
}

#[cfg(test)]
mod tests;
