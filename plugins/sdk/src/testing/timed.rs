//! Runs a stream with times, for filters that are called when no line comes.
//!
//! In: lines with the times at which they come. Out: the output lines with the times at which they were
//! emitted, as from a host that is never late.

use std::time::Duration;

use super::{
    Fit, Line, Process, SHORTCUT, Value, judge, metrics, pack, start, store, stream, unpack,
};
use crate::Timer;
use crate::batch::{self, Held};
use crate::testing::Verdict;

/// The least time between two ticks, in nanoseconds.
const PAUSE: u64 = 10_000_000;

/// The output lines for a stream of `lines`, each with the time at which it was emitted. A line comes at its
/// time, and the stream ends at `end`.
///
/// # Panics
/// If times go backwards, the settings are refused, a line or a tick fails, or the filter keeps no state.
#[track_caller]
pub fn timed<F: Timer>(
    settings: Value,
    lines: impl IntoIterator<Item = (Duration, impl AsRef<[u8]>)>,
    end: Duration,
) -> Vec<(Duration, Line)> {
    let owned = |(time, line): (Duration, _)| (time, AsRef::<[u8]>::as_ref(&line).to_vec());
    let lines: Vec<_> = lines.into_iter().map(owned).collect();
    let by_line = run_timed::<F>(&settings, &lines, end, batch::process_by_line);
    let whole = run_timed::<F>(&settings, &lines, end, batch::process);
    assert!(
        whole == by_line,
        "{SHORTCUT}\nwith the shortcut: {whole:?}\nline by line: {by_line:?}"
    );
    whole
}

#[track_caller]
fn run_timed<F: Timer>(
    settings: &Value,
    lines: &[(Duration, Vec<u8>)],
    end: Duration,
    process: Process<F>,
) -> Vec<(Duration, Line)> {
    store::clear();
    metrics::clear();
    let (filter, routes) = match start::<F>(settings) {
        Ok(started) => started,
        Err(error) => panic!("the filter refuses the settings {settings}: {error}"),
    };
    assert!(
        filter.keeps_state(),
        "a filter that keeps no state is never called at times: declare `const KEEPS_STATE: bool = true`"
    );
    let mut run = Run {
        filter,
        routes,
        process,
        now: 0,
        next: None,
        last: None,
        emitted: Vec::new(),
    };
    for (time, line) in lines {
        run.pass(nanoseconds(*time));
        run.line(line);
    }
    run.pass(nanoseconds(end));
    run.finish()
}

struct Run<F> {
    filter: F,
    routes: Vec<String>,
    process: Process<F>,
    now: u64,
    /// When the next tick comes.
    next: Option<u64>,
    /// When the last one came.
    last: Option<u64>,
    emitted: Vec<(Duration, Line)>,
}

impl<F: Timer> Run<F> {
    /// Lets time pass, with the ticks that come meanwhile.
    #[track_caller]
    fn pass(&mut self, until: u64) {
        assert!(until >= self.now, "times must not go backwards");
        while let Some(next) = self.next.filter(|next| *next < until) {
            self.now = next;
            self.tick();
        }
        self.now = until;
        if self.next == Some(until) {
            self.tick();
        }
    }

    #[track_caller]
    fn line(&mut self, line: &[u8]) {
        let input = [line.to_vec()];
        let block = pack(&input, false);
        let outcome =
            stream::in_call(|| (self.process)(&mut self.filter, &self.routes, block.clone()));
        for verdict in judge(&input, &block, &self.routes, outcome, Fit::of(&input)) {
            let verdict = match verdict {
                Verdict::Route(_, inner) => *inner,
                verdict => verdict,
            };
            match verdict {
                Verdict::Pass => self.emit(line),
                Verdict::Replace(line) => self.emit(&line.0),
                Verdict::Split(lines) | Verdict::Close(lines) => {
                    lines.iter().for_each(|line| self.emit(&line.0));
                }
                Verdict::Drop | Verdict::Route(..) => {}
                Verdict::Fail(reason) => panic!("a line failed: {reason:?}"),
            }
        }
        let earliest = self.last.map_or(0, |last| last + PAUSE);
        let soon = self.now.max(earliest);
        self.next = Some(self.next.map_or(soon, |next| next.min(soon)));
        if soon == self.now {
            self.tick();
        }
    }

    #[track_caller]
    fn tick(&mut self) {
        self.last = Some(self.now);
        let ticked = stream::in_call(|| batch::tick(&mut self.filter, &self.routes, self.now));
        match ticked {
            Ok((held, next)) => {
                self.next = next.map(|next| next.max(self.now + PAUSE));
                self.emit_all(&held);
            }
            Err(reason) => panic!("a tick failed: {:?}", Line(reason)),
        }
    }

    #[track_caller]
    fn finish(mut self) -> Vec<(Duration, Line)> {
        self.tick();
        match stream::in_call(|| batch::finish(&mut self.filter, &self.routes)) {
            Ok(held) => self.emit_all(&held),
            Err(reason) => panic!("`finish` failed: {:?}", Line(reason)),
        }
        self.emitted
    }

    fn emit_all(&mut self, held: &Held) {
        unpack(&held.output).for_each(|line| {
            if let Some(reason) = Fit::of(&[]).refusal(line) {
                panic!("{reason}");
            }
            let time = Duration::from_nanos(self.now);
            self.emitted.push((time, Line(line.to_vec())));
        });
    }

    fn emit(&mut self, line: &[u8]) {
        let time = Duration::from_nanos(self.now);
        self.emitted.push((time, Line(line.to_vec())));
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
