//! Text as a configuration.
//!
//! In: any bytes, read as text. Invariants: either the text is accepted and means the same when it
//! is read again, or each report names the file and a line, is not empty, and contains no control
//! characters.

use std::path::Path;

use crate::diff::diff;
use crate::parse;
use crate::problem::Problem;

/// The file that reports must name.
const FILE: &str = "a.toml";

/// Runs the target on one input.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let parsed = || parse(Path::new(FILE), &text, &["rot13", "redact"]);
    match (parsed(), parsed()) {
        (Ok(one), Ok(other)) => assert!(diff(&one, &other).is_empty(), "it means two things"),
        (Err(one), Err(other)) => {
            assert_eq!(one, other, "it is refused for two reasons");
            assert!(one.iter().next().is_some(), "refused for no reason");
            one.iter().for_each(holds);
        }
        _ => panic!("it is accepted or not"),
    }
}

/// What must hold for every report.
fn holds(problem: &Problem) {
    let shown = problem.to_string();
    let place = shown.strip_prefix("error: a.toml:");
    let mut place = place
        .unwrap_or_else(|| panic!("names no file: {shown}"))
        .splitn(3, ':');
    let mut number = || place.next().and_then(|digits| digits.parse::<u32>().ok());
    assert!(
        number() > Some(0) && number() > Some(0),
        "names no line: {shown}"
    );
    assert!(!problem.what().is_empty(), "says nothing: {shown}");
    let drives = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!shown.contains(drives), "drives a terminal: {shown:?}");
}

#[cfg(test)]
#[test]
fn target_holds() {
    linemill_fuzz_inputs::holds("config", run, 5_000);
}
