//! Lines that show which generation filtered them.
//!
//! In: the number of a generation. Out: its configuration, and a verdict on each line that comes
//! back. A generation writes its number over each `#`, at both ends of a line; of the letters in
//! between it makes ROT13 or upper case, or leaves them. Every fourth generation has no filters.
//! Not here: I/O.

use anyhow::{Context as _, bail, ensure};

use crate::rot13;

const TEXT: &str = "The quick brown Fox jumps over 13 lazy Dogs and goes on its way";

/// What the chain of a generation does to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Writes its number.
    Stamped,
    /// ROT13, then its number.
    Turned,
    /// Its number, then upper case.
    Raised,
    /// Nothing: without filters, its lines do not show its number.
    Empty,
}

impl Kind {
    fn of(generation: u64) -> Self {
        match generation % 4 {
            1 => Self::Stamped,
            2 => Self::Turned,
            3 => Self::Raised,
            _ => Self::Empty,
        }
    }

    fn chain(self) -> &'static str {
        match self {
            Self::Stamped => "\"stamp\"",
            Self::Turned => "\"rot13\", \"stamp\"",
            Self::Raised => "\"stamp\", \"raise\"",
            Self::Empty => "",
        }
    }

    fn text(self) -> Vec<u8> {
        match self {
            Self::Stamped | Self::Empty => TEXT.into(),
            Self::Turned => rot13(TEXT.as_bytes()),
            Self::Raised => TEXT.to_uppercase().into(),
        }
    }
}

/// Whether the lines of this generation show its number.
pub(super) fn shows_number(generation: u64) -> bool {
    Kind::of(generation) != Kind::Empty
}

/// The configuration of a generation; the first has number 1.
pub(super) fn config(generation: u64) -> String {
    let kind = Kind::of(generation);
    let filters = match kind {
        Kind::Empty => String::new(),
        _ => format!(
            "[filter.stamp]\nplugin = \"redact\"\n\
             settings = {{ patterns = [], custom = {{ stamp = \"#\" }}, mask = \"#{generation}\" }}\n\
             [filter.raise]\nplugin = \"case\"\nsettings = {{ to = \"upper\" }}\n"
        ),
    };
    format!(
        "[host]\nadmin = \"127.0.0.1:0\"\n\n[[listener]]\nname = \"soak\"\nbind = \"127.0.0.1:0\"\n\
         chain = [{}]\n\n{filters}",
        kind.chain()
    )
}

/// Appends line number `sequence`.
pub(super) fn write(sequence: u64, to: &mut Vec<u8>) {
    to.extend_from_slice(format!("#|{sequence}|{TEXT}|#\n").as_bytes());
}

/// Checks the line that came back as number `sequence`, without its LF. `from` is the generation of
/// the line before. Returns the generation of this line; if its chain was empty, the lowest possible.
///
/// # Errors
/// What is wrong with it.
pub(super) fn judge(line: &[u8], sequence: u64, from: u64) -> anyhow::Result<u64> {
    let shown = || format!("line {sequence} came back as \"{}\"", line.escape_ascii());
    let parts: Vec<&[u8]> = line.split(|&byte| byte == b'|').collect();
    let [head, number, text, tail] = parts[..] else {
        bail!("{}: not the four parts of one line", shown());
    };
    let found = std::str::from_utf8(number)
        .ok()
        .and_then(|number| number.parse().ok());
    ensure!(
        found == Some(sequence),
        "{}: not the expected line: lines were lost, doubled or reordered",
        shown()
    );
    ensure!(head == tail, "{}: two generations filtered it", shown());
    let stamp = head.strip_prefix(b"#").with_context(shown)?;
    let generation = match stamp {
        // The next multiple of four.
        b"" => from.max(1).next_multiple_of(4),
        _ => std::str::from_utf8(stamp)
            .ok()
            .and_then(|stamp| stamp.parse().ok())
            .with_context(shown)?,
    };
    ensure!(
        shows_number(generation) != stamp.is_empty() && text == Kind::of(generation).text(),
        "{}: not what generation {generation} makes of it",
        shown()
    );
    ensure!(
        generation >= from,
        "{}: after a line of generation {from}",
        shown()
    );
    Ok(generation)
}

#[cfg(test)]
mod tests {
    use super::{TEXT, judge};

    #[track_caller]
    fn refused(line: &str, from: u64, says: &str) {
        let error = judge(line.as_bytes(), 7, from)
            .expect_err("the line is wrong")
            .to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn correct_lines_show_their_generation() {
        let judged =
            |line: String, from| judge(line.as_bytes(), 7, from).expect("the line is correct");
        assert_eq!(judged(format!("#5|7|{TEXT}|#5"), 5), 5);
        assert_eq!(judged(format!("#7|7|{}|#7", TEXT.to_uppercase()), 2), 7);
        assert_eq!(judged(format!("#|7|{TEXT}|#"), 4), 4);
        assert_eq!(judged(format!("#|7|{TEXT}|#"), 5), 8);
    }

    #[test]
    fn wrong_lines_are_reported() {
        refused(&format!("#5|8|{TEXT}|#5"), 1, "lost");
        refused(&format!("#5|7|{TEXT}|#6"), 1, "two generations");
        refused(
            &format!("#5|7|{TEXT}|#5"),
            6,
            "after a line of generation 6",
        );
        refused(
            &format!("#6|7|{TEXT}|#6"),
            1,
            "not what generation 6 makes of it",
        );
        refused(&format!("#|7|{}|#", TEXT.to_uppercase()), 1, "not what");
        refused(&format!("#8|7|{TEXT}|#8"), 1, "not what generation 8");
        refused(&format!("#5|7|{TEXT}|#5#5|8|{TEXT}|#5"), 1, "four parts");
    }
}
