//! The schema of a plugin's settings: bounded, so that checking settings against it is.
//!
//! In: the text of a JSON Schema. Out: its value, or why it is outside the bounds of `wit/about.wit`. Pure.
//! Not here: whether it is a valid schema in other respects, and checking settings against it. The host
//! does both.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use linemill_config::SCHEMA_MAPS;

/// The deepest nesting of a schema.
pub(super) const DEPTH: usize = 32;
/// The most parts of a schema whose references are replaced with what they refer to.
const PARTS: u64 = 10_000;
/// The most regular expressions. Each may take a millisecond to compile.
const PATTERNS: usize = 100;

/// The dialect of settings' schemas.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Keywords whose value is a schema, so far as a description may use them.
const NESTED: &[&str] = &[
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
];
/// Keywords whose value is a list of schemas.
const NESTED_LISTS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];

/// Keywords that would let a schema mean something outside itself, or take more than linear time.
const REFUSED: &[&str] = &[
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$vocabulary",
    "definitions",
    "dependencies",
    "id",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Parses a schema and checks that it is within the bounds.
///
/// # Errors
/// What is wrong with it.
pub(super) fn checked(text: &str) -> Result<Value, String> {
    // The parser itself refuses more than 128 levels.
    let schema: Value = serde_json::from_str(text)
        .map_err(|error| format!("the schema of its settings is not JSON: {error}"))?;
    if depth(&schema) > DEPTH {
        return Err(format!(
            "the schema of its settings is more than {DEPTH} levels deep"
        ));
    }
    if !schema.is_object() {
        return Err("the schema of its settings is not a JSON object".to_owned());
    }
    let mut walk = Walk {
        root: &schema,
        sizes: BTreeMap::new(),
        patterns: 0,
    };
    let size = walk.size(&schema)?;
    if size > PARTS {
        return Err(format!(
            "the schema of its settings has more than {PARTS} parts"
        ));
    }
    if walk.patterns > PATTERNS {
        return Err(format!(
            "the schema of its settings has more than {PATTERNS} patterns"
        ));
    }
    Ok(schema)
}

/// How deeply a value is nested; 0 without lists and objects.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// One way through all parts of a schema.
struct Walk<'a> {
    root: &'a Value,
    /// The sizes of the parts that references lead to; `None` while such a part is being measured.
    sizes: BTreeMap<&'a str, Option<u64>>,
    patterns: usize,
}

impl<'a> Walk<'a> {
    /// The number of parts of a schema, with those that its references lead to.
    fn size(&mut self, schema: &'a Value) -> Result<u64, String> {
        let Value::Object(keywords) = schema else {
            return Ok(1);
        };
        let mut size = 1;
        for (keyword, value) in keywords {
            let keyword = keyword.as_str();
            if REFUSED.contains(&keyword) {
                return Err(format!(
                    "the schema of its settings uses `{keyword}`, which is not supported"
                ));
            }
            self.patterns += usize::from(keyword == "pattern");
            let inner = match value {
                Value::String(target) if keyword == "$ref" => self.referred(target)?,
                Value::String(draft)
                    if keyword == "$schema" && draft.trim_end_matches('#') != DRAFT =>
                {
                    return Err(format!("the schema of its settings is not of {DRAFT}"));
                }
                Value::Array(all) if NESTED_LISTS.contains(&keyword) => self.sum(all.iter())?,
                Value::Object(all) if SCHEMA_MAPS.contains(&keyword) => {
                    self.patterns += patterns(keyword, all);
                    self.sum(all.values())?
                }
                value if NESTED.contains(&keyword) => self.size(value)?,
                Value::Array(all) => all.len() as u64,
                _ => 0,
            };
            size = inner.saturating_add(size);
        }
        Ok(size)
    }

    fn sum(&mut self, schemas: impl Iterator<Item = &'a Value>) -> Result<u64, String> {
        schemas.into_iter().try_fold(0_u64, |sum, schema| {
            Ok(sum.saturating_add(self.size(schema)?))
        })
    }

    /// The size of the part that `$ref` leads to.
    fn referred(&mut self, target: &'a str) -> Result<u64, String> {
        let pointer = target.strip_prefix('#').unwrap_or("?");
        let found = self.root.pointer(pointer);
        let (Some(part), false) = (found, pointer.contains('%')) else {
            let target = linemill_config::printable(target);
            return Err(format!(
                "the schema of its settings refers to `{target}`, which is not a part of it such as `#/$defs/name`"
            ));
        };
        match self.sizes.get(target) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(
                    "the schema of its settings has a `$ref` that leads back to itself".to_owned(),
                );
            }
            None => {}
        }
        self.sizes.insert(target, None);
        let size = self.size(part)?;
        self.sizes.insert(target, Some(size));
        Ok(size)
    }
}

/// How many regular expressions are among the keys of an object.
fn patterns(keyword: &str, entries: &Map<String, Value>) -> usize {
    if keyword == "patternProperties" {
        entries.len()
    } else {
        0
    }
}
