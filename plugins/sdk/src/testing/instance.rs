//! Calls a filter as a host does, but natively, to measure what its code costs.
//!
//! In: a block of lines. Out: the output lines, one by one. Not here: `on_error`; a line that
//! failed has no output.

use super::{Value, stream};
use crate::batch::{self, Lines};
use crate::{Error, Filter};

/// One instance of a filter, for measurements. To test a filter, use [`lines`](super::lines) and
/// [`verdicts`](super::verdicts), which detect more mistakes.
pub struct Instance<F> {
    filter: F,
    routes: Vec<String>,
}

impl<F: Filter> Instance<F> {
    /// Creates an instance with settings given as JSON.
    ///
    /// # Errors
    /// If the filter refuses the settings.
    pub fn new(settings: &Value) -> Result<Self, Error> {
        let (filter, routes) = super::start(settings)?;
        Ok(Self { filter, routes })
    }

    /// Judges the lines of one call. `spans` holds the start and the end of each line in `bytes`,
    /// as `wit/batch.wit` defines them. Passes each output line to `emitted`, in order, including
    /// those that take a route.
    ///
    /// # Panics
    /// If a span is not within `bytes`.
    ///
    /// ```
    /// use linemill_sdk::testing::{Instance, json};
    /// use linemill_sdk::{Output, filter_fn};
    ///
    /// filter_fn!(Words = words);
    ///
    /// fn words(line: &[u8], out: &mut Output) {
    ///     for word in line.split(|&byte| byte == b' ') {
    ///         out.emit(word);
    ///     }
    /// }
    ///
    /// let mut filter = Instance::<Words>::new(&json!({})).unwrap();
    /// let mut found = Vec::new();
    /// filter.call(b"a b\nc\n".to_vec(), vec![0, 3, 4, 5], |line| found.push(line.to_vec()));
    /// assert_eq!(found, [b"a", b"b", b"c"]);
    /// ```
    pub fn call(&mut self, bytes: Vec<u8>, spans: Vec<u32>, mut emitted: impl FnMut(&[u8])) {
        // If the outcome has no spans, it has those of the input.
        let input_spans = spans.clone();
        let input = Lines { bytes, spans };
        let process = || batch::process(&mut self.filter, &self.routes, input);
        let outcome = stream::in_call(process);
        let output = outcome.output;
        let same = outcome.counts.is_empty() && output.spans.is_empty();
        let output_spans = if same { input_spans } else { output.spans };
        for span in output_spans.chunks_exact(2) {
            emitted(&output.bytes[span[0] as usize..span[1] as usize]);
        }
    }
}
