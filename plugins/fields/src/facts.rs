//! What the filter knows about a call: the time, and whose lines they are.
//!
//! In: the name of a fact. Out: its value at present, as text. Not here: how long it is remembered (`lib`).

use std::time::Duration;

use linemill_sdk::{clock, stream};

/// Something that a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Time,
    Unix,
    UnixMs,
    Listener,
    Peer,
    PeerIp,
    PeerPort,
    ServerName,
    ClientName,
    Connection,
}

/// All facts by name.
const NAMES: [(&str, Fact); 10] = [
    ("time", Fact::Time),
    ("unix", Fact::Unix),
    ("unix_ms", Fact::UnixMs),
    ("listener", Fact::Listener),
    ("peer", Fact::Peer),
    ("peer_ip", Fact::PeerIp),
    ("peer_port", Fact::PeerPort),
    ("server_name", Fact::ServerName),
    ("client_name", Fact::ClientName),
    ("connection", Fact::Connection),
];

impl Fact {
    pub(crate) fn of(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, fact)| *fact)
    }

    /// All placeholders, for messages.
    pub(crate) fn list() -> String {
        NAMES.map(|(name, _)| format!("`{{{name}}}`")).join(", ")
    }

    /// Whether its value is a number.
    pub(crate) fn is_number(self) -> bool {
        matches!(
            self,
            Self::Unix | Self::UnixMs | Self::PeerPort | Self::Connection
        )
    }

    /// Its value in the current call; `None` if the stream has none.
    pub(crate) fn value(self) -> Option<String> {
        match self {
            Self::Time => Some(rfc3339(clock::wall())),
            Self::Unix => Some(clock::wall().as_secs().to_string()),
            Self::UnixMs => Some(clock::wall().as_millis().to_string()),
            Self::Listener => stream::listener(),
            Self::Peer => stream::peer().map(|peer| peer.to_string()),
            Self::PeerIp => stream::peer().map(|peer| peer.ip().to_string()),
            Self::PeerPort => stream::peer().map(|peer| peer.port().to_string()),
            Self::ServerName => stream::server_name(),
            Self::ClientName => stream::client_name(),
            Self::Connection => Some(stream::connection())
                .filter(|connection| *connection != 0)
                .map(|connection| connection.to_string()),
        }
    }
}

/// A time since 1970 as RFC 3339 has it, in UTC, with milliseconds.
fn rfc3339(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The date in the Gregorian calendar, so many days after 1970-01-01.
///
/// Years are counted from March, so that a leap day is the last of its year, and in eras of 400 years, which
/// all have 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // 0 is March
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (year, month + 3)
    } else {
        (year + 1, month - 9)
    };
    (era * 400 + year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{date, rfc3339};

    #[test]
    fn times_are_written_as_rfc_3339_has_them() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_000_000_000_001, "2001-09-09T01:46:40.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..200_000 {
            assert_eq!(date(days), (year, month, day));
            let last = match month {
                2 if leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > last {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }
}
