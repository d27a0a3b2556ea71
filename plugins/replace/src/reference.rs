//! Compares the filter with the `regex` crate, on random rules and lines.

use linemill_sdk::testing::{Instance, json};
use regex::bytes::RegexBuilder;

use crate::Replace;

const PARTS: [&str; 26] = [
    "a",
    "b",
    "ab",
    "c",
    ".",
    "[ab]",
    "[^a]",
    "a*",
    "b+",
    "c?",
    "b*?",
    "(a)",
    "(b*)",
    "(?<n>a|b+)",
    "(?:ab|a)",
    "(?:a|ab)*",
    "^",
    "$",
    r"\b",
    r"\B",
    r"\w+",
    r"\s",
    r"(\w+) (\w+)",
    ".*",
    "(?i:A)",
    "",
];

const WITH: [&str; 8] = ["", "-", "<$0>", "$$", "ab", "$0$0", "a$0", "x y"];

#[test]
fn rules_do_what_the_regex_crate_does() {
    let mut random = Random(11);
    for round in 0..500 {
        let mut rules = Vec::new();
        let mut references = Vec::new();
        for _ in 0..=random.below(3) {
            let (mut alternatives, mut named) = (vec![Vec::new()], false);
            for _ in 0..=random.below(4) {
                let part = PARTS[random.below(PARTS.len())];
                if part.contains("?<n>") && std::mem::replace(&mut named, true) {
                    continue;
                }
                if let (Some(last), false) = (alternatives.last_mut(), part.is_empty()) {
                    last.push(part);
                }
                if random.below(4) == 0 {
                    alternatives.push(Vec::new());
                }
            }
            let joined = alternatives.iter().map(|parts| parts.concat());
            let pattern = joined.collect::<Vec<_>>().join("|");
            let ignore_case = random.below(4) == 0;
            let reference = RegexBuilder::new(&preferring_text(&alternatives))
                .unicode(false)
                .case_insensitive(ignore_case)
                .build()
                .unwrap();
            let mut with = WITH[random.below(WITH.len())].to_owned();
            if reference.captures_len() > 1 && random.below(2) == 0 {
                with.push_str(if named { "[${n}]" } else { "[$1]" });
            }
            let all = random.below(4) > 0;
            rules.push(json!({
                "pattern": pattern, "with": with, "all": all, "ignore_case": ignore_case
            }));
            references.push((reference, with, all));
        }
        let input: Vec<Vec<u8>> = (0..8).map(|_| line(&mut random)).collect();
        let expected = input.iter().map(|line| {
            let mut line = line.clone();
            for (reference, with, all) in &references {
                let limit = usize::from(!all);
                line = reference
                    .replacen(&line, limit, with.as_bytes())
                    .into_owned();
            }
            line
        });
        let expected: Vec<Vec<u8>> = expected.collect();
        let output = replaced(
            &mut Instance::new(&json!({ "rules": rules })).unwrap(),
            &input,
        );
        assert_eq!(output, expected, "{round}: {rules:?} on {input:?}");
    }
}

/// The pattern in which what matches nothing comes last.
fn preferring_text(alternatives: &[Vec<&str>]) -> String {
    if let [one] = alternatives {
        return one.concat();
    }
    let (mut texts, mut empty) = (Vec::new(), Vec::new());
    for parts in alternatives {
        let text = match &parts[..] {
            ["a*"] => "a+".to_owned(),
            ["c?"] => "c".to_owned(),
            [".*"] => ".+".to_owned(),
            ["(?:a|ab)*"] => "(?:a|ab)+".to_owned(),
            parts
                if parts
                    .iter()
                    .all(|part| ["^", "$", r"\b", r"\B"].contains(part)) =>
            {
                empty.push(parts.concat());
                continue;
            }
            parts => {
                texts.push(parts.concat());
                continue;
            }
        };
        texts.push(text);
        empty.push(String::new());
    }
    texts.extend(empty);
    texts.join("|")
}

/// The output lines of one call.
fn replaced(filter: &mut Instance<Replace>, input: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (mut block, mut spans) = (Vec::new(), Vec::new());
    for line in input {
        spans.push(block.len() as u32);
        block.extend_from_slice(line);
        spans.push(block.len() as u32);
        block.push(b'\n');
    }
    let mut output = Vec::new();
    filter.call(block, spans, |line| output.push(line.to_vec()));
    output
}

/// Bytes that do not continue a character, so that the rule about empty matches inside one does not apply.
fn line(random: &mut Random) -> Vec<u8> {
    let length = [5, 20, 300][random.below(3)];
    (0..random.below(length))
        .map(|_| b"aaAbbc  _\xe4"[random.below(10)])
        .collect()
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
