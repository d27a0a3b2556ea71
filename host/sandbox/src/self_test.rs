//! Runs the tests in a configuration before its filters go live.
//!
//! In: a started filter and one of its tests, or a chain and the lines of a test. Out: nothing, or why the
//! test [`Failed`]; what came out of the chain. Each test is a stream of its own that is also ended, so the
//! output includes lines that a filter held back. The output of a filter does not include lines that take a
//! route, as if every route had a destination.
//! Not here: which tests to run, and reporting.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chain::{Chain, ChainOutput, Stage, StreamState};
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
    let lines = test.input.iter().chain(&test.output);
    let rules = rules(LineSettings::default(), lines);
    // The chain has every route of the filter, so that lines which take one leave the stream.
    let routes = filter.routes().iter().map(String::as_str);
    let chain = Chain::new(vec![Stage::new(Arc::clone(filter), None)], routes);
    let output = stream(Arc::new(chain), rules, &test.input).await?;
    let found = contents(&output.lines);
    if found == test.output {
        return Ok(());
    }
    Err(Failed::Mismatch(Mismatch {
        input: test.input.clone(),
        expected: test.output.clone(),
        found,
    }))
}

/// What came out of a chain. All lines are without terminators.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// The lines that passed through the whole chain.
    pub lines: Vec<Vec<u8>>,
    /// The lines that left by a route, by its name.
    pub routed: BTreeMap<String, Vec<Vec<u8>>>,
    /// How many lines failed in a filter.
    pub failed: u64,
}

/// Runs the lines `input` through a chain whose filters serve nobody else meanwhile. `settings` are those
/// of the listener.
///
/// # Errors
/// When the host could not run a filter.
pub async fn run_chain(
    chain: &Arc<Chain>,
    settings: LineSettings,
    input: &[Vec<u8>],
) -> Result<Passed, Failed> {
    let mut filters: Vec<_> = chain.stages().iter().map(Stage::filter).collect();
    // A chain may use a filter twice.
    filters.sort_by_key(|filter| Arc::as_ptr(filter));
    filters.dedup_by_key(|filter| Arc::as_ptr(filter));
    let failed = || {
        filters
            .iter()
            .map(|filter| filter.failed_lines())
            .sum::<u64>()
    };
    let before = failed();
    let output = stream(Arc::clone(chain), rules(settings, input.iter()), input).await?;
    let routed = output.routed.iter();
    let routed = routed.map(|(route, lines)| (route.to_string(), contents(lines)));
    Ok(Passed {
        lines: contents(&output.lines),
        routed: routed.collect(),
        failed: failed() - before,
    })
}

/// The rules of a stream in which lines of these lengths are not too long.
fn rules<'a>(settings: LineSettings, lines: impl Iterator<Item = &'a Vec<u8>>) -> Rules {
    let usual = Rules::of(settings);
    let longest = lines.map(Vec::len).max().unwrap_or(0);
    Rules {
        max_output: longest.max(usual.max_output),
        ..usual
    }
}

/// Runs a whole stream of lines through a chain.
async fn stream(chain: Arc<Chain>, rules: Rules, input: &[Vec<u8>]) -> Result<ChainOutput, Failed> {
    let mut lines = Lines::default();
    for content in input {
        lines.push(content, rules.framing.terminator());
    }
    let output = StreamState::new(chain, rules).finish(lines).await;
    if output.cut > 0 {
        return Err(Failed::Host);
    }
    Ok(output)
}

fn contents(lines: &Lines) -> Vec<Vec<u8>> {
    let contents = (0..lines.len()).map(|index| lines.content(index).to_vec());
    contents.collect()
}
