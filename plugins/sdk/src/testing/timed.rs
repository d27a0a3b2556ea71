//! Runs a stream with times, for filters that are called when no line comes.
//!
//! In: lines with the times at which they come. Out: the output lines with the times at which they were
//! emitted, as from a host that is never late.

use std::time::Duration;

use super::{
    Fit, Line, Process, SHORTCUT, Value, judge, metrics, pack, start, store, stream, unpack,
};
use crate::batch::{self, Held};
use crate::testing::Verdict;
use crate::{Handover, Timer, handover};

/// The least time between two ticks, in nanoseconds.
const PAUSE: u64 = 10_000_000;

/// The output lines for a stream of `lines`, each with the time at which it was emitted. A line comes at its
/// time, and the stream ends at `end`. Time passes in the store as well, which is empty at first.
///
/// # Panics
/// If times go backwards, the settings are refused, a line or a tick fails, or the filter keeps no state.
#[track_caller]
pub fn timed<F: Timer>(
    settings: Value,
    lines: impl IntoIterator<Item = (Duration, impl AsRef<[u8]>)>,
    end: Duration,
) -> Vec<(Duration, Line)> {
    let lines = owned(lines);
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
    let mut run = Run::begin(settings, process);
    for (time, line) in lines {
        run.pass(nanoseconds(*time));
        run.judge(line);
        run.tick_soon();
    }
    run.pass(nanoseconds(end));
    run.finish()
}

fn owned(
    lines: impl IntoIterator<Item = (Duration, impl AsRef<[u8]>)>,
) -> Vec<(Duration, Vec<u8>)> {
    let lines = lines.into_iter();
    lines
        .map(|(time, line)| (time, line.as_ref().to_vec()))
        .collect()
}

/// What [`timed`] returns, if it stays the same when the instance is replaced while the stream is live: once
/// after each of the lines, before or after the tick that follows it, and after all of them.
///
/// Choose times that are at least 10 milliseconds apart. A tick would otherwise be delayed, but a new
/// instance gets its first one at once.
///
/// # Panics
/// As for [`timed`], and if a state is refused or the output differs.
#[track_caller]
pub fn timed_over_swaps<F: Handover + Timer>(
    settings: Value,
    lines: impl IntoIterator<Item = (Duration, impl AsRef<[u8]>)>,
    end: Duration,
) -> Vec<(Duration, Line)> {
    let lines = owned(lines);
    let expected = timed::<F>(settings.clone(), lines.clone(), end);
    let check = |what: &str, before_tick: &dyn Fn(usize) -> bool, after: &dyn Fn(usize) -> bool| {
        let mut run = Run::<F>::begin(&settings, batch::process);
        for (index, (time, line)) in lines.iter().enumerate() {
            run.pass(nanoseconds(*time));
            run.judge(line);
            if before_tick(index) {
                run.swap(&settings);
            } else {
                run.tick_soon();
            }
            if after(index) {
                run.swap(&settings);
            }
        }
        run.pass(nanoseconds(end));
        let output = run.finish();
        assert!(
            output == expected,
            "{what} changes the output\nwithout: {expected:?}\n   with: {output:?}"
        );
    };
    let never = |_: usize| false;
    let always = |_: usize| true;
    for at in 0..lines.len() {
        let here = |index| index == at;
        check(&format!("a swap right after line {at}"), &here, &never);
        check(
            &format!("a swap after the tick after line {at}"),
            &never,
            &here,
        );
    }
    check("a swap right after each line", &always, &never);
    check("a swap after each tick", &never, &always);
    expected
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
    /// Begins a stream, with an empty store.
    #[track_caller]
    fn begin(settings: &Value, process: Process<F>) -> Self {
        store::clear();
        metrics::clear();
        Self::new(settings, process)
    }

    #[track_caller]
    fn new(settings: &Value, process: Process<F>) -> Self {
        let (filter, routes) = match start::<F>(settings) {
            Ok(started) => started,
            Err(error) => panic!("the filter refuses the settings {settings}: {error}"),
        };
        assert!(
            filter.keeps_state(),
            "a filter that keeps no state is never called at times: declare `const KEEPS_STATE: bool = true`"
        );
        Self {
            filter,
            routes,
            process,
            now: 0,
            next: None,
            last: None,
            emitted: Vec::new(),
        }
    }

    /// Replaces the filter by one that takes over its state. The new one gets a tick at once.
    #[track_caller]
    fn swap(&mut self, settings: &Value)
    where
        F: Handover,
    {
        let state = match handover::save(&self.filter) {
            Ok(state) => state,
            Err(error) => panic!("`save` failed: {error}"),
        };
        let mut run = Self::new(settings, self.process);
        if let Err(error) = handover::restore(&mut run.filter, F::TAG.as_bytes(), &state) {
            panic!("the filter refuses its own state: {error}");
        }
        (run.now, run.emitted) = (self.now, std::mem::take(&mut self.emitted));
        run.tick();
        *self = run;
    }

    /// Lets time pass, with the ticks that come meanwhile.
    #[track_caller]
    fn pass(&mut self, until: u64) {
        assert!(until >= self.now, "times must not go backwards");
        while let Some(next) = self.next.filter(|next| *next < until) {
            self.pass_to(next);
            self.tick();
        }
        self.pass_to(until);
        if self.next == Some(until) {
            self.tick();
        }
    }

    /// Lets time pass without ticks, also in the store.
    fn pass_to(&mut self, until: u64) {
        store::pass_time(Duration::from_nanos(until - self.now));
        self.now = until;
    }

    /// Passes a line through the filter.
    #[track_caller]
    fn judge(&mut self, line: &[u8]) {
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
    }

    /// Ticks after a line, as soon as may be.
    #[track_caller]
    fn tick_soon(&mut self) {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Line, timed_over_swaps};
    use crate::{Error, Filter, Handover, NoSettings, Output, Timer};
    use serde_json::json;

    /// Holds each line back for 100 milliseconds. With `FORGETS`, a successor does not know since when.
    struct Hold<const FORGETS: bool>(Vec<(Option<Duration>, u8)>);

    impl<const FORGETS: bool> Filter for Hold<FORGETS> {
        type Settings = NoSettings;
        const KEEPS_STATE: bool = true;

        fn new(_: NoSettings) -> Result<Self, Error> {
            Ok(Self(Vec::new()))
        }

        fn line(&mut self, line: &[u8], _: &mut Output) {
            self.0.push((None, line[0]));
        }
    }

    impl<const FORGETS: bool> Timer for Hold<FORGETS> {
        fn tick(&mut self, now: Duration, out: &mut Output) -> Option<Duration> {
            let until = now + Duration::from_millis(100);
            self.0.retain_mut(|(due, byte)| {
                let over = *due.get_or_insert(until) <= now;
                if over {
                    out.emit([*byte]);
                }
                !over
            });
            self.0.iter().filter_map(|(due, _)| *due).min()
        }
    }

    impl<const FORGETS: bool> Handover for Hold<FORGETS> {
        const TAG: &'static str = "hold/1";

        fn save(&self) -> Result<Vec<u8>, Error> {
            let mut state = Vec::new();
            for (due, byte) in &self.0 {
                let due = due.filter(|_| !FORGETS);
                let due = due.map_or(0, |due| due.as_nanos() as u64);
                state.extend(due.to_le_bytes());
                state.push(*byte);
            }
            Ok(state)
        }

        fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
            for [due @ .., byte] in state.as_chunks::<9>().0 {
                let due = u64::from_le_bytes(*due);
                let due = (due > 0).then(|| Duration::from_nanos(due));
                self.0.push((due, *byte));
            }
            Ok(())
        }
    }

    fn held<const FORGETS: bool>() -> Vec<(Duration, Line)> {
        let ms = Duration::from_millis;
        let lines = [(ms(20), "a"), (ms(40), "b"), (ms(200), "c")];
        timed_over_swaps::<Hold<FORGETS>>(json!({}), lines, ms(1000))
    }

    #[test]
    fn lines_that_are_held_back_keep_their_times() {
        let ms = Duration::from_millis;
        assert_eq!(
            held::<false>(),
            [
                (ms(120), "a".into()),
                (ms(140), "b".into()),
                (ms(300), "c".into())
            ]
        );
    }

    #[test]
    #[should_panic = "a swap right after line 1 changes the output"]
    fn a_time_that_is_lost_is_detected() {
        held::<true>();
    }
}
