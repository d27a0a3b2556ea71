//! Runs the tests in a filter's configuration before the filter goes live.
//!
//! In: a started filter, and one test. Out: nothing, or why the test [`Failed`]. Each test is a stream of its
//! own that is also ended, so the output includes lines that the filter held back. It does not
//! include lines that take a route, as if every route had a destination.
//! Not here: which tests to run, and reporting.

use std::sync::Arc;

use crate::chain::{Chain, Stage, StreamState};
use crate::filter::Filter;
use crate::verdict::Rules;
use linemill_config::settings::FilterTest;
use linemill_framing::{LineSettings, Lines};

/// A test whose output is not as expected. All lines are without terminators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The lines of the test's input.
    pub input: Vec<Vec<u8>>,
    /// The expected output.
    pub expected: Vec<Vec<u8>>,
    /// The actual output.
    pub found: Vec<Vec<u8>>,
}

/// Why a test did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The output differs from the expected one.
    Mismatch(Mismatch),
    /// The host could not run the filter.
    Host,
}

/// Runs one test.
///
/// # Errors
/// When the output differs from the expected one, or the host could not run the filter.
pub async fn run(filter: &Arc<Filter>, test: &FilterTest) -> Result<(), Failed> {
    let longest = test
        .input
        .iter()
        .chain(&test.output)
        .map(Vec::len)
        .max()
        .unwrap_or(0);
    let usual = Rules::of(LineSettings::default());
    let rules = Rules {
        max_output: longest.max(usual.max_output),
        ..usual
    };
    // The chain has every route of the filter, so that lines which take one leave the stream.
    let routes = filter.routes().iter().map(String::as_str);
    let chain = Chain::new(vec![Stage::new(Arc::clone(filter), None)], routes);
    let mut stream = StreamState::new(Arc::new(chain), rules);
    let mut lines = Lines::default();
    for content in &test.input {
        lines.push(content, rules.framing.terminator());
    }
    let output = stream.finish(lines).await;
    if output.cut > 0 {
        return Err(Failed::Host);
    }
    let out = output.lines;
    let found: Vec<_> = (0..out.len())
        .map(|index| out.content(index).to_vec())
        .collect();
    if found == test.output {
        return Ok(());
    }
    Err(Failed::Mismatch(Mismatch {
        input: test.input.clone(),
        expected: test.output.clone(),
        found,
    }))
}
