//! A message of the log before it is formatted.
//!
//! In: the fields of tracing's events and spans. Out: their values, by type. Not here: how they are written
//! (`text`, `json`).

use std::fmt;
use std::time::SystemTime;

use tracing::Level;
use tracing::field::{Field, Visit};

/// The name that tracing gives to the message of an event.
const MESSAGE: &str = "message";

/// A message, with all that is known of it.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) time: SystemTime,
    pub(super) level: Level,
    /// The spans that it is in, from outside in.
    pub(super) spans: &'a [Span],
    /// What it says, and its own fields.
    pub(super) fields: &'a Fields,
}

/// A span that is open.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) fields: Fields,
}

/// Named values, and perhaps a message.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) message: Option<String>,
    /// In the order in which they were recorded first; each name once.
    pub(super) named: Vec<(&'static str, Value)>,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    /// A string, which text shows in quotes.
    Quoted(String),
    /// As its type displays or debugs.
    Plain(String),
}

impl Fields {
    /// Fields with this message alone.
    pub(super) fn of(message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            named: Vec::new(),
        }
    }

    /// The same fields and one more.
    pub(super) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.set(name, value);
        self
    }

    /// The value of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let mut named = self.named.iter();
        let (_, value) = named.find(|(known, _)| *known == name)?;
        Some(value)
    }

    fn set(&mut self, name: &'static str, value: Value) {
        // What the crate `log` says of itself.
        if name.starts_with("log.") {
            return;
        }
        let known = self.named.iter_mut().find(|(known, _)| *known == name);
        match known {
            Some((_, old)) => *old = value,
            None => self.named.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), Value::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), Value::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MESSAGE {
            self.message = Some(value.to_owned());
        } else {
            self.set(field.name(), Value::Quoted(value.to_owned()));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        if field.name() == MESSAGE {
            self.message = Some(value);
        } else {
            self.set(field.name(), Value::Plain(value));
        }
    }
}
