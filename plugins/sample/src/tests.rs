use std::collections::BTreeSet;

use linemill_sdk::testing::{handed_over, json, lines, refusal, refused_state, run};

use crate::Sample;

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[test]
fn by_count_passes_the_first_of_every_ten() {
    let out = lines::<Sample>(json!({}), numbers(35));
    assert_eq!(out, ["0", "10", "20", "30"]);
    assert!(run::<Sample>(json!({}), ["a"]).keeps_state);
}

#[test]
fn one_in_one_is_every_line() {
    for by in ["count", "content"] {
        let out = lines::<Sample>(json!({ "one_in": 1, "by": by }), numbers(20));
        assert_eq!(out, numbers(20), "{by}");
    }
}

#[test]
fn by_content_is_consistent_per_line_and_right_on_average() {
    let settings = json!({ "one_in": 8, "by": "content" });
    let once = lines::<Sample>(settings.clone(), numbers(8000));
    assert!((900..1100).contains(&once.len()), "{} of 8000", once.len());
    let mut backwards = numbers(8000);
    backwards.reverse();
    let mut again = lines::<Sample>(settings.clone(), backwards);
    again.reverse();
    assert_eq!(once, again, "independent of the order");
    assert!(!run::<Sample>(settings, ["a"]).keeps_state);
}

#[test]
fn refusals_name_the_key() {
    assert_eq!(
        refusal::<Sample>(json!({ "one_in": 0 })),
        "`one_in`: must be at least 1; 1 passes every line",
    );
    assert_eq!(
        refusal::<Sample>(json!({ "by": "time" })),
        r#"`by`: must be `count` or `content`; found the text "time""#,
    );
}

#[test]
fn the_count_continues_in_another_instance() {
    let (tenth, third, hundredth) = (json!({}), json!({ "one_in": 3 }), json!({ "one_in": 100 }));
    for before in [1, 2, 9, 10, 11, 20] {
        handed_over::<Sample>(tenth.clone(), numbers(before), tenth.clone(), numbers(30));
    }
    let on_time = handed_over::<Sample>(tenth.clone(), numbers(2), third.clone(), numbers(5));
    assert_eq!(on_time, ["1", "4"], "the third since the last that passed");
    let overdue = handed_over::<Sample>(tenth.clone(), numbers(7), third, numbers(2));
    assert_eq!(overdue, ["0"]);
    let later = handed_over::<Sample>(tenth, numbers(10), hundredth, numbers(100));
    assert_eq!(later, ["90"]);
    assert!(refused_state::<Sample>("sample/1", "many").contains("digit"));
}

#[test]
fn lines_with_the_same_key_have_the_same_fate() {
    let input: Vec<String> = (0..400)
        .map(|n| format!(r#"{{"n": {n}, "request": "{}"}}"#, n % 200))
        .collect();
    for settings in [
        json!({ "one_in": 4, "key": r#""request": "(\d+)"#, "by": "content" }),
        json!({ "one_in": 4, "field": "request" }),
        json!({ "one_in": 4, "field": ["/request"] }),
    ] {
        let out = lines::<Sample>(settings.clone(), &input);
        let requests: BTreeSet<&[u8]> = out.iter().map(|line| request(&line.0)).collect();
        assert!((30..70).contains(&requests.len()), "{}", requests.len());
        assert_eq!(out.len(), 2 * requests.len());
        assert!(!run::<Sample>(settings, ["a"]).keeps_state);
    }
}

/// The last quoted text of a line.
fn request(line: &[u8]) -> &[u8] {
    line.rsplit(|&byte| byte == b'"').nth(1).unwrap()
}

#[test]
fn every_way_to_find_a_key_decides_as_if_it_were_the_line() {
    let line = |number: String| format!(r#"{{"id": {number}}}"#);
    let input: Vec<String> = numbers(200).into_iter().map(line).collect();
    let by_line = lines::<Sample>(json!({ "by": "content" }), numbers(200));
    let expected = by_line
        .into_iter()
        .map(|number| String::from_utf8(number.0).unwrap());
    let expected: Vec<String> = expected.map(line).collect();
    for settings in [
        json!({ "field": "id" }),
        json!({ "key": r"(\d+)" }),
        json!({ "key": r"\d+" }),
    ] {
        assert_eq!(lines::<Sample>(settings, &input), expected);
    }
}

#[test]
fn the_example_of_the_readme_is_right() {
    let input = [
        "begin request=4a",
        "begin request=7c",
        "query request=4a",
        "end request=7c",
    ];
    let out = lines::<Sample>(json!({ "one_in": 3, "key": r"request=(\w+)" }), input);
    assert_eq!(out, [input[0], input[2]]);
}

#[test]
fn a_line_without_a_key_is_decided_by_its_content() {
    let settings = json!({ "one_in": 4, "key": "id=(.*)" });
    let content = json!({ "one_in": 4, "by": "content" });
    assert_eq!(
        lines::<Sample>(settings, numbers(100)),
        lines::<Sample>(content, numbers(100))
    );
}

#[test]
fn a_key_is_not_counted() {
    assert_eq!(
        refusal::<Sample>(json!({ "by": "count", "field": "id" })),
        "`by`: lines are not counted by key; with `key` or `field`, write \"content\" or leave `by` out",
    );
    assert!(refusal::<Sample>(json!({ "key": "(" })).starts_with("`key`: `(` is not a valid"));
    assert!(refusal::<Sample>(json!({ "key": "a", "field": "b" })).contains("remove one of them"));
}
