//! Tests of values in lines, as settings write them: `{ field = "level", in = ["error", "fatal"] }`.
//!
//! In: tests, and a line. Out: which of them hold. Not here: what follows from that.

use linemill_sdk::Error;
use pattern::Patterns;
use serde::Deserialize;
use serde_json::Value;

use crate::bound::Bound;
use crate::constant::Constant;
use crate::decimal::Decimal;
use crate::finder::Found;
use crate::{Finder, Kind, Path, Problem, decode};

/// One test, as settings write it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The path of the value.
    pub field: String,
    /// The value is this text, number, `true` or `false`.
    #[serde(default)]
    pub equals: Option<Value>,
    /// The value is one of these.
    #[serde(default, rename = "in")]
    pub one_of: Option<Vec<Value>>,
    /// The value matches this expression.
    #[serde(default)]
    pub matches: Option<String>,
    /// The value is a number and not less than this.
    #[serde(default)]
    pub min: Option<Bound>,
    /// The value is a number and not greater than this.
    #[serde(default)]
    pub max: Option<Bound>,
    /// There is such a value, or there is none.
    #[serde(default)]
    pub exists: Option<bool>,
    /// Turns the result round.
    #[serde(default)]
    pub not: bool,
}

/// Tests of the values of a line.
#[derive(Default)]
pub struct Conditions {
    finder: Finder,
    /// The paths of the finder.
    paths: Vec<Path>,
    /// Tests, each with the number of its path and whether it is inverted.
    tests: Vec<(usize, Test, bool)>,
    /// The values in the line that was read last.
    found: Found,
}

enum Test {
    Exists,
    /// One of these, as JSON text without white space.
    OneOf(Vec<Constant>),
    Matches(Box<Patterns>),
    /// Not less than the first, and not greater than the second.
    Between(Option<Decimal>, Option<Decimal>),
}

// === impl Conditions ===

impl Conditions {
    /// Adds a test. `key` is where it is in the settings, such as `where[0]`. The first has the number 0.
    ///
    /// # Errors
    /// It is not valid.
    pub fn add(&mut self, key: &str, condition: Condition) -> Result<(), Error> {
        let field = |problem: String| Error::setting(format!("{key}.field"), problem);
        let path = Path::parse(&condition.field).map_err(field)?;
        let not = condition.not ^ (condition.exists == Some(false));
        let test = Test::new(key, condition)?;
        let known = self
            .paths
            .iter()
            .position(|known| known.steps() == path.steps());
        let path = match known {
            Some(known) => known,
            None => {
                self.finder.add(&path).map_err(field)?;
                self.paths.push(path);
                self.paths.len() - 1
            }
        };
        self.tests.push((path, test, not));
        Ok(())
    }

    /// Whether there are no tests.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Finds the values of `line`.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn read(&mut self, line: &[u8]) -> Result<(), Problem> {
        self.finder.find(line, &mut self.found)
    }

    /// Whether the test with this number holds for `line`, which was read last. If a path leads to several
    /// values, one of them must pass.
    pub fn holds(&mut self, number: usize, line: &[u8]) -> bool {
        let Some((path, test, not)) = self.tests.get_mut(number) else {
            return false;
        };
        let mut values = self.found.iter().filter(|(found, _)| found == path);
        values.any(|(_, value)| test.passes(&line[value.clone()])) != *not
    }

    /// Whether all tests hold for `line`, which was read last.
    pub fn all_hold(&mut self, line: &[u8]) -> bool {
        (0..self.tests.len()).all(|number| self.holds(number, line))
    }
}

// === impl Test ===

impl Test {
    fn new(key: &str, condition: Condition) -> Result<Self, Error> {
        let Condition {
            equals,
            one_of,
            matches,
            min,
            max,
            exists,
            ..
        } = condition;
        let decimal = |bound: Bound| bound.decimal();
        let (min, max) = (min.map(decimal), max.map(decimal));
        let range = (min.is_some() || max.is_some()).then_some((min, max));
        match (equals, one_of, matches, range, exists) {
            (Some(value), None, None, None, None) => {
                let key = format!("{key}.equals");
                Ok(Self::OneOf(vec![Constant::new(&key, value)?]))
            }
            (None, Some(values), None, None, None) => {
                if values.is_empty() {
                    return Err(Error::setting(
                        format!("{key}.in"),
                        "needs at least one value",
                    ));
                }
                let constant = |(index, value)| Constant::new(&format!("{key}.in[{index}]"), value);
                let constants = values.into_iter().enumerate().map(constant);
                Ok(Self::OneOf(constants.collect::<Result<_, _>>()?))
            }
            (None, None, Some(expression), None, None) => {
                let patterns = Patterns::of_text(&format!("{key}.matches"), &expression)?;
                Ok(Self::Matches(Box::new(patterns)))
            }
            (None, None, None, Some((min, max)), None) => {
                if let (Some(min), Some(max)) = (&min, &max)
                    && min.is_greater(max)
                {
                    return Err(Error::setting(
                        format!("{key}.min"),
                        format!("{min} is greater than `max`, so no value passes"),
                    ));
                }
                Ok(Self::Between(min, max))
            }
            (None, None, None, None, Some(_)) => Ok(Self::Exists),
            (None, None, None, None, None) => Err(Error::setting(
                key,
                "lacks a test; add `equals`, `in`, `matches`, `min`, `max` or `exists`",
            )),
            _ => Err(Error::setting(
                key,
                "has several tests; only `min` and `max` go together, so make it several conditions",
            )),
        }
    }

    fn passes(&mut self, value: &[u8]) -> bool {
        let kind = Kind::of(value);
        match self {
            Self::Exists => true,
            Self::OneOf(constants) => constants
                .iter()
                .any(|constant| constant.equals(kind, value)),
            Self::Matches(patterns) if kind == Kind::String => patterns.matches(&decode(value)),
            Self::Matches(patterns) => patterns.matches(value),
            Self::Between(min, max) if kind == Kind::Number => {
                min.as_ref().is_none_or(|min| min.compare(value).is_le())
                    && max.as_ref().is_none_or(|max| max.compare(value).is_ge())
            }
            Self::Between(..) => false,
        }
    }
}
