use std::time::Duration;

use linemill_sdk::testing::{
    Instance, Stream, Value, Verdict, handed_over, json, lines, pass_time, refusal, restored,
    routed, run, timed, timed_over_swaps, verdicts, with_stream,
};

use crate::Throttle;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Lines that contain no line feed.
fn block(lines: &[&str]) -> (Vec<u8>, Vec<u32>) {
    let (mut bytes, mut spans) = (Vec::new(), Vec::new());
    for line in lines {
        spans.push(bytes.len() as u32);
        bytes.extend(line.as_bytes());
        spans.push(bytes.len() as u32);
        bytes.push(b'\n');
    }
    (bytes, spans)
}

/// The lines that pass on one connection. The store stays as it is.
fn passed(instance: &mut Instance<Throttle>, lines: &[&str]) -> usize {
    let (bytes, spans) = block(lines);
    let mut count = 0;
    instance.call(bytes, spans, |_| count += 1);
    count
}

fn instance(settings: &Value) -> Instance<Throttle> {
    Instance::new(settings).unwrap()
}

#[test]
fn as_many_lines_pass_as_the_rate_says() {
    let out = lines::<Throttle>(json!({ "rate": "3/s" }), ["a", "b", "c", "d", "e"]);
    assert_eq!(out, ["a", "b", "c"]);
    assert_eq!(
        verdicts::<Throttle>(json!({ "rate": "1/h" }), ["a", "b"]),
        [Verdict::Pass, Verdict::Drop]
    );
}

#[test]
fn each_window_begins_with_a_line() {
    let settings = json!({ "rate": "4/s", "burst": 2 });
    lines::<Throttle>(settings.clone(), [""; 0]);
    let mut throttle = instance(&settings);
    assert_eq!(passed(&mut throttle, &["1", "2", "3"]), 2);
    pass_time(MS(499));
    assert_eq!(passed(&mut throttle, &["4"]), 0);
    pass_time(MS(1));
    assert_eq!(passed(&mut throttle, &["5", "6", "7"]), 2);
    pass_time(MS(10_000));
    assert_eq!(
        passed(&mut throttle, &["8", "9", "10"]),
        2,
        "time that passed is not saved up"
    );
}

#[test]
fn all_instances_share_the_limit() {
    let settings = json!({ "rate": "100/h", "key": "^." });
    lines::<Throttle>(settings.clone(), [""; 0]);
    let mut connections: Vec<_> = (0..64).map(|_| instance(&settings)).collect();
    let (mut a, mut b) = (0, 0);
    for _ in 0..10 {
        for connection in &mut connections {
            a += passed(connection, &["a"]);
            b += passed(connection, &["b"]);
        }
    }
    assert_eq!((a, b), (100, 100));
}

#[test]
fn each_key_has_a_limit_of_its_own() {
    let settings = json!({ "rate": "1/m", "key": r"user=(\w*)" });
    let input = [
        "user=a 1", "user=b 1", "user=a 2", "x user=b", "user=", "user=", "none", "no",
    ];
    let out = lines::<Throttle>(settings, input);
    assert_eq!(
        out,
        ["user=a 1", "user=b 1", "user=", "none"],
        "lines without a key share one"
    );
    let several = json!({ "rate": "1/m", "key": "^(.)(.*)$" });
    let out = lines::<Throttle>(several, ["ab", "ba", "ab", "", "a", "a"]);
    assert_eq!(out, ["ab", "ba", "", "a"]);
    let whole = json!({ "rate": "1/m", "key": "[0-9]+" });
    let out = lines::<Throttle>(whole, ["a1", "b1", "a12", "c12"]);
    assert_eq!(out, ["a1", "a12"]);
}

#[test]
fn a_field_may_be_the_key() {
    let settings = json!({ "rate": "1/m", "field": "user" });
    let input = [
        r#"{"user": 1}"#,
        r#"{"n": 2, "user": "1"}"#,
        r#"{"user": 2}"#,
        "x",
        "y",
    ];
    assert_eq!(
        lines::<Throttle>(settings, input),
        [input[0], input[2], "x"]
    );
}

#[test]
fn long_keys_are_told_apart() {
    let settings = json!({ "rate": "1/m", "key": ".*" });
    let long: Vec<String> = [127, 128, 129, 1000, 100_000]
        .iter()
        .flat_map(|&length| ["a", "b", "a"].map(|end| "x".repeat(length) + end))
        .collect();
    let out = lines::<Throttle>(settings, &long);
    let expected = long.chunks(3).flat_map(|three| &three[..2]);
    assert_eq!(out, expected.cloned().collect::<Vec<_>>());
}

#[test]
fn each_peer_has_a_limit_of_its_own() {
    let settings = json!({ "rate": "1/m", "peer": true });
    lines::<Throttle>(settings.clone(), [""; 0]);
    let from = |peer: Option<&str>| {
        let stream = Stream {
            peer: peer.map(|peer| peer.parse().unwrap()),
            ..Stream::default()
        };
        with_stream(stream, || passed(&mut instance(&settings), &["a"]) == 1)
    };
    let expected = [
        (Some("192.0.2.1:1"), true),
        (Some("192.0.2.1:2"), false),
        (Some("192.0.2.2:1"), true),
        (Some("[2001:db8::1]:1"), true),
        (Some("[2001:db8::ffff:1]:1"), false),
        (Some("[2001:db8:0:1::1]:1"), true),
        (None, true),
        (None, false),
    ];
    for (peer, passes) in expected {
        assert_eq!(from(peer), passes, "{peer:?}");
    }
}

#[test]
fn a_peer_and_a_key_limit_together() {
    let settings = json!({ "rate": "1/m", "peer": true, "key": "." });
    let stream = Stream {
        peer: Some("192.0.2.1:1".parse().unwrap()),
        ..Stream::default()
    };
    let out = with_stream(stream, || lines::<Throttle>(settings, ["a", "b", "a", "b"]));
    assert_eq!(out, ["a", "b"]);
}

#[test]
fn lines_beyond_the_limit_may_take_a_route() {
    let settings = json!({ "rate": "1/m", "route": "excess" });
    let input = ["a", "b", "c"];
    assert_eq!(lines::<Throttle>(settings.clone(), input), ["a"]);
    assert_eq!(routed::<Throttle>(settings, input, "excess"), ["b", "c"]);
}

#[test]
fn a_key_without_a_place_is_throttled_unless_the_settings_say_otherwise() {
    let with = |full| json!({ "rate": "1/m", "key": ".*", "full": full });
    let (throttle, pass) = (with("throttle"), with("pass"));
    lines::<Throttle>(throttle.clone(), [""; 0]);
    let input: Vec<String> = (0..10_003).map(|n| n.to_string()).collect();
    let input: Vec<&str> = input.iter().map(String::as_str).collect();
    assert_eq!(passed(&mut instance(&throttle), &input), 10_000);
    assert_eq!(passed(&mut instance(&throttle), &["0", "new"]), 0);
    assert_eq!(passed(&mut instance(&pass), &["0", "new", "new"]), 2);
    pass_time(MS(60_000));
    assert_eq!(passed(&mut instance(&throttle), &["0", "new"]), 2);
}

#[test]
fn another_window_has_counters_of_its_own() {
    let (hour, second) = (json!({ "rate": "2/h" }), json!({ "rate": "2/s" }));
    lines::<Throttle>(hour.clone(), [""; 0]);
    assert_eq!(passed(&mut instance(&hour), &["a", "b", "c"]), 2);
    assert_eq!(passed(&mut instance(&second), &["a", "b", "c"]), 2);
    let more = json!({ "rate": "3/h" });
    assert_eq!(
        passed(&mut instance(&more), &["a"]),
        0,
        "four lines have been counted"
    );
    let most = json!({ "rate": "5/h" });
    assert_eq!(passed(&mut instance(&most), &["a"]), 1);
}

#[test]
fn a_count_line_says_how_many_were_dropped() {
    let settings = json!({ "rate": "1/10s", "count_line": "{count} lines were dropped" });
    let input = [
        (0, "a"),
        (100, "b"),
        (200, "c"),
        (10_050, "d"),
        (10_080, "e"),
        (30_000, "f"),
    ];
    let input = input.map(|(at, line)| (MS(at), line));
    let emitted = timed::<Throttle>(settings.clone(), input, MS(40_000));
    assert_eq!(
        emitted,
        [
            (MS(0), "a".into()),
            (MS(10_050), "d".into()),
            (MS(10_100), "3 lines were dropped".into()),
            (MS(30_000), "f".into()),
        ]
    );
    assert_eq!(
        timed_over_swaps::<Throttle>(settings.clone(), input, MS(40_000)),
        emitted
    );
    let out = lines::<Throttle>(settings.clone(), ["a", "b", "c"]);
    assert_eq!(out, ["a", "2 lines were dropped"], "at the end");
    let after = handed_over::<Throttle>(settings.clone(), ["a", "b"], settings, ["c"]);
    assert_eq!(after, ["2 lines were dropped"]);
}

#[test]
fn a_count_line_comes_at_most_once_a_second() {
    let settings = json!({ "rate": "1/10ms", "count_line": "{count}" });
    let pairs = (0..20).flat_map(|n| {
        [
            (MS(n * 100), "x"),
            (MS(n * 100 + 10), "x"),
            (MS(n * 100 + 10), "y"),
        ]
    });
    let emitted = timed::<Throttle>(settings, pairs, MS(2500));
    let counts = emitted.iter().filter(|(_, line)| line.0 != b"x");
    let counts: Vec<_> = counts.map(|(at, line)| (*at, line.clone())).collect();
    assert_eq!(counts, [(MS(1020), "11".into()), (MS(2120), "9".into())]);
}

#[test]
fn only_a_count_line_needs_state() {
    assert!(!run::<Throttle>(json!({ "rate": "1/s" }), ["a"]).keeps_state);
    assert!(run::<Throttle>(json!({ "rate": "1/s", "count_line": "{count}" }), ["a"]).keeps_state);
}

#[test]
fn a_state_that_is_not_one_is_refused() {
    use linemill_sdk::{Filter, Handover};
    let settings = serde_json::from_value(json!({ "rate": "1/s", "count_line": "{count}" }));
    let mut throttle = Throttle::new(settings.unwrap()).unwrap();
    for length in [0, 8, 15, 17, 24] {
        let refused = throttle.restore(&vec![0; length]).unwrap_err().to_string();
        assert_eq!(refused, format!("the state has {length} bytes, not 16"));
    }
    let (settings, state) = (json!({ "rate": "1/s", "count_line": "{count}" }), [1; 16]);
    let after = restored::<Throttle>(settings, "throttle/1", state, [""; 0]);
    assert_eq!(after, ["72340172838076673"]);
}

#[test]
fn refusals_name_the_key_and_the_fix() {
    let with = |key: &str, value| {
        let mut settings = json!({ "rate": "1/s" });
        settings[key] = value;
        refusal::<Throttle>(settings)
    };
    assert_eq!(refusal::<Throttle>(json!({})), "missing key `rate`");
    let form = "is not a rate; write a number of lines, a slash and a time, such as \"100/s\" or \"5/10m\"";
    assert_eq!(
        with("rate", json!("fast")),
        format!("`rate`: `fast` {form}")
    );
    assert_eq!(with("rate", json!(100)), format!("`rate`: `100` {form}"));
    assert_eq!(
        with("burst", json!(90_000)),
        "`burst`: 90000 is too large for the rate 1/s; at most 86400 are allowed, the lines of a day"
    );
    assert_eq!(
        with("key", json!("(")),
        "`key`: `(` is not a valid regular expression: unclosed group"
    );
    assert_eq!(
        with("full", json!("drop")),
        r#"`full`: must be `pass` or `throttle`; found the text "drop""#
    );
    assert_eq!(
        with("burst", json!(0)),
        "`burst`: 0 is out of range; it must be between 1 and 1000000000 lines"
    );
    assert_eq!(
        with("route", json!("")),
        "an empty text is not a valid route name; use 1 to 64 letters, digits, `-` and `_`"
    );
    assert!(with("route", json!("a b")).contains("not a valid route name"));
    assert!(with("count_line", json!("dropped")).contains("write {count}"));
    assert!(with("count_line", json!("{count} {line}")).contains("{line} has no meaning"));
}
