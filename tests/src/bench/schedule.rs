//! When each line of an open loop is due, and on which connection: pure arithmetic.
//!
//! Lines are counted from 0 over all connections and go to them in turn, at equal intervals. Nothing
//! here depends on the server, which makes the loop open.

use std::time::Duration;

const SECOND: u128 = 1_000_000_000;

/// A fixed number of lines at a fixed rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// Lines per second over all connections; not 0.
    pub(crate) rate: u64,
    /// The number of connections; not 0.
    pub(crate) connections: usize,
    /// The total number of lines.
    pub(crate) lines: u64,
}

impl Schedule {
    /// A schedule of all lines that are due within `time`.
    pub(crate) fn within(rate: u64, connections: usize, time: Duration) -> Self {
        let endless = Self {
            rate,
            connections,
            lines: u64::MAX,
        };
        Self {
            lines: endless.due(time),
            ..endless
        }
    }

    /// When a line is due, counted from the start.
    pub(crate) fn at(&self, line: u64) -> Duration {
        let nanoseconds = u128::from(line) * SECOND / u128::from(self.rate);
        Duration::from_nanos(nanoseconds as u64)
    }

    /// How many lines are due by this time after the start.
    pub(crate) fn due(&self, since: Duration) -> u64 {
        let due = ((since.as_nanos() + 1) * u128::from(self.rate)).div_ceil(SECOND);
        due.min(u128::from(self.lines)) as u64
    }

    /// The connection that a line goes to.
    pub(crate) fn connection(&self, line: u64) -> usize {
        (line % self.connections as u64) as usize
    }

    /// The `nth` line of a connection; both count from 0.
    pub(crate) fn line(&self, connection: usize, nth: u64) -> u64 {
        nth * self.connections as u64 + connection as u64
    }

    /// How many lines go to a connection.
    pub(crate) fn of_connection(&self, connection: usize) -> u64 {
        let connections = self.connections as u64;
        (self.lines + connections - 1 - connection as u64) / connections
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use std::time::Duration;

    #[test]
    fn a_line_is_due_from_its_time_on() {
        let nanosecond = Duration::from_nanos(1);
        for rate in [1, 3, 7_000, 1_000_000, 1_500_000_000] {
            let schedule = Schedule::within(rate, 3, Duration::from_secs(2));
            // Above one line per nanosecond, several are due in the same one.
            assert_eq!(schedule.lines, 2 * rate + rate.div_ceil(1_000_000_000));
            for line in [0, 1, 2, rate - 1, rate, rate + 1, 2 * rate] {
                let at = schedule.at(line);
                assert!(schedule.due(at) > line, "{line} of {rate}");
                let before = at.checked_sub(nanosecond);
                assert!(
                    before.is_none_or(|before| schedule.due(before) <= line),
                    "{line} of {rate}"
                );
            }
            assert_eq!(schedule.at(rate), Duration::from_secs(1));
            assert_eq!(schedule.due(Duration::from_secs(9)), schedule.lines);
        }
    }

    #[test]
    fn connections_take_turns_and_share_all_lines() {
        for connections in [1, 4, 7] {
            let schedule = Schedule {
                rate: 10,
                connections,
                lines: 30,
            };
            let of = |connection| schedule.of_connection(connection);
            assert_eq!((0..connections).map(of).sum::<u64>(), 30);
            for line in 0..30 {
                let connection = schedule.connection(line);
                let nth = line / connections as u64;
                assert_eq!(schedule.line(connection, nth), line);
                assert!(nth < of(connection));
            }
        }
    }
}
