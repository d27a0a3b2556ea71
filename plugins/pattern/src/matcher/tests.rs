//! Compares the matcher with `Patterns`, which compiles all patterns to one automaton.

use super::Matcher;
use crate::{Options, Patterns};

fn agree(patterns: &[&str], options: Options, lines: &[&[u8]]) {
    let mut matcher = Matcher::new(patterns, |index| index.to_string(), options).unwrap();
    let keyed: Vec<_> = patterns.iter().map(|pattern| ("key", *pattern)).collect();
    let mut expected = Patterns::new(&keyed, options).unwrap();
    for line in lines {
        assert_eq!(
            matcher.matches(line),
            expected.matches(line),
            "{patterns:?} {:?}",
            line.escape_ascii().to_string()
        );
    }
}

#[test]
fn texts_and_expressions_match_as_one_automaton_does() {
    let lines: Vec<&[u8]> = vec![
        b"",
        b"a",
        b"A",
        b"abc",
        b"xABCx",
        b"a.c",
        b"a\nb",
        b"a b",
        b"ERROR 7",
        b"error",
        b"404",
        b"x-1",
        b"\xff",
        "\u{c4}".as_bytes(),
        "\u{e4}".as_bytes(),
        b"aaa",
        b"{a}",
        b"bcd",
        b"$",
        b"a$",
    ];
    for patterns in [
        &["a"][..],
        &["abc", "b"],
        &["a.c"],
        &["a[\\n ]b"],
        &["^a"],
        &["a$"],
        &["", "x"],
        &["ERROR|404"],
        &["(?i)abc"],
        &["(?i:a)b", "7"],
        &["\u{c4}"],
        &["[0-9]{3}"],
        &["a{3}", "x-\\d"],
        &["b", "c", "d", "^e", "f?$"],
        &["(ab|b)c(d|)"],
        &["a", "b", "c", "d", "e", "f", "g", "h", "i", "ERR.R"],
        &["\\$"],
        &["\\{a\\}"],
    ] {
        for ignore_case in [false, true] {
            for literal in [false, true] {
                let options = Options {
                    ignore_case,
                    literal,
                };
                agree(patterns, options, &lines);
            }
        }
    }
}

#[test]
fn long_texts_match() {
    let long = "aB".repeat(200);
    let line = format!("x{long}y");
    let lines: [&[u8]; 3] = [line.as_bytes(), &line.as_bytes()[2..], b"aB"];
    let others: Vec<String> = (0..20).map(|number| format!("<{number}>")).collect();
    let mut many: Vec<&str> = others.iter().map(String::as_str).collect();
    many.push(&long);
    for ignore_case in [false, true] {
        for literal in [false, true] {
            let options = Options {
                ignore_case,
                literal,
            };
            agree(&[&long], options, &lines);
            agree(&many, options, &lines);
        }
    }
}

#[test]
fn an_expression_of_any_size_takes_bounded_memory_to_screen() {
    let long = "a.".repeat(20_000) + &"b".repeat(20_000);
    let hir = crate::parse(&long, Options::default()).unwrap();
    assert!(crate::sequence::Sequence::required(&hir).is_some());
    assert_eq!(crate::required::required(&hir).unwrap().longest(), 32);
}

#[test]
fn patterns_that_are_too_large_are_refused() {
    let new = |patterns: &[&str]| {
        let refused = Matcher::new(
            patterns,
            |index| format!("key[{index}]"),
            Options::default(),
        );
        refused.err().map(|error| error.to_string())
    };
    let error = new(&["(?:a{1000}){1000}"]).unwrap();
    assert!(error.contains("too large"), "{error}");
    let many: Vec<String> = (0..100_000).map(|number| format!("^{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let error = new(&many).unwrap();
    assert!(error.contains("`literal = true`"), "{error}");
    assert_eq!(
        new(&["a", "(?-u:a(b"]).unwrap(),
        "`key[1]`: `(?-u:a(b` is not a valid regular expression: unclosed group",
    );
}
