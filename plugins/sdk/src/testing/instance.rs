//! A filter called as a host calls it, without WebAssembly: what its code costs natively.
//!
//! Lines come as one block. What goes on is given line by line. Not here: what `on_error` makes of
//! a line that failed; nothing is given for it.

use super::Value;
use crate::batch::{self, Lines};
use crate::{Error, Filter};

/// One instance of a filter, for measurements; to test a filter, [`lines`](super::lines) and
/// [`verdicts`](super::verdicts) find more.
pub struct Instance<F> {
    filter: F,
    routes: Vec<String>,
}

impl<F: Filter> Instance<F> {
    /// A new instance with settings as JSON.
    ///
    /// # Errors
    /// When the filter refuses them.
    pub fn new(settings: &Value) -> Result<Self, Error> {
        let (filter, routes) = super::start(settings)?;
        Ok(Self { filter, routes })
    }

    /// Judges lines: `spans` has the start and the end of each in `bytes`, as `wit/batch.wit` says.
    /// Gives each line that goes on to `emitted`, in order, those that take a route too.
    ///
    /// # Panics
    /// When spans are not within `bytes`.
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
        // Where the outcome has no spans, those of the input hold.
        let given = spans.clone();
        let input = Lines { bytes, spans };
        let outcome = batch::process(&mut self.filter, &self.routes, input);
        let output = outcome.output;
        let same = outcome.counts.is_empty() && output.spans.is_empty();
        let spans = if same { given } else { output.spans };
        for span in spans.chunks_exact(2) {
            emitted(&output.bytes[span[0] as usize..span[1] as usize]);
        }
    }
}
