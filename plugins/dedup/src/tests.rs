use std::time::Duration;

use linemill_sdk::testing::{
    Value, handed_over, json, lines, refusal, refused_state, restored, run, timed_over_swaps,
};
use xxhash_rust::xxh3::xxh3_128;

use crate::Dedup;

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn drops_repeats() {
    assert_eq!(
        lines::<Dedup>(json!({}), ["a", "b", "a", "", "b", "", "c"]),
        ["a", "b", "", "c"]
    );
    assert!(run::<Dedup>(json!({}), ["a"]).keeps_state);
}

#[test]
fn a_window_of_one_is_uniq() {
    let out = lines::<Dedup>(json!({ "window": 1 }), ["a", "a", "b", "b", "a", "a"]);
    assert_eq!(out, ["a", "b", "a"]);
}

#[test]
fn a_line_passes_again_after_enough_others() {
    let input: Vec<String> = (0..=1000).chain([1, 0, 0]).map(|n| n.to_string()).collect();
    let out = lines::<Dedup>(json!({}), &input);
    assert_eq!(out.len(), 1002, "1 is among the last 1,000, 0 is not");
    assert_eq!(out[1001], "0");
}

#[test]
fn only_a_key_is_compared() {
    let input = [
        "1 id=a x", "2 id=b x", "3 id=a y", "none", "none", "id=", "4 id=",
    ];
    let group = json!({ "key": r"id=(\w*)" });
    let expected = ["1 id=a x", "2 id=b x", "none", "id="];
    assert_eq!(lines::<Dedup>(group, input), expected);
    let whole = json!({ "key": r"id=\w*" });
    assert_eq!(lines::<Dedup>(whole, input), expected);
    let several = json!({ "key": r"(\w) .* (\w)" });
    let out = lines::<Dedup>(several, ["a 1 b", "a 2 b", "a 3 c", "a 4 b"]);
    assert_eq!(out, ["a 1 b", "a 3 c"]);
    let key = json!({ "key": "id=(.*)" });
    assert_eq!(
        lines::<Dedup>(key, ["x", "id=x", "id=x"]),
        ["x", "id=x"],
        "no key is another"
    );
}

#[test]
fn only_fields_are_compared() {
    let input = [
        r#"{"at": 1, "message": "up"}"#,
        r#"{"at": 2, "message": "up"}"#,
        r#"{"at": 3, "message": "down", "host": "a"}"#,
        r#"{"host": "b", "message": "down", "at": 4}"#,
        "text",
        "text",
    ];
    let one = lines::<Dedup>(json!({ "field": "message" }), input);
    assert_eq!(one, [input[0], input[2], input[4]]);
    let two = lines::<Dedup>(json!({ "field": ["message", "/host"] }), input);
    assert_eq!(two, [input[0], input[2], input[3], input[4]]);
}

#[test]
fn what_is_ignored_is_not_compared() {
    let times = json!({ "ignore": [r"\d\d:\d\d:\d\d(?:\.\d+)?", r"pid=\d+"] });
    let input = [
        "12:00:00 pid=1 up",
        "12:00:01.5 pid=22 up",
        "pid=22 up",
        "12:00:02 pid=1 down",
        "12:00:03 down",
        "12:00:03 pid=x up",
    ];
    let out = lines::<Dedup>(times, input);
    assert_eq!(out, [input[0], input[2], input[3], input[4], input[5]]);
    let digits = json!({ "ignore": ["[0-9]"] });
    let out = lines::<Dedup>(
        digits,
        ["a1b", "a22b", "ab", "a1b1", "1ab", "3ab", "1", "23", ""],
    );
    assert_eq!(
        out,
        ["a1b", "ab", "a1b1", "1ab", "1", ""],
        "one place, whatever its length"
    );
    let empty = json!({ "ignore": ["x*"] });
    assert_eq!(
        lines::<Dedup>(empty, ["ab", "axb", "axxb", "ab"]),
        ["ab", "axb"]
    );
    let bytes: [&[u8]; 3] = [b"\xff1\0", b"\xff2\0", b"\xfe1\0"];
    let out = lines::<Dedup>(json!({ "ignore": ["[0-9]"] }), bytes);
    assert_eq!(out, [bytes[0], bytes[2]]);
}

#[test]
fn a_line_passes_again_after_some_time() {
    let settings = json!({ "within": "1s" });
    let input = [
        (0, "a"),
        (500, "a"),
        (900, "b"),
        (1100, "a"),
        (1800, "b"),
        (2000, "b"),
        (2050, "a"),
    ];
    let input = input.map(|(at, line)| (MS(at), line));
    let emitted = timed_over_swaps::<Dedup>(settings, input, MS(5000));
    let expected = [(0, "a"), (900, "b"), (1100, "a"), (2000, "b")];
    assert_eq!(emitted, expected.map(|(at, line)| (MS(at), line.into())));
}

#[test]
fn a_line_that_keeps_repeating_passes_once_in_a_while() {
    let settings = json!({ "within": "9500ms", "window": 2 });
    let input = (0..40u64).map(|n| (MS(n * 1000), "x"));
    let emitted = timed_over_swaps::<Dedup>(settings, input, MS(50_000));
    assert_eq!(
        emitted,
        [0, 10, 20, 30].map(|at| (MS(at * 1000), "x".into()))
    );
}

#[test]
fn a_count_follows_when_a_different_line_comes() {
    let settings = json!({ "count_line": "last message repeated {count} times" });
    let input = ["a", "a", "a", "b", "c", "c", "b", "b"];
    let out = lines::<Dedup>(settings, input);
    let expected = [
        "a",
        "last message repeated 2 times",
        "b",
        "c",
        "last message repeated 1 times",
        "b",
        "last message repeated 1 times",
    ];
    assert_eq!(out, expected);
}

#[test]
fn a_count_follows_after_some_time() {
    let settings = json!({ "within": "1s", "count_line": "{count} more: {line}" });
    let input = [
        (0, "a"),
        (20, "b"),
        (100, "a"),
        (200, "c"),
        (300, "b"),
        (900, "a"),
        (1500, "a"),
        (1600, "a"),
    ];
    let input = input.map(|(at, line)| (MS(at), line));
    let emitted = timed_over_swaps::<Dedup>(settings, input, MS(2000));
    let expected = [
        (0, "a"),
        (20, "b"),
        (200, "c"),
        (1000, "2 more: a"),
        (1020, "1 more: b"),
        (1500, "a"),
        (2000, "1 more: a"),
    ];
    assert_eq!(emitted, expected.map(|(at, line)| (MS(at), line.into())));
}

#[test]
fn counts_come_in_the_order_in_which_lines_passed() {
    let settings = json!({ "within": "1h", "count_line": "{count} {line}" });
    let out = lines::<Dedup>(settings, ["a", "b", "c", "c", "b", "a", "a"]);
    assert_eq!(out, ["a", "b", "c", "2 a", "1 b", "1 c"]);
    let two = json!({ "window": 2, "count_line": "{count} {line}" });
    let out = lines::<Dedup>(two, ["a", "b", "a", "c", "b", "c", "c"]);
    assert_eq!(out, ["a", "b", "c", "1 a", "b", "2 c"]);
}

#[test]
fn a_count_shows_the_first_line_that_was_dropped() {
    let settings = json!({ "ignore": ["[0-9]+"], "count_line": "{count} times {line}" });
    let out = lines::<Dedup>(settings, ["at 1", "at 2", "at 3", "on 1"]);
    assert_eq!(out, ["at 1", "2 times at 2", "on 1"]);
}

#[test]
fn refusals_name_the_key() {
    for (extra, most, with) in [
        (json!({}), 50_000, ""),
        (json!({ "within": "1s" }), 40_000, " with `within`"),
        (
            json!({ "count_line": "{count}" }),
            1000,
            " with `count_line`",
        ),
    ] {
        for window in [0, most + 1] {
            let mut settings = extra.clone();
            settings["window"] = json!(window);
            let refused =
                format!("{window} is out of range; it must be between 1 and {most} lines{with}");
            assert_eq!(refusal::<Dedup>(settings), format!("`window`: {refused}"));
        }
    }
    for within in ["0s", "9ms", "25h"] {
        let refused = "is out of range; it must be between 10ms and 24h";
        assert_eq!(
            refusal::<Dedup>(json!({ "within": within })),
            format!("`within`: {within} {refused}")
        );
    }
    assert_eq!(
        refusal::<Dedup>(json!({ "key": "a", "ignore": ["b"] })),
        "`ignore`: it does not go with `key` or `field`, which say what is compared; remove one of them"
    );
    assert_eq!(
        refusal::<Dedup>(json!({ "ignore": ["a", "("] })),
        "`ignore[1]`: `(` is not a valid regular expression: unclosed group"
    );
    assert!(refusal::<Dedup>(json!({ "count_line": "repeated" })).contains("write {count}"));
    assert_eq!(
        refusal::<Dedup>(json!({ "within": 30 })),
        "`within`: `30` is not a time; did you mean \"30s\"?"
    );
}

#[test]
fn the_window_continues_in_another_instance() {
    let before: Vec<String> = (0..500).map(|n| (n * 7 % 130).to_string()).collect();
    let after: Vec<String> = (0..300).map(|n| (n % 150).to_string()).collect();
    for settings in [
        json!({ "window": 100 }),
        json!({ "window": 100, "within": "1m" }),
        json!({ "window": 100, "count_line": "{count} of {line}" }),
        json!({ "window": 100, "count_line": "{count}", "within": "1m" }),
        json!({ "count_line": "{count}" }),
        json!({ "ignore": ["^1"], "count_line": "{count}", "window": 20 }),
        json!({ "key": "^.", "window": 3 }),
    ] {
        for at in [0, 1, 3, 499, 500] {
            let before = &before[..at];
            handed_over::<Dedup>(settings.clone(), before, settings.clone(), &after);
        }
    }
}

#[test]
fn a_smaller_window_keeps_the_latest_and_a_larger_one_all() {
    let (two, three) = (json!({ "window": 2 }), json!({ "window": 3 }));
    let before = ["a", "b", "c", "a"];
    let smaller = handed_over::<Dedup>(three.clone(), before, two.clone(), ["c", "a", "b"]);
    assert_eq!(smaller, ["b"], "c and a came last");
    let larger = handed_over::<Dedup>(two, before, three, ["x", "c", "a", "b"]);
    assert_eq!(larger, ["x", "b"], "c and a are known, and x fits too");
}

#[test]
fn counts_are_not_lost_when_the_window_becomes_smaller() {
    let with = |window: u64| json!({ "window": window, "count_line": "{count} {line}" });
    let after = handed_over::<Dedup>(with(3), ["a", "b", "c", "b", "a", "a", "c"], with(1), ["d"]);
    assert_eq!(after, ["1 b", "2 a", "1 c", "d"]);
}

#[test]
fn what_was_remembered_under_other_settings_is_not_compared() {
    let (whole, key, other) = (
        json!({}),
        json!({ "key": "(.)$" }),
        json!({ "key": "^(.)" }),
    );
    let all = [whole, key, other, json!({ "ignore": ["x"] })];
    for (index, old) in all.iter().enumerate() {
        for new in &all[index + 1..] {
            let after = handed_over::<Dedup>(old.clone(), ["a"], new.clone(), ["a", "a"]);
            assert_eq!(after, ["a"], "{old} {new}");
        }
    }
}

#[test]
fn the_largest_window_can_be_handed_over() {
    for (window, extra) in [
        (50_000, json!({})),
        (40_000, json!({ "within": "24h" })),
        (
            1000,
            json!({ "within": "24h", "count_line": "{count} {line}" }),
        ),
    ] {
        let mut settings: Value = extra;
        settings["window"] = json!(window);
        let long = "x".repeat(300);
        let before = (0..window).chain(0..window);
        let before: Vec<String> = before.map(|n| format!("{n}{long}")).collect();
        let after = [&before[0], "new", &before[window - 1]];
        let out = handed_over::<Dedup>(settings.clone(), &before, settings, after);
        let passed = out.iter().filter(|line| **line == "new").count();
        let counts = out.iter().filter(|line| line.0.len() > 256).count();
        assert_eq!(
            (passed, out.len()),
            (1, 1 + counts),
            "all but one were known"
        );
    }
}

#[test]
fn a_state_of_the_first_format_is_read() {
    let mut state = Vec::new();
    for line in ["a", "b", "c"] {
        state.extend(xxh3_128(line.as_bytes()).to_le_bytes());
    }
    let out = restored::<Dedup>(
        json!({ "window": 2 }),
        "dedup/1",
        &state,
        ["c", "b", "a", "d"],
    );
    assert_eq!(out, ["a", "d"]);
}

#[test]
fn a_state_that_is_not_one_is_refused() {
    let refused = |state: &[u8]| refused_state::<Dedup>("dedup/2", state);
    let odd = "the hashes of the state have 17 bytes, which is not a multiple of 16";
    assert_eq!(refused_state::<Dedup>("dedup/1", [0; 17]), odd);
    assert_eq!(refused(&[0; 18]), odd);
    assert_eq!(refused(&[]), "the state is empty");
    assert_eq!(refused(&[4]), "the state begins with 4, not 0 to 3");
    assert_eq!(refused(&[0; 33]), "the state has a hash twice");
    for (flags, length) in [(1, 26), (2, 28), (3, 36)] {
        let mut state = vec![0; 1 + length];
        state[0] = flags;
        for short in 2..=length {
            assert_eq!(refused(&state[..short]), "the state ends within an entry");
        }
        state.extend_from_within(1..);
        assert_eq!(refused(&state), "the state has a hash twice");
        state[1] = 1;
        assert_eq!(
            refused(&state),
            "the state has two hashes in the same place"
        );
    }
    assert_eq!(
        refused_state::<Dedup>("number/1", ""),
        "the state has the format `number/1`, but this filter reads only `dedup/2` and `dedup/1`"
    );
}
