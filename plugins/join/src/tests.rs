use std::time::Duration;

use linemill_sdk::testing::{
    Verdict, handed_over, json, lines, refusal, restored, run, timed, timed_over_swaps, verdicts,
};

use crate::Join;

const TRACE: [&str; 8] = [
    "12:00 ERROR failed",
    "java.lang.IllegalStateException: no",
    "\tat a.B.c(B.java:1)",
    "Caused by: java.io.IOException",
    "\t... 3 more",
    "12:01 INFO on",
    "12:02 INFO",
    "  indented",
];

#[test]
fn a_line_that_continues_is_joined_to_the_one_before() {
    let settings = json!({ "continue": r"^\s", "separator": "|" });
    let out = lines::<Join>(settings, ["a", " b", "\tc", "d", "e", " f"]);
    assert_eq!(out, ["a| b|\tc", "d", "e| f"]);
    let first = lines::<Join>(json!({ "continue": r"^\s" }), [" a", " b", "c"]);
    assert_eq!(first, [r" a\n b", "c"]);
}

#[test]
fn a_line_that_starts_an_event_ends_the_one_before() {
    let settings = json!({ "start": r"^\[", "separator": "|" });
    let out = lines::<Join>(settings, ["rest", "of one", "[1", "x", "", "[2", "[3", "y"]);
    assert_eq!(out, ["rest|of one", "[1|x|", "[2", "[3|y"]);
}

#[test]
fn a_line_that_ends_an_event_belongs_to_it() {
    let settings = json!({ "end": ";$", "separator": " " });
    let out = lines::<Join>(settings, ["a", "b;", "c;", "d", ";", "e"]);
    assert_eq!(out, ["a b;", "c;", "d ;", "e"]);
    let backslash = json!({ "end": r"(?:^|[^\\])$", "separator": "" });
    let out = lines::<Join>(backslash, [r"a \", r"b \", "c", "d", ""]);
    assert_eq!(out, [r"a \b \c", "d", ""]);
}

#[test]
fn with_a_start_and_another_pattern_lines_outside_pass_at_once() {
    let block = json!({ "start": "^BEGIN", "end": "^END", "separator": "|" });
    let input = [
        "x",
        "BEGIN",
        "y",
        "END",
        "z",
        "BEGIN END",
        "BEGIN",
        "BEGIN",
        "w",
    ];
    let out = lines::<Join>(block.clone(), input);
    assert_eq!(
        out,
        ["x", "BEGIN|y|END", "z", "BEGIN END", "BEGIN", "BEGIN|w"]
    );
    assert_eq!(
        verdicts::<Join>(block, ["x", "BEGIN", "END", "END"]),
        [
            Verdict::Pass,
            Verdict::Drop,
            Verdict::Replace("BEGIN|END".into()),
            Verdict::Pass
        ]
    );
    let frames = json!({ "start": "^panic", "continue": r"^\t", "separator": "|" });
    let out = lines::<Join>(frames, ["\tx", "y", "panic 1", "\ta", "\tb", "z", "\tw"]);
    assert_eq!(out, ["\tx", "y", "panic 1|\ta|\tb", "z", "\tw"]);
}

#[test]
fn all_three_patterns_together() {
    let all = json!({ "start": "^<", "continue": "^ ", "end": ">$", "separator": "" });
    let out = lines::<Join>(all, ["<a", " b", " c>", " d", "<e", "f>", "<g>", " h"]);
    assert_eq!(out, ["<a b c>", " d", "<e", "f>", "<g>", " h"]);
}

#[test]
fn an_event_that_reaches_a_bound_continues_as_another() {
    let by_lines = json!({ "start": "^s", "separator": "", "max_lines": 3 });
    let input = ["s", "1", "2", "3", "4", "5", "6", "s", "7"];
    assert_eq!(lines::<Join>(by_lines, input), ["s12", "345", "6", "s7"]);
    let by_bytes = json!({ "start": "^s", "separator": "--", "max_bytes": "8B" });
    let input = [
        "s1",
        "23",
        "45",
        "6789012",
        "34567890",
        "abcdefghi",
        "",
        "x",
        "s",
    ];
    assert_eq!(
        lines::<Join>(by_bytes, input),
        [
            "s1--23",
            "45",
            "6789012",
            "34567890",
            "abcdefghi",
            "--x",
            "s"
        ]
    );
    let one = json!({ "continue": "", "max_lines": 1 });
    assert_eq!(
        verdicts::<Join>(one, ["a", "b"]),
        [Verdict::Pass, Verdict::Pass]
    );
}

/// The host takes lines of 64 KiB here.
#[test]
fn an_event_that_the_host_does_not_take_costs_no_other_line() {
    let settings = json!({ "start": "^s", "separator": "", "max_bytes": "960KiB" });
    let mut input = vec!["x".repeat(1000); 70];
    input[0] = "s".to_owned();
    input.extend(["s next", "rest"].map(str::to_owned));
    let run = run::<Join>(settings, &input);
    let (long, next) = run.verdicts.split_at(70);
    assert!(long.iter().all(|verdict| *verdict == Verdict::Drop));
    assert!(matches!(next, [Verdict::Fail(_), Verdict::Drop]));
    assert_eq!(run.held.unwrap(), ["s nextrest"]);
    // So the line that fails must not pass.
    let drop = linemill_sdk::OnError::Drop;
    let description = <Join as linemill_sdk::About>::describe();
    assert_eq!(description, description.clone().on_error(drop));
}

#[test]
fn beyond_a_bound_the_rest_of_an_event_stays_together() {
    let settings = json!({ "start": "^s", "continue": "^ ", "separator": "", "max_lines": 2 });
    let out = lines::<Join>(settings, ["s", " 1", " 2", " 3", " 4", "x", " 5"]);
    assert_eq!(out, ["s 1", " 2 3", " 4", "x", " 5"]);
}

#[test]
fn no_byte_is_lost_at_any_bounds() {
    let input: Vec<String> = (0..60).map(|n| "x".repeat(n * 7 % 23)).collect();
    for (max_lines, max_bytes) in [(1, 1), (2, 10), (3, 17), (7, 30), (100, 1000)] {
        let settings = json!({
            "continue": "", "separator": "",
            "max_lines": max_lines, "max_bytes": format!("{max_bytes}B"),
        });
        let out = lines::<Join>(settings, &input);
        let joined: Vec<u8> = out.iter().flat_map(|line| line.0.clone()).collect();
        assert_eq!(joined, input.concat().into_bytes());
        assert!(out.iter().all(|line| line.0.len() <= max_bytes.max(22)));
    }
}

#[test]
fn lines_are_bytes() {
    let input: [&[u8]; 3] = [b"\xff\0", b" \xfe", "ä".as_bytes()];
    let out = lines::<Join>(json!({ "continue": "^ " }), input);
    assert_eq!(out, [&b"\xff\0\\n \xfe"[..], "ä".as_bytes()]);
}

#[test]
fn presets_know_stack_traces() {
    let java = lines::<Join>(json!({ "preset": "java", "separator": "|" }), TRACE);
    assert_eq!(
        java,
        [&TRACE[..5].join("|"), TRACE[5], "12:02 INFO|  indented"]
    );
    let python = [
        "INFO on",
        "Traceback (most recent call last):",
        "  File \"a.py\", line 1, in <module>",
        "    a()",
        "ValueError: no",
        "INFO off",
    ];
    let joined = lines::<Join>(json!({ "preset": "python", "separator": "|" }), python);
    assert_eq!(joined, [python[0], &python[1..5].join("|"), python[5]]);
    let go = [
        "serving (a) on 1",
        "panic: no",
        "",
        "goroutine 1 [running]:",
        "main.(*T).f({0x1, 0x2})",
        "\t/src/main.go:4 +0x18",
        "created by main.main in goroutine 1",
        "exit status 2",
        "[2026-01-01] serving",
    ];
    let joined = lines::<Join>(json!({ "preset": "go", "separator": "|" }), go);
    assert_eq!(joined, [go[0], &go[1..8].join("|"), go[8]]);
}

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn an_event_is_emitted_some_time_after_its_last_line() {
    let settings = json!({ "continue": "^ ", "separator": "", "flush": "500ms" });
    let input = [
        (0, "a"),
        (400, " 1"),
        (800, " 2"),
        (1400, " 3"),
        (3000, "b"),
    ];
    let emitted =
        timed_over_swaps::<Join>(settings, input.map(|(at, line)| (MS(at), line)), MS(3100));
    assert_eq!(
        emitted,
        [
            (MS(1300), "a 1 2".into()),
            (MS(1900), " 3".into()),
            (MS(3100), "b".into())
        ]
    );
}

#[test]
fn what_comes_after_a_flush_stays_together_and_nothing_waits_outside() {
    let settings = json!({ "start": "^s", "continue": "^ ", "separator": "", "flush": "100ms" });
    let input = [
        (0, "x"),
        (10, "s"),
        (500, " 1"),
        (550, " 2"),
        (900, "y"),
        (950, " 3"),
    ];
    let emitted =
        timed_over_swaps::<Join>(settings, input.map(|(at, line)| (MS(at), line)), MS(1000));
    assert_eq!(
        emitted,
        [
            (MS(0), "x".into()),
            (MS(110), "s".into()),
            (MS(650), " 1 2".into()),
            (MS(900), "y".into()),
            (MS(950), " 3".into())
        ]
    );
}

#[test]
fn without_flush_only_lines_end_an_event() {
    let settings = json!({ "continue": "^ ", "flush": "0s" });
    let hour = Duration::from_secs(3600);
    let emitted = timed::<Join>(settings, [(MS(0), "a"), (hour, " b")], 2 * hour);
    assert_eq!(emitted, [(2 * hour, r"a\n b".into())]);
}

#[test]
fn an_event_continues_in_another_instance() {
    for settings in [
        json!({ "preset": "java" }),
        json!({ "start": "^12", "max_lines": 3 }),
        json!({ "start": "^12", "continue": r"^\t", "max_bytes": "30B" }),
        json!({ "end": "more$" }),
    ] {
        for at in 0..=TRACE.len() {
            let (before, after) = TRACE.split_at(at);
            handed_over::<Join>(settings.clone(), before, settings.clone(), after);
        }
        let timed = TRACE.iter().enumerate();
        let timed = timed.map(|(index, line)| (MS(index as u64 * 300), line));
        timed_over_swaps::<Join>(settings, timed, MS(9000));
    }
}

#[test]
fn other_settings_apply_at_once() {
    let (wide, narrow) = (
        json!({ "continue": "^ ", "separator": "|" }),
        json!({ "continue": "^ ", "separator": "-", "max_lines": 2, "max_bytes": "4B" }),
    );
    let before = ["a", " b", " c"];
    let after = handed_over::<Join>(wide.clone(), before, narrow.clone(), [" d", "-", " e"]);
    assert_eq!(after, ["a| b| c", " d", "-- e"], "beyond both new bounds");
    let after = handed_over::<Join>(narrow, ["a"], wide, [" d"]);
    assert_eq!(after, ["a| d"]);
    let (slow, fast) = (
        json!({ "continue": "^ ", "flush": "1h" }),
        json!({ "continue": "^ " }),
    );
    let after = handed_over::<Join>(slow, ["a"], fast, ["b"]);
    assert_eq!(after, ["a", "b"]);
}

#[test]
fn the_longest_event_can_be_handed_over() {
    let settings = json!({ "continue": "", "max_bytes": "960KiB", "max_lines": 100_000 });
    let before = vec![" ".repeat(16 << 10); 59];
    let after = handed_over::<Join>(settings.clone(), before, settings, ["x"]);
    assert_eq!(after[0].0.len(), 59 * (16 << 10) + 58 * 2 + 3);
}

#[test]
fn a_state_that_is_not_one_is_refused() {
    use crate::event::Event;
    let refused = |state: &[u8]| Event::restore(state).unwrap_err().to_string();
    assert_eq!(refused(&[0; 12]), "the state has 12 bytes, fewer than 13");
    let mut state = [0; 14];
    assert_eq!(
        refused(&state),
        "the state contradicts itself",
        "bytes of no line"
    );
    (state[0], state[1]) = (1, 1);
    let settings = json!({ "continue": "^ " });
    assert_eq!(
        restored::<Join>(settings, "join/1", state, ["x"]),
        ["\0", "x"]
    );
    for (at, value) in [(0, 0), (0, 2), (0, 5), (1, 0)] {
        let mut wrong = state;
        wrong[at] = value;
        assert_eq!(
            refused(&wrong),
            "the state contradicts itself",
            "{at} {value}"
        );
    }
    assert!(Event::restore(&[1; 13]).is_ok_and(|event| event.is_under_way()));
}

#[test]
fn state_is_declared() {
    assert!(run::<Join>(json!({ "continue": "^ " }), ["a"]).keeps_state);
}

#[test]
fn refusals_name_the_key_and_the_fix() {
    let with = |key: &str, value| {
        let mut settings = json!({ "continue": "^ " });
        settings[key] = value;
        refusal::<Join>(settings)
    };
    assert_eq!(
        refusal::<Join>(json!({})),
        "`start`, `continue`, `end` or `preset`: one of them is needed to tell which lines belong together, \
         such as continue = '^\\s'"
    );
    assert_eq!(
        with("preset", json!("java")),
        "`preset`: it stands for patterns of its own; remove it, or `start`, `continue` and `end`"
    );
    assert_eq!(
        with("start", json!("(")),
        "`start`: `(` is not a valid regular expression: unclosed group"
    );
    assert_eq!(
        with("end", json!("a\n")),
        "`end`: \"a\\n\" can never match, because a line contains no line feed (\\n)"
    );
    for separator in ["\n", "a\r", "\0"] {
        assert_eq!(
            with("separator", json!(separator)),
            "`separator`: it contains a character that may end a line (line feed, carriage return or NUL); \
             use '\\n', a backslash and an `n`, or a blank"
        );
    }
    assert_eq!(
        with("separator", json!("-".repeat(65))),
        "`separator`: it has 65 bytes; at most 64 are allowed"
    );
    for max_lines in [0, 100_001, 1u64 << 40] {
        assert_eq!(
            with("max_lines", json!(max_lines)),
            format!(
                "`max_lines`: {max_lines} is out of range; it must be between 1 and 100000 lines"
            )
        );
    }
    for (max_bytes, shown) in [("0B", "0B"), ("1MiB", "1MiB"), ("961KiB", "961KiB")] {
        assert_eq!(
            with("max_bytes", json!(max_bytes)),
            format!("`max_bytes`: {shown} is out of range; it must be between 1B and 960KiB")
        );
    }
    assert_eq!(
        with("max_bytes", json!(65536)),
        "`max_bytes`: `65536` is not a size; did you mean \"65536B\"?"
    );
    assert_eq!(
        with("flush", json!("25h")),
        "`flush`: 25h is too long; at most 24h is allowed, and \"0s\" turns it off"
    );
    assert_eq!(
        with("flush", json!(5)),
        "`flush`: `5` is not a time; did you mean \"5s\"?"
    );
}
