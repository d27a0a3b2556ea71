//! Runs a filter's own tests before it goes live.
//!
//! In: a started filter and the examples of its configuration. Out: nothing, or the first example
//! that does not hold. Each example is a stream of its own, ended, so what a filter holds back
//! counts too. Lines that take a route have left the stream, as if all its routes led somewhere.

use std::sync::Arc;

use crate::chain::{Chain, Stage, StreamState};
use crate::filter::Filter;
use crate::verdict::Rules;
use linemill_config::settings::FilterTest;
use linemill_framing::Framing;
use linemill_framing::Lines;

/// An example that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Lines given.
    pub input: Vec<Vec<u8>>,
    /// Lines expected.
    pub expected: Vec<Vec<u8>>,
    /// Lines that came.
    pub found: Vec<Vec<u8>>,
}

/// Runs one example.
///
/// # Errors
/// When other lines come than expected.
pub async fn run(filter: &Arc<Filter>, test: &FilterTest) -> Result<(), Mismatch> {
    let longest = test
        .input
        .iter()
        .chain(&test.output)
        .map(Vec::len)
        .max()
        .unwrap_or(0);
    let rules = Rules {
        framing: Framing::Lf,
        max_output: longest.max(64 * 1024),
    };
    // Every route leads somewhere, so that lines which take one are seen to.
    let routes = filter.routes().iter().map(String::as_str);
    let chain = Chain::new(vec![Stage::new(Arc::clone(filter), None)], routes);
    let mut stream = StreamState::new(Arc::new(chain), rules);
    let mut lines = Lines::default();
    for content in &test.input {
        lines.push(content, Framing::Lf.terminator());
    }
    let out = stream.finish(lines).await.lines;
    let found: Vec<_> = (0..out.len())
        .map(|index| out.content(index).to_vec())
        .collect();
    if found == test.output {
        return Ok(());
    }
    Err(Mismatch {
        input: test.input.clone(),
        expected: test.output.clone(),
        found,
    })
}
