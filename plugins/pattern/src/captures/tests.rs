use super::{Budget, Captures};
use crate::Options;

fn captures(expression: &str) -> Captures {
    Captures::new("key", expression, Options::default(), &mut Budget::new(1)).unwrap()
}

fn refusal(expression: &str) -> String {
    match Captures::new("key", expression, Options::default(), &mut Budget::new(1)) {
        Ok(_) => panic!("`{expression}` is accepted"),
        Err(error) => error.to_string(),
    }
}

fn groups<'a>(captures: &mut Captures, line: &'a str) -> Option<Vec<Option<&'a str>>> {
    captures.find_with_groups(line.as_bytes()).then(|| {
        (0..captures.names().len())
            .map(|index| Some(&line[captures.group(index)?]))
            .collect()
    })
}

#[test]
fn groups_have_numbers_and_names() {
    let mut pair = captures("(?<key>[a-z]+)=([0-9]+)(;)?");
    assert_eq!(pair.names(), [None, Some("key".into()), None, None]);
    assert_eq!(
        groups(&mut pair, "-- width=30"),
        Some(vec![Some("width=30"), Some("width"), Some("30"), None])
    );
    assert_eq!(groups(&mut pair, "width="), None);
}

/// One expression for each way to find groups.
#[test]
fn every_way_finds_the_same_groups() {
    let tail = "x".repeat(20_000);
    for length in [0, 3, 20_000] {
        let line = format!("a=b=c {}", &tail[..length]);
        for (expression, one_pass) in [
            ("^([a-z])=([^ ]*) (x*)$", true),
            ("^([a-z])(?:=)([a-z=]*)[ ](x*)$", true),
            ("([a-z]+)=(.*) (x*)", false),
            ("(?:z|([a-z]))=(.+) (x*)$", false),
        ] {
            let mut captures = captures(expression);
            assert_eq!(captures.groups.one_pass.is_some(), one_pass, "{expression}");
            let found = groups(&mut captures, &line).unwrap();
            let expected = [&*line, "a", "b=c", &tail[..length]];
            assert_eq!(found, expected.map(Some), "{expression}");
        }
    }
}

#[test]
fn a_match_is_found_from_a_start_with_the_bytes_before_it_in_view() {
    let mut word = captures(r"\b(\w)");
    assert_eq!(word.find(b"ab c", 0), Some(0..1));
    assert_eq!(word.find(b"ab c", 1), Some(3..4));
    assert_eq!(word.find(b"ab c", 4), None);
    let mut first = captures("^a");
    assert_eq!(first.find(b"aa", 0), Some(0..1));
    assert_eq!(first.find(b"aa", 1), None);
}

#[test]
fn expressions_share_a_budget() {
    let mut budget = Budget::new(2);
    let options = Options::default();
    assert!(Captures::new("a", "a{9000}", options, &mut budget).is_ok());
    let second = Captures::new("b", "a{30000}", options, &mut budget)
        .err()
        .unwrap();
    assert_eq!(
        second.to_string(),
        "`b`: `a{30000}` is too large; reduce repetitions such as {1000}"
    );
    assert!(Captures::new("b", "a{30000}", options, &mut Budget::new(1)).is_ok());
}

#[test]
fn what_is_not_an_expression_is_refused() {
    assert_eq!(
        refusal("a(b"),
        "`key`: `a(b` is not a valid regular expression: unclosed group"
    );
    assert_eq!(
        refusal("(?<a>x)(?<a>y)"),
        "`key`: `(?<a>x)(?<a>y)` is not a valid regular expression: duplicate capture group name"
    );
    assert_eq!(
        refusal("[äö]"),
        "`key`: `[äö]` is not a valid regular expression: a class has characters outside ASCII, so it needs (?u) \
         before it"
    );
    assert!(refusal("(?:a{1000}){1000}").contains("is too large"));
    let groups = "(a)".repeat(400);
    assert!(refusal(&groups).contains("is too large"), "{groups}");
}
