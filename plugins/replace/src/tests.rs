use super::{MAX_RESULT, Replace};
use linemill_sdk::testing::{Value, Verdict, json, lines, refusal, screened, verdicts};

fn replaced(pattern: &str, with: &str, line: &str) -> String {
    let lines = lines::<Replace>(json!({ "pattern": pattern, "with": with }), [line]);
    String::from_utf8(lines[0].0.clone()).unwrap()
}

fn rule(pattern: &str, with: &str) -> Value {
    json!({ "pattern": pattern, "with": with })
}

#[test]
fn replaces_all_matches() {
    assert_eq!(replaced("a", "b", "banana"), "bbnbnb");
    assert_eq!(replaced("[ab]+", "<$0>", "banana"), "<ba>n<a>n<a>");
    assert_eq!(replaced("an|na", "", "banana"), "ba");
    assert_eq!(replaced("^b|a$", "", "banana"), "anan");
}

#[test]
fn replaces_only_the_first_match_if_asked() {
    for pattern in ["a", "[a]"] {
        let settings = json!({ "pattern": pattern, "with": "b", "all": false });
        assert_eq!(lines::<Replace>(settings, ["banana", "x"]), ["bbnana", "x"]);
    }
}

#[test]
fn groups_are_inserted() {
    assert_eq!(
        replaced(r"(\w+) (\w+)", "$2 $1", "hello big world"),
        "big hello world"
    );
    assert_eq!(
        replaced(
            r"(?<d>\d\d)/(?<m>\d\d)/(?<y>\d{4})",
            "${y}-${m}-${d}",
            "from 31/12/2023 to 01/01/2024"
        ),
        "from 2023-12-31 to 2024-01-01"
    );
    assert_eq!(replaced("(a)|(b)", "[$1$2]", "abc"), "[a][b]c");
    assert_eq!(replaced("price", "$$5", "price"), "$5");
}

#[test]
fn rules_apply_in_order() {
    let rules = json!({ "rules": [rule("a", "b"), rule("bb", "c"), rule("x", "y")] });
    assert_eq!(
        lines::<Replace>(rules, ["abba", "x", "-"]),
        ["cc", "y", "-"]
    );
}

#[test]
fn a_rule_may_differ_from_the_others() {
    let settings = json!({
        "literal": true,
        "rules": [
            { "pattern": "a.", "with": "$1" },
            { "pattern": "b(.)", "with": "$1", "literal": false, "all": false },
            { "pattern": "C.", "with": "", "ignore_case": true },
        ],
    });
    assert_eq!(
        lines::<Replace>(settings, ["a.ab", "bxby", "c.cd"]),
        ["$1ab", "xby", "cd"]
    );
}

#[test]
fn case_counts_unless_ignored() {
    assert_eq!(replaced("error", "E", "Error error"), "Error E");
    let ignored = json!({ "pattern": "error", "with": "E", "ignore_case": true });
    assert_eq!(lines::<Replace>(ignored, ["Error ERROR"]), ["E E"]);
}

#[test]
fn empty_matches_are_replaced_once() {
    for (pattern, line, output) in [
        ("b*", "abc", "-a-c-"),
        ("b*", "", "-"),
        ("", "ab", "-a-b-"),
        ("x*", "äö", "-ä-ö-"),
        ("^", "ab", "-ab"),
        ("$", "ab", "ab-"),
        (r"\b", "ab c", "-ab- -c-"),
        ("(?:)|a", "aa", "--"),
        ("a??", "aa", "-a-a-"),
    ] {
        assert_eq!(replaced(pattern, "-", line), output, "{pattern}");
    }
}

/// As `sed -E` does.
#[test]
fn a_match_of_text_is_preferred_to_an_empty_one() {
    for (pattern, with, line, output) in [
        ("^|,", ";", ",a,b", ";a;b"),
        ("^|,", ";", "a,b", ";a;b"),
        ("(^|b)", "-", "bbb", "---"),
        ("(^|b)", "[$1]", "abb", "[]a[b][b]"),
        ("$|a|^", "-", "aba", "-b-"),
        ("a*|b", "-", "aabc", "--c-"),
        (r"\b|x+", "-", "xx y", "- -y-"),
        ("((?<n>|b))", "<$n>", "ab", "<>a<b>"),
    ] {
        assert_eq!(replaced(pattern, with, line), output, "{pattern}");
    }
}

#[test]
fn lines_are_bytes() {
    let latin: [&[u8]; 2] = [b"\xe4\x00b", b"\xff"];
    let settings = json!({ "pattern": "^.", "with": "ä" });
    assert_eq!(
        lines::<Replace>(settings, latin),
        [&b"\xc3\xa4\x00b"[..], "ä".as_bytes()]
    );
    assert_eq!(replaced("ü", "ue", "Grüße"), "Grueße");
    assert_eq!(replaced("(?u)^(.{3}).*", "$1", "Grüße"), "Grü");
    assert_eq!(replaced("(?u)[äöü]", "_", "Grüße"), "Gr_ße");
}

#[test]
fn a_line_without_a_match_passes() {
    assert_eq!(
        verdicts::<Replace>(
            json!({ "rules": [rule("a", "b"), rule("^c+$", "")] }),
            ["x", "a", "c", ""]
        ),
        [
            Verdict::Pass,
            Verdict::Replace("b".into()),
            Verdict::Replace("".into()),
            Verdict::Pass
        ]
    );
}

#[test]
fn the_screen_finds_every_line_that_a_rule_changes() {
    let lines = ["a", "", "xay", "AB", "b.c", "bxc", "12 ms", "ms 7", "c1"];
    let mixed = json!({ "rules": [
        { "pattern": "a", "with": "c" },
        { "pattern": "c", "with": "d" },
        { "pattern": "b.c", "with": "-", "literal": true, "ignore_case": true },
    ] });
    for (settings, judged) in [
        (rule("a", "b"), 2),
        (
            json!({ "pattern": "a", "with": "b", "ignore_case": true }),
            3,
        ),
        (json!({ "rules": [rule("a", "b"), rule("c", "a")] }), 5),
        (mixed, 5),
        (rule(r"\d+ ms", "x"), 1),
        (rule("^a|^[bc]1", "x"), 3),
        (rule("x*", "-"), 9),
    ] {
        assert_eq!(
            screened::<Replace>(settings.clone(), lines),
            judged,
            "{settings}"
        );
    }
}

#[test]
fn a_result_is_bounded() {
    let doubling: Vec<Value> = (0..30).map(|_| rule("^.*$", "$0$0")).collect();
    let verdict = verdicts::<Replace>(json!({ "rules": doubling }), ["ab", ""]);
    let reason = "replaced, the line would be longer than 256 KiB and four times what it was";
    assert_eq!(verdict, [Verdict::Fail(reason.into()), Verdict::Pass]);
    // Another line is so long that a host would take either result.
    let long = "y".repeat(MAX_RESULT / 2);
    for (longer, fails) in [(0, false), (1, true)] {
        let line = "x".repeat(MAX_RESULT / 8 + longer);
        let settings = json!({ "pattern": "^x+$", "with": "$0$0$0$0$0$0$0$0" });
        let verdict = verdicts::<Replace>(settings, [&line, &long]);
        assert_eq!(matches!(verdict[0], Verdict::Fail(_)), fails);
    }
    let four_times = verdicts::<Replace>(json!({ "pattern": "^y+$", "with": "$0$0$0$0" }), [&long]);
    assert!(matches!(four_times[0], Verdict::Replace(_)));
}

#[test]
fn refusals_name_the_key() {
    for (settings, expected) in [
        (
            json!({}),
            "missing key `pattern`: what to replace; or `rules`, for several patterns",
        ),
        (
            json!({ "pattern": "a" }),
            "missing key `with`: the text to write instead of what matches; \"\" removes it",
        ),
        (
            json!({ "pattern": "a", "rules": [] }),
            "`rules`: stands for `pattern` and `with`; put these into one of the rules",
        ),
        (
            json!({ "rules": [] }),
            "`rules`: needs at least one rule, such as { pattern = \"a\", with = \"b\" }",
        ),
        (
            json!({ "rules": [{ "pattern": "a" }] }),
            "`rules[0]`: missing key `with`",
        ),
        (
            json!({ "rules": vec![rule("a", "b"); 101] }),
            "`rules`: 101 rules are too many; at most 100 are allowed",
        ),
        (
            json!({ "rules": [rule("a", "b"), rule("a(", "b")] }),
            "`rules[1].pattern`: `a(` is not a valid regular expression: unclosed group",
        ),
        (
            json!({ "rules": [rule("a", "b"), rule("(a)", "$2")] }),
            "`rules[1].with`: the pattern has no group `2`; it has $0, $1; a dollar sign is $$",
        ),
        (
            rule("a", "b$1"),
            "`with`: the pattern has no group `1`; it has $0; a dollar sign is $$",
        ),
        (
            rule("a", "b\nc"),
            "`with`: must not contain a line feed (\\n), because lines end there; found the text \"b\\nc\"",
        ),
        (
            rule("a\nb", ""),
            "`pattern`: \"a\\nb\" can never match, because a line contains no line feed (\\n)",
        ),
        (
            rule("a[\n]b", ""),
            "`pattern`: \"a[\\n]b\" can never match, because a line contains no line feed (\\n)",
        ),
        (
            json!({ "pattern": "a", "to": "b" }),
            "unknown key `to`, expected one of `pattern`, `with`, `rules`, `all`, `ignore_case`, `literal`",
        ),
    ] {
        assert_eq!(refusal::<Replace>(settings), expected);
    }
}
