//! Work that is repeated, to measure its time or count its instructions.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};

/// Inputs made at a time while work is timed: few enough to stay in the processor's caches.
const AHEAD: BatchSize = BatchSize::NumIterations(8);

/// A case, or why it could not be prepared.
pub(crate) type Ready = anyhow::Result<Box<dyn Case>>;

/// Work that has been prepared.
pub(crate) trait Case {
    /// Measures seconds. Making the input does not count.
    fn time(&mut self, name: &str, criterion: &mut Criterion);

    /// Makes `inputs` inputs and does the work on the first `times` of them, so runs that differ
    /// only in `times` differ only in the work.
    fn repeat(&mut self, times: u64, inputs: u64);
}

/// What `run` does to copies of an input.
pub(crate) struct Work<I, F> {
    pub(crate) input: I,
    /// Bytes of the input.
    pub(crate) bytes: usize,
    pub(crate) run: F,
}

impl<I: Clone, O, F: FnMut(I) -> O> Case for Work<I, F> {
    fn time(&mut self, name: &str, criterion: &mut Criterion) {
        let (group, function) = name.split_once('/').unwrap_or(("", name));
        let mut group = criterion.benchmark_group(group);
        group.throughput(Throughput::Bytes(self.bytes as u64));
        group.bench_function(function, |bencher| {
            bencher.iter_batched(|| self.input.clone(), &mut self.run, AHEAD);
        });
        group.finish();
    }

    fn repeat(&mut self, times: u64, inputs: u64) {
        for at in 0..inputs {
            let input = black_box(self.input.clone());
            if at < times {
                black_box((self.run)(input));
            }
        }
    }
}
