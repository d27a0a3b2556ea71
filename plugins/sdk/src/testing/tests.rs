//! Tests that `testing` detects filters with mistakes, and reports what correct filters do.

use super::{
    Line, Run, Verdict, handed_over, json, lines, refusal, refused_state, restored, routed, run,
    screened, verdicts,
};
use crate::about::{About, Description, Package};
use crate::metrics::Counter;
use crate::{
    Block, Error, Filter, Handover, Hits, NoSettings, Others, Output, filter_fn, handover, is_tag,
};

/// Joins pairs of lines. It keeps state in any case, but declares it only if `DECLARED`.
struct Pairs<const DECLARED: bool> {
    first: Option<Vec<u8>>,
}

impl<const DECLARED: bool> Filter for Pairs<DECLARED> {
    type Settings = NoSettings;
    const KEEPS_STATE: bool = DECLARED;

    fn new(_: NoSettings) -> Result<Self, Error> {
        Ok(Self { first: None })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        match self.first.take() {
            None => self.first = Some(line.to_vec()),
            Some(first) => {
                out.push(first);
                out.emit(line);
            }
        }
    }

    fn routes(&self) -> Vec<String> {
        vec!["alone".to_owned()]
    }

    fn finish(&mut self, out: &mut Output) {
        match self.first.take() {
            Some(first) if first == b"odd" => out.fail("odd"),
            Some(first) if first == b"alone" => {
                out.route("alone");
                out.emit(first);
            }
            Some(first) => out.emit(first),
            None => {}
        }
    }
}

filter_fn!(Verdicts = each_verdict);

fn each_verdict(line: &[u8], out: &mut Output) {
    match line {
        b"replace" => out.emit("new"),
        b"drop" => {}
        b"split" => {
            out.emit(line);
            out.end();
        }
        b"fail" => {
            out.emit("discarded");
            out.fail("because");
            out.emit("ignored");
        }
        b"close" => {
            write!(out, "bye {}", 7);
            out.close();
        }
        _ => out.emit(line),
    }
}

#[test]
fn state_is_kept_across_calls() {
    assert_eq!(
        lines::<Pairs<true>>(json!({}), ["a", "b", "c", "d", "e"]),
        ["ab", "cd", "e"]
    );
}

#[test]
#[should_panic(expected = "declare `const KEEPS_STATE: bool = true`")]
fn undeclared_state_is_detected() {
    lines::<Pairs<false>>(json!({}), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_failure_at_the_end_is_reported() {
    let expected = Run {
        verdicts: vec![Verdict::Drop],
        held: Err("odd".into()),
        held_route: None,
        keeps_state: true,
    };
    assert_eq!(run::<Pairs<true>>(json!({}), ["odd"]), expected);
}

#[test]
fn each_verdict_is_reported() {
    let all = [
        "pass", "replace", "drop", "split", "fail", "close", "too late",
    ];
    let expected = [
        Verdict::Pass,
        Verdict::Replace("new".into()),
        Verdict::Drop,
        Verdict::Split(vec!["split".into(), "".into()]),
        Verdict::Fail("because".into()),
        Verdict::Close(vec!["bye 7".into()]),
    ];
    assert_eq!(verdicts::<Verdicts>(json!({}), all), expected);
    let without_failure = ["split", "close", "too late"];
    assert_eq!(
        lines::<Verdicts>(json!({}), without_failure),
        ["split", "", "bye 7"]
    );
}

/// Declares the routes listed in its settings, and sends each line `>NAME` by the route `NAME`.
struct Named(Vec<String>);

impl Filter for Named {
    type Settings = Vec<String>;

    fn new(names: Vec<String>) -> Result<Self, Error> {
        Ok(Self(names))
    }

    fn routes(&self) -> Vec<String> {
        self.0.clone()
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        match line.split_first() {
            Some((b'>', name)) => {
                out.emit(line);
                out.route(&String::from_utf8_lossy(name));
            }
            _ => out.map(line, |byte| byte.to_ascii_uppercase()),
        }
    }
}

#[test]
fn lines_that_take_a_route_are_separate() {
    let (names, input) = (json!(["a", "b"]), ["x", ">b", "", ">a", ">b"]);
    let expected = [
        Verdict::Replace("X".into()),
        Verdict::Pass.by("b"),
        Verdict::Pass,
        Verdict::Pass.by("a"),
        Verdict::Pass.by("b"),
    ];
    assert_eq!(verdicts::<Named>(names.clone(), input), expected);
    assert_eq!(lines::<Named>(names.clone(), input), ["X", ""]);
    assert_eq!(routed::<Named>(names.clone(), input, "b"), [">b", ">b"]);
    assert_eq!(routed::<Named>(names, input, "a"), [">a"]);
}

#[test]
fn lines_held_back_may_take_a_route() {
    let input = ["a", "b", "alone"];
    assert_eq!(lines::<Pairs<true>>(json!({}), input), ["ab"]);
    assert_eq!(routed::<Pairs<true>>(json!({}), input, "alone"), ["alone"]);
}

#[test]
#[should_panic(expected = "route `c` is not declared")]
fn a_route_must_be_declared() {
    verdicts::<Named>(json!(["a", "b"]), [">c"]);
}

#[test]
fn route_names_are_checked() {
    let refused = |names: Vec<&str>| refusal::<Named>(json!(names));
    assert_eq!(refused(vec!["a", "b", "a"]), "route `a` is declared twice");
    assert!(refused(vec!["rest"]).contains("no route"));
    for name in ["", "a b", "a.b", "ü", &"x".repeat(65)] {
        let error = refused(vec!["fine", name]);
        assert!(error.contains("is not a valid route name"), "{error}");
    }
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    let error = refusal::<Named>(json!(many));
    assert!(error.contains("at most 64"), "{error}");
}

#[test]
#[should_panic(expected = "line 1 failed: \"because\"")]
fn lines_panics_at_a_failure() {
    lines::<Verdicts>(json!({}), ["pass", "fail"]);
}

#[test]
#[should_panic(expected = "the filter accepts the settings")]
fn refusal_panics_at_accepted_settings() {
    refusal::<Verdicts>(json!({}));
}

#[test]
#[should_panic(expected = "unknown key `x`")]
fn lines_panics_at_refused_settings() {
    lines::<Verdicts>(json!({ "x": 1 }), ["pass"]);
}

#[test]
fn lines_are_shown_as_text_or_bytes() {
    assert_eq!(
        format!("{:?}", [Line::from("a\"b"), Line::from(b"\xff\n")]),
        r#"["a\"b", b"\xff\n"]"#
    );
}

/// Holds each line back until the next one. `FAULT` says what is wrong with its handover.
#[derive(Default)]
struct Late<const FAULT: u8> {
    held: Option<Vec<u8>>,
    saved: std::cell::Cell<u8>,
}

const NO_FAULT: u8 = 0;
const LOSES_STATE: u8 = 1;
const SAVE_CHANGES_STATE: u8 = 2;
const STATE_TOO_LARGE: u8 = 3;

impl<const FAULT: u8> Filter for Late<FAULT> {
    type Settings = NoSettings;
    const KEEPS_STATE: bool = true;

    fn new(_: NoSettings) -> Result<Self, Error> {
        Ok(Self::default())
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        if let Some(held) = self.held.replace(line.to_vec()) {
            out.emit(held);
        }
    }

    fn finish(&mut self, out: &mut Output) {
        if let Some(held) = self.held.take() {
            out.emit(held);
        }
    }
}

impl<const FAULT: u8> Handover for Late<FAULT> {
    const TAG: &'static str = "late/2";

    fn save(&self) -> Result<Vec<u8>, Error> {
        match FAULT {
            SAVE_CHANGES_STATE => {
                self.saved.set(self.saved.get() + 1);
                Ok(vec![self.saved.get()])
            }
            STATE_TOO_LARGE => Ok(vec![0; (1 << 20) + 1]),
            LOSES_STATE => Ok(Vec::new()),
            _ => self.held.clone().ok_or_else(|| Error::new("nothing yet")),
        }
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        if state == b"bad" {
            return Err(Error::new("bad"));
        }
        self.held = (FAULT != LOSES_STATE).then(|| state.to_vec());
        Ok(())
    }

    fn restore_other(&mut self, tag: &str, state: &[u8]) -> Result<(), Error> {
        match tag {
            "late/1" => self.restore(&[b"old ", state].concat()),
            _ => Err(Error::new("no")),
        }
    }
}

fn hand_over<const FAULT: u8>() -> Vec<Line> {
    handed_over::<Late<FAULT>>(json!({}), ["a", "b"], json!({}), ["c"])
}

#[test]
fn lines_held_back_are_handed_over() {
    assert_eq!(hand_over::<NO_FAULT>(), ["b", "c"]);
    let older = restored::<Late<NO_FAULT>>(json!({}), "late/1", "a", ["b"]);
    assert_eq!(older, ["old a", "b"]);
    assert_eq!(refused_state::<Late<NO_FAULT>>("late/3", ""), "no");
    assert_eq!(refused_state::<Late<NO_FAULT>>("late/2", "bad"), "bad");
}

#[test]
#[should_panic = "`save` and `restore` lose state"]
fn lost_state_is_detected() {
    hand_over::<LOSES_STATE>();
}

#[test]
#[should_panic = "a second call of `save` returns another state"]
fn a_save_that_changes_the_filter_is_detected() {
    hand_over::<SAVE_CHANGES_STATE>();
}

#[test]
fn invalid_states_and_tags_are_refused() {
    let late = Late::<STATE_TOO_LARGE>::default();
    let error = handover::save(&late).expect_err("too large").to_string();
    assert!(
        error.contains("1048577") && error.contains("1048576"),
        "{error}"
    );
    assert!(handover::restore(&mut Late::<NO_FAULT>::default(), b"\xff", b"").is_err());
    for (tag, valid) in [("late/2", true), ("", false), ("a b", false), ("ü", false)] {
        assert_eq!(is_tag(tag), valid, "{tag}");
    }
    assert!(is_tag(&"x".repeat(64)) && !is_tag(&"x".repeat(65)));
}

/// Emits its setting for each line, and holds it back for the end.
struct Emits(String);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct What {
    what: String,
}

impl Filter for Emits {
    type Settings = What;
    const KEEPS_STATE: bool = true;

    fn new(settings: What) -> Result<Self, crate::Error> {
        Ok(Self(settings.what))
    }

    fn line(&mut self, _: &[u8], out: &mut crate::Output<'_>) {
        out.emit(&self.0);
    }

    fn finish(&mut self, out: &mut crate::Output<'_>) {
        out.emit(&self.0);
    }
}

#[test]
fn a_line_that_a_host_would_not_take_fails() {
    let emitted = |what: &str| run::<Emits>(json!({ "what": what }), ["a"]);
    for (what, part) in [("a\nb", "line feed"), (&*"a".repeat(65_537), "max_line")] {
        let run = emitted(what);
        let [Verdict::Fail(reason)] = &run.verdicts[..] else {
            panic!("{:?}", run.verdicts);
        };
        assert!(format!("{reason:?}").contains(part), "{reason:?}");
        let held = run.held.expect_err("it is not fit either");
        assert!(format!("{held:?}").contains(part), "{held:?}");
    }
    assert!(emitted(&"a".repeat(65_536)).held.is_ok());
}

/// Masks the digits after `x`. `FAULT` says what is wrong with its screen.
struct Masks<const FAULT: u8>;

const MISSES_SECOND_LINES: u8 = 1;
const DECIDES_WRONGLY: u8 = 2;
const DROPS_OTHERS: u8 = 3;
const JUDGES_ALL: u8 = 4;

impl<const FAULT: u8> Filter for Masks<FAULT> {
    type Settings = NoSettings;

    fn new(_: NoSettings) -> Result<Self, Error> {
        Ok(Self)
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        match line.iter().position(|&byte| byte == b'x') {
            Some(at) if line[at + 1..].iter().any(u8::is_ascii_digit) => {
                out.push(&line[..at]);
                out.push("#");
            }
            _ => out.emit(line),
        }
    }

    fn screen(&mut self, block: &Block, hits: &mut Hits) -> Others {
        let mut at = 0;
        while let Some(found) = block.bytes()[at..].iter().position(|&byte| byte == b'x') {
            let found = at + found;
            at = match FAULT {
                MISSES_SECOND_LINES => hits.judge(found) + 1,
                DECIDES_WRONGLY => hits.pass(found..found + 1),
                _ => hits.judge(found),
            }
            .min(block.bytes().len());
        }
        match FAULT {
            DROPS_OTHERS => Others::Drop,
            JUDGES_ALL => Others::Judge,
            _ => Others::Pass,
        }
    }
}

fn screen_masks<const FAULT: u8>() -> usize {
    let input = ["a x1", "b", "", "x", "cx 2", "3x", "4", "x5 x6"];
    screened::<Masks<FAULT>>(json!({}), input)
}

#[test]
fn a_screen_may_mark_too_many_lines() {
    assert_eq!(screen_masks::<NO_FAULT>(), 5);
    assert_eq!(screen_masks::<JUDGES_ALL>(), 8);
}

#[test]
#[should_panic = "the screen misses a line"]
fn a_line_that_is_skipped_after_another_is_detected() {
    screen_masks::<MISSES_SECOND_LINES>();
}

#[test]
#[should_panic = "the screen misses a line"]
fn a_screen_that_decides_wrongly_is_detected() {
    screen_masks::<DECIDES_WRONGLY>();
}

#[test]
#[should_panic = "the screen misses a line"]
fn a_screen_that_drops_lines_is_detected() {
    screen_masks::<DROPS_OTHERS>();
}

#[test]
#[should_panic = "`Filter::bytes` or `Filter::screen` does not give the same as `Filter::line`"]
fn every_test_compares_the_screen_with_the_lines() {
    lines::<Masks<DECIDES_WRONGLY>>(json!({}), ["b", "x1"]);
}

#[test]
fn a_filter_without_a_screen_judges_all_lines() {
    assert_eq!(screened::<Verdicts>(json!({}), ["pass", "drop"]), 2);
}

/// Changes bytes, but not lines.
struct Shortcut;

impl Filter for Shortcut {
    type Settings = NoSettings;

    fn new(_: NoSettings) -> Result<Self, Error> {
        Ok(Self)
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        out.emit(line);
    }

    fn bytes(&mut self, bytes: &mut [u8]) -> bool {
        crate::map_bytes(bytes, |byte| if byte == b'a' { b'b' } else { byte });
        true
    }
}

#[test]
#[should_panic = "`Filter::bytes` or `Filter::screen` does not give the same as `Filter::line`"]
fn bytes_that_differ_from_lines_are_detected() {
    lines::<Shortcut>(json!({}), ["b", "a"]);
}

/// Counts lines, and screens though it keeps state.
struct Counts<const SCREENS: bool> {
    counter: Counter,
}

impl<const SCREENS: bool> Filter for Counts<SCREENS> {
    type Settings = NoSettings;
    const KEEPS_STATE: bool = true;
    const SCREENS_STATE: bool = SCREENS;

    fn new(_: NoSettings) -> Result<Self, Error> {
        let counter = Counter::new("lines", "How many lines there were.")?;
        Ok(Self { counter })
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        self.counter.add(&[], 1);
        out.emit(line);
    }

    fn screen(&mut self, _: &Block, _: &mut Hits) -> Others {
        Others::Pass
    }
}

#[test]
fn a_filter_that_keeps_state_is_screened_only_if_it_says_so() {
    assert_eq!(lines::<Counts<false>>(json!({}), ["a", "b"]), ["a", "b"]);
    assert_eq!(super::counted("lines", &[]), 2);
}

#[test]
#[should_panic = "counted: []"]
fn a_screen_that_hides_lines_from_a_counter_is_detected() {
    lines::<Counts<true>>(json!({}), ["a", "b"]);
}

/// Describes itself by an example that no configuration takes.
struct Variable;

impl Filter for Variable {
    type Settings = NoSettings;

    fn new(_: NoSettings) -> Result<Self, Error> {
        Ok(Self)
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        out.emit(line);
    }
}

impl About for Variable {
    fn describe() -> Description {
        Description::new("Nothing.").example("Writes a group.", r#"{ "with": "${1} ${user}" }"#)
    }
}

impl Package for Variable {
    const NAME: &'static str = "variable";
    const VERSION: &'static str = "1.0.0";
    const LICENSE: &'static str = "MIT";
}

#[test]
#[should_panic = "stands for an environment variable in a configuration"]
fn an_example_with_a_variable_is_reported() {
    super::described::<Variable>();
}
