//! What the connections saw, added up.

use std::time::{Duration, Instant};

use super::traffic::Phase;

/// What one connection saw, or all of them.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Lines that came back right.
    pub lines: u64,
    /// By phase.
    seen: [Seen; Phase::COUNT],
    /// When each connection had its first line of each generation.
    moves: Vec<Vec<(u64, Instant)>>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    /// Microseconds from a line's terminator to its answer.
    latencies: Vec<u32>,
    /// Longest time without an answer.
    gap: Duration,
}

impl Found {
    /// Notes an answer that took so long, so long after the one before.
    pub(super) fn answered(&mut self, sent: (Instant, Phase), now: Instant, gap: Duration) {
        let (at, phase) = sent;
        let seen = &mut self.seen[phase as usize];
        let took = now.duration_since(at).as_micros();
        seen.latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
        seen.gap = seen.gap.max(gap);
        self.lines += 1;
    }

    pub(super) fn moved(&mut self, moves: Vec<(u64, Instant)>) {
        self.moves.push(moves);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.lines += other.lines;
        for (seen, other) in self.seen.iter_mut().zip(other.seen) {
            seen.latencies.extend(other.latencies);
            seen.gap = seen.gap.max(other.gap);
        }
        self.moves.extend(other.moves);
    }

    /// What so many of a hundred lines took at most, for each of `percents`.
    pub fn latency<const N: usize>(&self, phase: Phase, percents: [f64; N]) -> [Duration; N] {
        let mut sorted = self.seen[phase as usize].latencies.clone();
        sorted.sort_unstable();
        percents.map(|percent| {
            let last = sorted.len().saturating_sub(1) as f64;
            let at = (last * percent / 100.0).ceil() as usize;
            Duration::from_micros(sorted.get(at).copied().unwrap_or(0).into())
        })
    }

    /// The longest time that a connection was without an answer.
    pub fn gap(&self, phase: Phase) -> Duration {
        self.seen[phase as usize].gap
    }

    /// How long after its publication the last connection had a line of a generation, for each of
    /// these; those that a connection never had, nor a later one, left out.
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

    use super::{Found, Phase};

    #[test]
    fn percentiles_are_of_what_was_seen() {
        let (mut found, start) = (Found::default(), Instant::now());
        for milliseconds in 1..=100 {
            let now = start + Duration::from_millis(milliseconds);
            found.answered(
                (start, Phase::Swapping),
                now,
                Duration::from_millis(milliseconds / 2),
            );
        }
        let of = |percents| found.latency(Phase::Swapping, percents);
        assert_eq!(
            of([0.0, 50.0, 99.0, 100.0]).map(|at| at.as_millis()),
            [1, 51, 100, 100]
        );
        assert_eq!(found.gap(Phase::Swapping).as_millis(), 50);
        assert_eq!(found.latency(Phase::Steady, [99.0]), [Duration::ZERO]);
    }

    #[test]
    fn the_last_connection_counts() {
        let (mut found, start) = (Found::default(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        found.moved(vec![(1, at(0)), (2, at(11)), (3, at(31))]);
        found.moved(vec![(1, at(0)), (3, at(35))]);
        let moves = found.moves(&[(2, at(10)), (3, at(30)), (4, at(40))]);
        assert_eq!(moves, [25, 5].map(Duration::from_millis));
    }
}
