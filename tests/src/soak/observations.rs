//! What connections observed, added up.
//!
//! In: each answer and when it came, each move to a new generation. Out: latencies, gaps, and how
//! long moves took, by phase. Not here: a judgement on any of them.

use std::time::{Duration, Instant};

use super::long_lived::Phase;

/// What one connection observed, or all of them together.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    /// Lines that came back as they should.
    pub lines: u64,
    /// Times, indexed by [`Phase`].
    times: [Times; Phase::COUNT],
    /// When each connection had its first line of each generation.
    moves: Vec<Vec<(u64, Instant)>>,
}

#[derive(Debug, Clone, Default)]
struct Times {
    /// Microseconds from sending a line's terminator to its answer.
    latencies: Vec<u32>,
    /// Longest time without an answer.
    gap: Duration,
}

impl Observations {
    /// Records an answer: when its line was `sent`, and the time since the answer before it.
    pub(super) fn answered(&mut self, sent: (Instant, Phase), now: Instant, gap: Duration) {
        let (at, phase) = sent;
        let times = &mut self.times[phase as usize];
        let took = now.duration_since(at).as_micros();
        times
            .latencies
            .push(u32::try_from(took).unwrap_or(u32::MAX));
        times.gap = times.gap.max(gap);
        self.lines += 1;
    }

    /// Records when a connection had its first line of each generation.
    pub(super) fn moved(&mut self, moves: Vec<(u64, Instant)>) {
        self.moves.push(moves);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.lines += other.lines;
        for (times, other) in self.times.iter_mut().zip(other.times) {
            times.latencies.extend(other.latencies);
            times.gap = times.gap.max(other.gap);
        }
        self.moves.extend(other.moves);
    }

    /// Latency of a phase at each of these percentiles.
    pub fn latency<const N: usize>(&self, phase: Phase, percents: [f64; N]) -> [Duration; N] {
        let mut sorted = self.times[phase as usize].latencies.clone();
        sorted.sort_unstable();
        percents.map(|percent| {
            let last = sorted.len().saturating_sub(1) as f64;
            let at = (last * percent / 100.0).ceil() as usize;
            Duration::from_micros(sorted.get(at).copied().unwrap_or(0).into())
        })
    }

    /// The longest time that any connection was without an answer.
    pub fn gap(&self, phase: Phase) -> Duration {
        self.times[phase as usize].gap
    }

    /// For each published generation, the time until the last connection had a line of it or of a
    /// later one. Generations that some connection never reached are left out.
    pub fn moves(&self, published: &[(u64, Instant)]) -> Vec<Duration> {
        let last = |&(generation, at): &(u64, Instant)| {
            let first = |moves: &Vec<(u64, Instant)>| {
                let after = moves.partition_point(|&(moved, _)| moved < generation);
                Some(moves.get(after)?.1.saturating_duration_since(at))
            };
            let all: Option<Vec<_>> = self.moves.iter().map(first).collect();
            all?.into_iter().max()
        };
        published.iter().filter_map(last).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Observations, Phase};

    #[test]
    fn percentiles_are_of_the_recorded_latencies() {
        let (mut observations, start) = (Observations::default(), Instant::now());
        for milliseconds in 1..=100 {
            let now = start + Duration::from_millis(milliseconds);
            observations.answered(
                (start, Phase::Swapping),
                now,
                Duration::from_millis(milliseconds / 2),
            );
        }
        let of = |percents| observations.latency(Phase::Swapping, percents);
        assert_eq!(
            of([0.0, 50.0, 99.0, 100.0]).map(|at| at.as_millis()),
            [1, 51, 100, 100]
        );
        assert_eq!(observations.gap(Phase::Swapping).as_millis(), 50);
        assert_eq!(
            observations.latency(Phase::Steady, [99.0]),
            [Duration::ZERO]
        );
    }

    #[test]
    fn a_move_ends_with_the_last_connection() {
        let (mut observations, start) = (Observations::default(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        observations.moved(vec![(1, at(0)), (2, at(11)), (3, at(31))]);
        observations.moved(vec![(1, at(0)), (3, at(35))]);
        let moves = observations.moves(&[(2, at(10)), (3, at(30)), (4, at(40))]);
        assert_eq!(moves, [25, 5].map(Duration::from_millis));
    }
}
