//! Runs a target on its corpus, `tests/fuzz/corpus/TARGET`, and on mutated copies of it.
//!
//! In: a target. Out: nothing; the target panics when a property does not hold.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Numbers, changed, spliced};

/// Prints the current input if it makes the target panic.
struct CurrentInput<'a>(&'a [u8]);

impl Drop for CurrentInput<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input: b\"{}\"", self.0.escape_ascii());
        }
    }
}

/// The contents of the files in a folder of `tests`, sorted by path.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    paths.sort();
    let read = |path: &PathBuf| {
        fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    paths.iter().map(read).collect()
}

/// Runs `target` on its corpus, and on `copies` mutated inputs. The copies are the same on every run.
///
/// # Panics
/// When a property does not hold, after printing the input to standard error. When the corpus cannot
/// be read, or has fewer than ten inputs.
pub fn holds(target: &str, run: fn(&[u8]), copies: usize) {
    let mut corpus = files(&format!("fuzz/corpus/{target}"));
    assert!(
        corpus.len() >= 10,
        "{} inputs in the corpus of {target}",
        corpus.len()
    );
    if target == "config" {
        corpus.extend(files("golden/config"));
    }
    let check = |input: &[u8]| {
        let current = CurrentInput(input);
        run(current.0);
    };
    corpus.iter().for_each(|input| check(input));
    let mut numbers = Numbers::new(0x6c69_6e65_6d69_6c6c);
    for _ in 0..copies {
        let one = &corpus[numbers.below(corpus.len())];
        let other = &corpus[numbers.below(corpus.len())];
        let input = match numbers.below(3) {
            0 => spliced(one, other, &mut numbers),
            _ => one.clone(),
        };
        check(&changed(&input, 8, &mut numbers));
    }
}
