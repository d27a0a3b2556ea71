//! Tests of the whole filter.

use super::Grep;
use linemill_sdk::testing::{Instance, Verdict, json, lines, refusal, routed, screened, verdicts};

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
        "unknown key `pattern`, expected one of `keep`, `keep_list`, `drop`, `drop_list`, `route`, \
         `ignore_case`, `literal`",
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

#[test]
fn a_pattern_that_can_never_match_is_refused() {
    for (settings, expected) in [
        (
            json!({ "keep": ["a", "a\nb"] }),
            r#"`keep[1]`: "a\nb" can never match, because a line contains no line feed (\n)"#,
        ),
        (
            json!({ "drop": ["a\\nb|\\n"] }),
            r#"`drop[0]`: "a\\nb|\\n" can never match, because a line contains no line feed (\n)"#,
        ),
        (
            json!({ "keep": ["a\nb"], "literal": true }),
            r#"`keep[0]`: "a\nb" can never match, because a line contains no line feed (\n)"#,
        ),
        (
            json!({ "keep": ["a$\\nb"] }),
            r#"`keep[0]`: "a$\\nb" can never match, because a line contains no line feed (\n)"#,
        ),
        (
            json!({ "keep": ["x[a&&b]"] }),
            r#"`keep[0]`: "x[a&&b]" can never match, because no text is as it requires"#,
        ),
    ] {
        assert_eq!(refusal::<Grep>(settings), expected);
    }
    assert_eq!(
        lines::<Grep>(json!({ "keep": ["a\\nb|c"] }), ["a", "c"]),
        ["c"]
    );
}

#[test]
fn patterns_may_come_as_a_list() {
    let settings =
        json!({ "keep": ["^INFO"], "keep_list": "ERROR\r\n\r\n^WARN\n", "drop_list": "healthz" });
    assert_eq!(lines::<Grep>(settings, LOG), [LOG[0], LOG[1]]);
    assert_eq!(lines::<Grep>(json!({ "drop_list": "\n" }), LOG), LOG);
    assert_eq!(
        refusal::<Grep>(json!({ "keep_list": "\n" })),
        "`keep_list`: has no pattern, so no line would be kept; write one pattern in each line",
    );
    assert_eq!(
        refusal::<Grep>(json!({ "keep": ["a"], "keep_list": "b\n\n(c\n" })),
        "`keep_list:3`: `(c` is not a valid regular expression: unclosed group",
    );
    assert_eq!(
        refusal::<Grep>(json!({ "keep_list": ["a"] })),
        "`keep_list`: must be a text; found a list",
    );
}

#[test]
fn a_hundred_thousand_texts_are_found() {
    let hosts = |from: u32, to: u32| {
        let hosts: Vec<String> = (from..to)
            .map(|n| format!("host-{n:06}.example.com"))
            .collect();
        hosts.join("\n")
    };
    let settings = json!({ "keep_list": hosts(0, 100_000), "literal": true });
    let mut filter = Instance::<Grep>::new(&settings).unwrap();
    let block = hosts(99_998, 100_002).to_ascii_uppercase() + "\n" + &hosts(99_998, 100_002);
    let mut kept = Vec::new();
    let spans: Vec<u32> = (0..8)
        .flat_map(|line| [line * 24, line * 24 + 23])
        .collect();
    filter.call(block.into_bytes(), spans, |line| kept.push(line.to_vec()));
    assert_eq!(
        kept,
        [b"host-099998.example.com", b"host-099999.example.com"]
    );
}

/// A pseudo-random number below `limit`.
fn random(state: &mut u64, limit: usize) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    ((*state >> 33) % limit as u64) as usize
}

fn random_pattern(state: &mut u64, depth: usize) -> String {
    const ATOMS: [&str; 24] = [
        "a", "b", "ab", "A", "ERR", "x1", ".", r"\d", r"\w", "[^a]", r"\s", "(?i:ab)", "^", "$",
        r"\b", r"\B", "(?m:^)", "(?m:$)", r"\r", "(?s:.)", "[ab]", " ", r"\A", r"\z",
    ];
    let mut pattern = String::new();
    for _ in 0..1 + random(state, 3) {
        pattern += &match random(state, 5) {
            0 if depth > 0 => format!("({})", random_pattern(state, depth - 1)),
            1 if depth > 0 => {
                let [one, other] = [0; 2].map(|_| random_pattern(state, depth - 1));
                format!("(?:{one}|{other})")
            }
            _ => ATOMS[random(state, ATOMS.len())].to_owned(),
        };
        if !pattern.ends_with(['^', '$']) {
            pattern += ["", "", "", "*", "+", "?", "{2}"][random(state, 7)];
        }
    }
    pattern
}

#[test]
fn the_screen_misses_no_line() {
    let mut state = 1;
    let input = [
        "", "a", "ab", "ERR x1", "b a", "x1", "\r", "a\r", "Ab1", "bERR\rb", "aab  ", "1",
        "\u{e4}b",
    ];
    for round in 0..100 {
        let patterns: Vec<String> = (0..1 + random(&mut state, 3))
            .map(|_| random_pattern(&mut state, 2))
            .collect();
        let settings = match round % 5 {
            0 | 1 => json!({ "keep": patterns }),
            2 => json!({ "drop": patterns, "ignore_case": true }),
            3 => json!({ "keep": patterns, "drop": ["a$", "x"] }),
            _ => json!({ "keep": patterns, "route": "r" }),
        };
        assert!(screened::<Grep>(settings, input) <= input.len());
    }
}

#[test]
fn lines_without_a_hit_are_not_judged() {
    let input = ["INFO a", "ERROR b", "INFO c", "WARN d", "INFO e", "INFO f"];
    let judged = |settings| screened::<Grep>(settings, input);
    assert_eq!(
        judged(json!({ "keep": ["ERROR"] })),
        0,
        "it is known to match"
    );
    assert_eq!(judged(json!({ "keep": ["(?i)error|warn"] })), 0);
    assert_eq!(judged(json!({ "keep": ["^ERROR"] })), 1);
    assert_eq!(judged(json!({ "drop": ["[A-Z]{5}"] })), 1);
    assert_eq!(
        judged(json!({ "keep": ["[A-Z]+.[a-z]"] })),
        0,
        "it is searched for in the block"
    );
    assert_eq!(judged(json!({ "keep": ["ERROR"], "drop": ["b"] })), 1);
    assert_eq!(judged(json!({ "keep": ["ERROR"], "route": "r" })), 1);
}

#[test]
fn a_block_with_many_hits_is_searched_in_another_way_with_the_same_result() {
    let mut filter = Instance::<Grep>::new(&json!({ "keep": ["x.*1$"] })).unwrap();
    for terminator in ["\n", "\r\n", "\0", "\n", "\n"] {
        let input = ["x1", "x 2", "xx1 ", "x", "1", "ax11"];
        let (mut bytes, mut spans) = (String::new(), Vec::new());
        for line in input {
            spans.push(bytes.len() as u32);
            bytes += line;
            spans.push(bytes.len() as u32);
            bytes += terminator;
        }
        let mut kept = Vec::new();
        filter.call(bytes.into_bytes(), spans, |line| kept.push(line.to_vec()));
        assert_eq!(kept, [&b"x1"[..], b"ax11"]);
    }
}
