use std::ops::Range;

use memchr::memmem::Finder;

use super::ahead::Ahead;
use super::{Budget, Captures, Cursor};
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
            assert_eq!(captures.groups.are_one_pass(), one_pass, "{expression}");
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
fn a_text_that_every_match_contains_is_found() {
    for (expression, text) in [
        (r"\d+ ms", Some(" ms")),
        (r"\d+ms=(x|\d)", Some("ms=")),
        (r"[a-z](abc)+\d(?:abcd)?", Some("abc")),
        (r"[a-z]?(?:ab|cd)", None),
        (r"\w+=", None),
        (r"(?i)\d+error", None),
        ("[ab]*(?:xyz){0,3}", None),
    ] {
        let captures = captures(expression);
        let found = captures.required.as_ref().map(Finder::needle);
        assert_eq!(found, text.map(str::as_bytes), "{expression}");
    }
    let mut took = captures(r"(\d+)ms");
    assert_eq!(took.find(b"took 12 ms, 7ms", 0), Some(12..15));
    assert_eq!(took.find(b"took 12 s", 0), None);
    assert_eq!(captures(r"[0-9][a-f]").find(b"x12f", 0), Some(2..4));
}

#[test]
fn expressions_share_a_budget() {
    let mut budget = Budget::new(2);
    let options = Options::default();
    assert!(Captures::new("a", "a{5000}", options, &mut budget).is_ok());
    let second = Captures::new("b", "a{13000}", options, &mut budget)
        .err()
        .unwrap();
    assert_eq!(
        second.to_string(),
        "`b`: `a{13000}` is too large together with the patterns before it; reduce repetitions such as {1000}"
    );
    assert!(Captures::new("b", "a{13000}", options, &mut Budget::new(1)).is_ok());
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
        refusal(r"(?u)\bä"),
        r"`key`: `(?u)\bä` is not a valid regular expression: \b and \B know only ASCII; within (?u), write (?-u:\b)"
    );
    for expression in [
        "(?u)[^[:word:]ä]",
        r"(?u)(?-u:\b)ä.",
        "(?i)ä",
        "(?u)[äöü](?i-u:x)",
    ] {
        captures(expression);
    }
    assert_eq!(
        refusal("[äö]"),
        "`key`: `[äö]` is not a valid regular expression: a class has characters outside ASCII, so it needs (?u) \
         before it"
    );
    assert_eq!(
        refusal("(?:a{1000}){1000}"),
        "`key`: `(?:a{1000}){1000}` is too large; reduce repetitions such as {1000}"
    );
    assert_eq!(
        refusal(r"a\nb"),
        r#"`key`: "a\\nb" can never match, because a line contains no line feed (\n)"#
    );
    let groups = "(a)".repeat(400);
    assert!(refusal(&groups).contains("is too large"), "{groups}");
}

/// All matches, as a filter searches for them.
fn all(captures: &mut Captures, line: &[u8], cursor: &mut Cursor) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start <= line.len()
        && let Some(range) = captures.find_next(line, start, cursor)
    {
        start = range.end + usize::from(range.is_empty());
        found.push(range);
    }
    found
}

#[test]
fn a_search_that_reads_on_in_vain_continues_in_another_way() {
    for (expression, byte, each) in [
        ("a[^z]*z|a", "a", 1),
        ("<.*>|<", "<", 1),
        ("(?:foo)(?:.*bar)?", "foo", 3),
        ("(?:x+y)??|x+y|x", "x", 0),
        ("a*?b|a|(?:a*c)", "a", 1),
        ("(a)(.*;)?", "a", 1),
    ] {
        let line = byte.repeat(3000);
        let mut captures = captures(expression);
        let mut cursor = Cursor::default();
        let found = all(&mut captures, line.as_bytes(), &mut cursor);
        let starts = (0..=line.len() - each).step_by(each.max(1));
        let expected: Vec<_> = starts.map(|at| at..at + each).collect();
        assert_eq!(found, expected, "{expression}");
        assert_eq!(cursor.ahead.is_some(), each > 0, "{expression}");
    }
}

/// The ordinary search, with and without counting, and the other way find the same.
#[test]
fn both_ways_find_the_same_matches() {
    let parts = [
        "a",
        "b",
        "[ab]",
        ".",
        "a*",
        "b+?",
        "(?:ab|a)",
        "(?:a|ab)*",
        "(?:a*)*",
        "(?:b??)+",
        "^",
        "$",
        r"\b",
        r"\B",
        "c",
        "[^a]*c",
        "(?:a|b*)*?",
        ".*",
        "(?:)",
        "x?",
    ];
    let mut random = Random(7);
    for round in 0..1500 {
        let mut expression = String::new();
        for _ in 0..1 + random.below(4) {
            expression.push_str(parts[random.below(parts.len())]);
            if random.below(4) == 0 {
                expression.push('|');
            }
        }
        let line: Vec<u8> = (0..random.below(40))
            .map(|_| b"aaabbc \xe4"[random.below(8)])
            .collect();
        let mut captures = captures(&expression);
        let mut ahead = Ahead::new(captures.regex.forward().get_nfa(), &line, 0).unwrap();
        let mut start = 0;
        while start <= line.len() {
            let found = captures.find(&line, start);
            let context = format!(
                "{round}: {expression} on {:?} from {start}",
                line.escape_ascii().to_string()
            );
            let counting = captures.find_counting(&line, start);
            assert_eq!(counting.map(|(found, _)| found), found, "{context}");
            assert_eq!(ahead.find(&line, start), found, "{context}");
            let Some(found) = found else { break };
            start = found.end + usize::from(found.is_empty());
        }
    }
}

/// One set of states for each text of 18 letters: more than are remembered.
#[test]
fn the_other_way_succeeds_with_more_sets_than_fit() {
    let mut random = Random(9);
    let line: Vec<u8> = (0..30_000).map(|_| b"ab"[random.below(2)]).collect();
    let mut captures = captures("[ab]{18}aa|b");
    let mut ahead = Ahead::new(captures.regex.forward().get_nfa(), &line, 0).unwrap();
    let mut start = 0;
    while let Some(found) = captures.find(&line, start) {
        assert_eq!(ahead.find(&line, start), Some(found.clone()));
        start = found.end;
    }
    assert_eq!(ahead.find(&line, start), None);
    assert!(start > 29_900);
}

/// A pseudo-random generator (xorshift), the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
