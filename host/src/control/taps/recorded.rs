//! Tests of a filter, made of lines that a tap has shown.
//!
//! In: lines at one stage. Out: a key `test`, as a filter's table takes it. Lines for which a test says
//! nothing, or which a configuration cannot contain, are left out and counted. Pure.
//! Not here: the file (`linemill tap --save`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::event::{Content, Line, Stage};
use linemill_config::{is_unprintable, shown};
use linemill_sandbox::chain::observation::LineVerdict;

/// Most tests that are recorded.
const MOST: usize = 1000;

/// Tests of one filter.
#[derive(Debug)]
pub struct Recorded {
    /// The stage, for people.
    stage: String,
    filter: String,
    /// By input, the output.
    tests: BTreeMap<String, Vec<String>>,
    left_out: u64,
}

impl Recorded {
    /// No tests yet, of the filter at `stage`.
    pub fn new(stage: &Stage) -> Self {
        let filter = stage.stage.clone().unwrap_or_default();
        Self {
            stage: format!("{}/{filter}", stage.listener),
            filter,
            tests: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// Adds what the filter did with a line.
    pub fn add(&mut self, line: &Line<'_>) {
        match test(line) {
            Some((input, output)) if self.tests.len() < MOST || self.tests.contains_key(&input) => {
                self.tests.insert(input, output);
            }
            _ => self.left_out += 1,
        }
    }

    /// The name of the filter.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// How many tests there are, and how many lines have been left out.
    pub fn counts(&self) -> (usize, u64) {
        (self.tests.len(), self.left_out)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let mut text = format!(
            "# What `linemill tap {}` saw. Belongs below [filter.{}].\ntest = [\n",
            shown(&self.stage),
            shown(&self.filter)
        );
        for (input, output) in &self.tests {
            let output: Vec<_> = output.iter().map(|line| quoted(line)).collect();
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "    {{ in = [{}], out = [{}] }},",
                quoted(input),
                output.join(", ")
            );
        }
        text + "]\n"
    }
}

/// Input and output of the test that a line is; `None` if it is not one.
fn test(line: &Line<'_>) -> Option<(String, Vec<String>)> {
    // The canary and the shadow are other versions, and lines past the filter say nothing of it.
    let is_test = match line.verdict()? {
        LineVerdict::Passed
        | LineVerdict::Replaced
        | LineVerdict::Dropped
        | LineVerdict::Split
        | LineVerdict::Routed
        | LineVerdict::Closed => true,
        // Other failures may depend on time, or on memory.
        LineVerdict::Failed => {
            let kind = line.failure.as_ref().map(|failure| &*failure.kind);
            kind == Some("verdict")
        }
        LineVerdict::Bypassed | LineVerdict::Held | LineVerdict::Cut => false,
    };
    if !is_test || line.version != "live" {
        return None;
    }
    let output = line.after.iter().map(written).collect::<Option<_>>()?;
    Some((written(line.before.as_ref()?)?, output))
}

/// A content as a configuration can contain it.
fn written(content: &Content<'_>) -> Option<String> {
    let text = content.text.as_ref()?;
    // Tests have their lines in the framing `lf`.
    let whole = content.cut_from.is_none() && !text.contains('\n');
    whole.then(|| text.to_string())
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\t' => quoted.push_str("\\t"),
            // Writing to a string does not fail.
            c if is_unprintable(c) => drop(write!(quoted, "\\U{:08x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_those_of_toml() {
        let text = "a\"\\\t\u{1b}\u{7f}\u{e0001}é";
        let expected = "\"a\\\"\\\\\\t\\U0000001b\\U0000007f\\U000e0001é\"";
        assert_eq!(quoted(text), expected);
    }

    #[test]
    fn a_line_is_a_test_if_it_can_be_one() {
        let test = |json: &str| {
            let json = format!(
                r#"{{"time":"","listener":null,"peer":null,"direction":"forward","stage":"f","position":1,"generation":1,{json}}}"#
            );
            test(&serde_json::from_str(&json).expect("a line"))
        };
        let live = r#""version":"live""#;
        let changed = r#""before":{"text":"a"},"after":[{"text":"b"},{"text":"c"}]"#;
        let expected = Some(("a".to_owned(), vec!["b".to_owned(), "c".to_owned()]));
        assert_eq!(
            test(&format!(r#"{live},"verdict":"split",{changed}"#)),
            expected
        );
        for other in [
            format!(r#""version":"canary","verdict":"split",{changed}"#),
            format!(r#"{live},"verdict":"bypassed",{changed}"#),
            format!(
                r#"{live},"verdict":"failed",{changed},"failure":{{"kind":"deadline","reason":"","on_error":"drop"}}"#
            ),
            format!(r#"{live},"verdict":"replaced","before":{{"base64":"/w=="}},"after":[]"#),
            format!(r#"{live},"verdict":"replaced","before":{{"text":"a\nb"}},"after":[]"#),
            format!(
                r#"{live},"verdict":"replaced","before":{{"text":"a","cut_from":9}},"after":[]"#
            ),
        ] {
            assert_eq!(test(&other), None, "{other}");
        }
    }
}
