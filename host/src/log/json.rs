//! A message of the log as an object of JSON on one line, for programs.
//!
//! Its keys, in this order: `timestamp`, `level`, `message`; `listener`, `peer` and `generation` where they are
//! known, be it of the message itself or of the connection that it is about; `fields` with all others.

use humantime::format_rfc3339_micros;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::record::{Fields, Record, Value};
use linemill_config::printable_json;

/// What says whom a message is about.
const WHOM: [&str; 3] = ["listener", "peer", "generation"];

/// The object, with a line feed.
pub(super) fn line(record: &Record<'_>) -> String {
    // Nothing in it can fail to be written.
    let json = serde_json::to_string(record).unwrap_or_default();
    format!("{}\n", printable_json(&json))
}

/// The fields that are not in [`WHOM`].
struct Others<'a>(&'a Fields);

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(None)?;
        let time = format_rfc3339_micros(self.time).to_string();
        object.serialize_entry("timestamp", &time)?;
        object.serialize_entry("level", self.level.as_str())?;
        let message = self.fields.message.as_deref().unwrap_or_default();
        object.serialize_entry("message", message)?;
        for name in WHOM {
            let inside_out = self.spans.iter().rev().map(|span| &span.fields);
            let mut all = std::iter::once(self.fields).chain(inside_out);
            if let Some(value) = all.find_map(|fields| fields.get(name)) {
                object.serialize_entry(name, value)?;
            }
        }
        object.serialize_entry("fields", &Others(self.fields))?;
        object.end()
    }
}

impl Serialize for Others<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let named = self.0.named.iter();
        let others = named.filter(|(name, _)| !WHOM.contains(name));
        to.collect_map(others.map(|(name, value)| (name, value)))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Signed(value) => to.serialize_i64(*value),
            Self::Unsigned(value) => to.serialize_u64(*value),
            Self::Float(value) => to.serialize_f64(*value),
            Self::Quoted(value) | Self::Plain(value) => to.serialize_str(value),
        }
    }
}
