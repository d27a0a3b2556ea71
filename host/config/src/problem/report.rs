//! Problems for programs: the same as what users read, in parts.
//!
//! In: a [`Problem`]. Out: a [`ProblemReport`], which verbs and the admin address give as JSON. The names of
//! its fields are part of what linemill promises.

use serde::{Deserialize, Serialize};

use super::{Problem, Problems};

/// One problem, in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemReport {
    /// `error` or `warning`.
    pub severity: String,
    /// The file; `null` if it is in none.
    pub file: Option<String>,
    /// The line, from 1; `null` if the file as a whole is meant.
    pub line: Option<usize>,
    /// The column, in characters from 1; `null` if the file as a whole is meant.
    pub column: Option<usize>,
    /// The key in that line; `null` if there is none.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it; `null` if there is nothing to say.
    pub hint: Option<String>,
}

impl From<&Problem> for ProblemReport {
    fn from(problem: &Problem) -> Self {
        let (place, hint) = (problem.place(), problem.hint());
        let excerpt = place.excerpt();
        Self {
            severity: problem.severity().to_owned(),
            file: place.path().map(|path| path.display().to_string()),
            line: excerpt.as_ref().map(|excerpt| excerpt.number),
            column: excerpt.as_ref().map(|excerpt| excerpt.before + 1),
            key: place.key().map(str::to_owned),
            message: problem.what().to_owned(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        }
    }
}

impl Problems {
    /// Each problem, in parts.
    pub fn reports(&self) -> Vec<ProblemReport> {
        self.iter().map(ProblemReport::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::place::{Place, Source};
    use super::*;

    fn report(text: &str, marked: &str) -> ProblemReport {
        let start = text.find(marked).expect("it is there");
        let source = Arc::new(Source {
            path: "a.toml".into(),
            text: text.into(),
        });
        let place = Place::new(&source, start..start + marked.len());
        ProblemReport::from(&place.problem("no", "yes"))
    }

    #[test]
    fn a_problem_knows_where_it_is() {
        let found = report("[host]\nadmin = \"nowhere\"\n", "\"nowhere\"");
        assert_eq!(
            found,
            ProblemReport {
                severity: "error".to_owned(),
                file: Some("a.toml".to_owned()),
                line: Some(2),
                column: Some(9),
                key: Some("admin".to_owned()),
                message: "no".to_owned(),
                hint: Some("yes".to_owned()),
            }
        );
        let nowhere = ProblemReport::from(&Problem::new("odd", "").warning());
        assert_eq!((nowhere.severity.as_str(), nowhere.hint), ("warning", None));
        assert_eq!(
            (nowhere.file, nowhere.line, nowhere.key),
            (None, None, None)
        );
    }

    #[test]
    fn the_key_is_that_of_the_value_or_the_key_itself() {
        for (text, marked, key) in [
            ("bnid = 1", "bnid", Some("bnid")),
            ("tls = { cert = \"a\", key=\"b\" }", "\"b\"", Some("key")),
            ("a.b = 7", "7", Some("a.b")),
            ("[[listener]]", "[[listener]]", None),
            ("chain = [\n  \"x\",\n]", "\"x\"", None),
        ] {
            assert_eq!(report(text, marked).key.as_deref(), key, "{text}");
        }
    }
}
