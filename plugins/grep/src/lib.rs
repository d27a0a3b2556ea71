//! Keeps or drops lines by pattern, or sends them by a route.

mod about;
mod matcher;

use linemill_sdk::{Error, Filter, Output, export};
use matcher::Matcher;
use pattern::Options;
use serde::Deserialize;

/// Keeps a line if it matches one of `keep` and none of `drop`. With `route`, such lines take that
/// route, and all others continue.
pub struct Grep {
    keep: Option<Matcher>,
    drop: Option<Matcher>,
    route: Option<String>,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    keep: Vec<String>,
    drop: Vec<String>,
    route: Option<String>,
    ignore_case: bool,
    literal: bool,
}

impl Filter for Grep {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        let Settings {
            keep,
            drop,
            route,
            ignore_case,
            literal,
        } = settings;
        if keep.is_empty() && drop.is_empty() {
            return Err(Error::new(
                "`keep` or `drop`: one of them needs a pattern, such as keep = [\"ERROR\"]",
            ));
        }
        let options = Options {
            ignore_case,
            literal,
        };
        Ok(Self {
            keep: Matcher::new("keep", keep, options)?,
            drop: Matcher::new("drop", drop, options)?,
            route,
        })
    }

    fn routes(&self) -> Vec<String> {
        self.route.iter().cloned().collect()
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        let kept = self.keep.as_mut().is_none_or(|keep| keep.matches(line))
            && !self.drop.as_mut().is_some_and(|drop| drop.matches(line));
        match &self.route {
            Some(route) if kept => out.route(route),
            None if !kept => return,
            _ => {}
        }
        out.emit(line);
    }
}

export!(Grep: About);

#[cfg(test)]
mod tests {
    use super::Grep;
    use linemill_sdk::testing::{Verdict, json, lines, refusal, routed, verdicts};

    const LOG: [&str; 5] = [
        "INFO  started",
        "ERROR disk full",
        "error lower case",
        "WARN  GET /healthz slow",
        "",
    ];

    #[test]
    fn keeps_lines_that_match_any_pattern() {
        let out = lines::<Grep>(json!({ "keep": ["^ERROR", "WARN"] }), LOG);
        assert_eq!(out, ["ERROR disk full", "WARN  GET /healthz slow"]);
    }

    #[test]
    fn drops_lines_that_match_any_pattern() {
        let out = lines::<Grep>(json!({ "drop": ["^$", "healthz", "^INFO"] }), LOG);
        assert_eq!(out, ["ERROR disk full", "error lower case"]);
    }

    #[test]
    fn drop_wins_over_keep() {
        let out = lines::<Grep>(
            json!({ "keep": ["ERROR", "WARN"], "drop": ["/healthz"] }),
            LOG,
        );
        assert_eq!(out, ["ERROR disk full"]);
    }

    #[test]
    fn case_counts_unless_ignored() {
        let exact = lines::<Grep>(json!({ "keep": ["^error"] }), LOG);
        assert_eq!(exact, ["error lower case"]);
        let ignored = lines::<Grep>(json!({ "keep": ["^error"], "ignore_case": true }), LOG);
        assert_eq!(ignored, ["ERROR disk full", "error lower case"]);
    }

    #[test]
    fn a_literal_is_not_an_expression() {
        let input = ["a.c", "abc", "A.C"];
        assert_eq!(
            lines::<Grep>(json!({ "keep": ["a.c"] }), input),
            ["a.c", "abc"]
        );
        assert_eq!(
            lines::<Grep>(json!({ "keep": ["a.c"], "literal": true }), input),
            ["a.c"]
        );
        let both = json!({ "keep": ["a.c"], "literal": true, "ignore_case": true });
        assert_eq!(lines::<Grep>(both, input), ["a.c", "A.C"]);
    }

    #[test]
    fn plain_texts_and_expressions_can_be_mixed() {
        let letters = ["abc", "bcd", "cde", "x.y", "xzy"];
        assert_eq!(
            lines::<Grep>(json!({ "keep": ["ab", "d.?$", "de"] }), letters),
            ["abc", "bcd", "cde"]
        );
        let many: Vec<String> = (0..20).map(|n| format!("<{n}>")).collect();
        let numbers = ["<3>", "<19>", "<20>", "3"];
        assert_eq!(
            lines::<Grep>(json!({ "keep": many }), numbers),
            ["<3>", "<19>"]
        );
        assert_eq!(lines::<Grep>(json!({ "keep": [""] }), ["", "a"]), ["", "a"]);
    }

    #[test]
    fn lines_are_bytes() {
        let input: [&[u8]; 3] = [b"\xff\x00ERROR\xfe", b"\xff", "Grüße".as_bytes()];
        assert_eq!(
            lines::<Grep>(json!({ "keep": ["ERROR"] }), input),
            [&input[0]]
        );
        assert_eq!(
            lines::<Grep>(json!({ "keep": ["^.$"] }), input),
            [&input[1]]
        );
        assert_eq!(
            lines::<Grep>(json!({ "keep": ["rüß"] }), input),
            [&input[2]]
        );
    }

    #[test]
    fn a_line_passes_unchanged_or_is_dropped() {
        let verdicts = verdicts::<Grep>(json!({ "keep": ["b"] }), ["a", "b", "c", "bb"]);
        assert_eq!(
            verdicts,
            [Verdict::Drop, Verdict::Pass, Verdict::Drop, Verdict::Pass]
        );
    }

    #[test]
    fn with_a_route_no_line_is_dropped() {
        let settings = json!({ "keep": ["ERROR", "WARN"], "drop": ["healthz"], "route": "bad" });
        let verdicts = verdicts::<Grep>(settings.clone(), LOG);
        let [pass, by] = [Verdict::Pass, Verdict::Pass.by("bad")];
        assert_eq!(
            verdicts,
            [&pass, &by, &pass, &pass, &pass].map(Verdict::clone)
        );
        assert_eq!(routed::<Grep>(settings.clone(), LOG, "bad"), [LOG[1]]);
        assert_eq!(
            lines::<Grep>(settings, LOG),
            [LOG[0], LOG[2], LOG[3], LOG[4]]
        );
    }

    #[test]
    fn refusals_name_the_key() {
        assert_eq!(
            refusal::<Grep>(json!({})),
            "`keep` or `drop`: one of them needs a pattern, such as keep = [\"ERROR\"]",
        );
        assert_eq!(
            refusal::<Grep>(json!({ "drop": ["fine", "a(b"] })),
            "`drop[1]`: `a(b` is not a valid regular expression: unclosed group",
        );
        assert_eq!(
            refusal::<Grep>(json!({ "pattern": ["a"] })),
            "unknown key `pattern`, expected one of `keep`, `drop`, `route`, `ignore_case`, `literal`",
        );
        assert_eq!(
            refusal::<Grep>(json!({ "keep": "ERROR" })),
            r#"`keep`: must be a list, such as ["ERROR"]; found the text "ERROR""#,
        );
        assert_eq!(
            refusal::<Grep>(json!({ "keep": ["a"], "route": "a b" })),
            "`a b` is not a valid route name; use 1 to 64 letters, digits, `-` and `_`",
        );
        assert_eq!(
            refusal::<Grep>(json!({ "keep": ["a"], "route": "rest" })),
            "`rest` is not a valid route name: it stands for the lines that take no route",
        );
        let huge = refusal::<Grep>(json!({ "keep": ["(?:a{1000}){1000}"] }));
        assert!(huge.contains("too large"), "{huge}");
    }
}
