//! Each target on its corpus in `tests/fuzz/corpus`, and on changed copies of it.

use std::fs;
use std::path::{Path, PathBuf};

use super::changes::{Numbers, changed, spliced};

/// Shows the input in hand if it makes its target panic.
struct InHand<'a>(&'a [u8]);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input: b\"{}\"", self.0.escape_ascii());
        }
    }
}

/// The files of a folder in `tests`.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests")
        .join(folder);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs `target` on its corpus and on `copies` more inputs made of that.
fn holds(target: &str, run: fn(&[u8]), copies: usize) {
    let mut corpus = files(&format!("fuzz/corpus/{target}"));
    assert!(
        corpus.len() >= 10,
        "{} inputs in the corpus of {target}",
        corpus.len()
    );
    if target == "config" {
        corpus.extend(files("golden/config"));
    }
    let hand = |input: &[u8]| {
        let hand = InHand(input);
        run(hand.0);
    };
    corpus.iter().for_each(|input| hand(input));
    let mut numbers = Numbers::new(0x6c69_6e65_6d69_6c6c);
    for _ in 0..copies {
        let one = &corpus[numbers.below(corpus.len())];
        let other = &corpus[numbers.below(corpus.len())];
        let input = match numbers.below(3) {
            0 => spliced(one, other, &mut numbers),
            _ => one.clone(),
        };
        hand(&changed(&input, 8, &mut numbers));
    }
}

#[test]
fn framing() {
    holds("framing", super::framing::run, 20_000);
}

#[test]
fn octet() {
    holds("octet", super::octet::run, 20_000);
}

#[test]
fn config() {
    holds("config", super::config::run, 5_000);
}

#[test]
fn verdict() {
    holds("verdict", super::verdict::run, 50_000);
}

#[test]
fn admin() {
    holds("admin", super::admin::run, 3_000);
}
