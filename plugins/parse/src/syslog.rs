//! Syslog: the two formats, and telling them apart.
//!
//! In: a line. Out: its fields. Not here: the two grammars (`rfc3164`, `rfc5424`), and the length in front of a
//! message on a stream, which the framing `octet` removes.

mod rfc3164;
mod rfc5424;
mod time;

pub(crate) use rfc5424::Elements;

use crate::Parsed;
use crate::object::Object;

/// The names of the fields, in order.
pub(crate) const FIELDS: [&str; 10] = [
    "facility",
    "severity",
    "version",
    "timestamp",
    "hostname",
    "appname",
    "procid",
    "msgid",
    "structured_data",
    "message",
];

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

const SEVERITIES: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
];

/// Which formats are expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Rfc3164,
    Rfc5424,
    Either,
}

/// Parses a line of either format, or of the one that is expected.
pub(crate) fn parse(
    line: &str,
    dialect: Dialect,
    elements: &mut Elements,
    object: &mut Object,
) -> Parsed {
    let priority = priority(line);
    let is_5424 = match dialect {
        Dialect::Rfc3164 => false,
        Dialect::Rfc5424 => true,
        Dialect::Either => priority.is_some_and(|(_, rest)| rfc5424::begins(rest)),
    };
    if let Some((priority, _)) = priority {
        object.field("facility", FACILITIES[usize::from(priority >> 3)]);
        object.field("severity", SEVERITIES[usize::from(priority & 7)]);
    }
    if is_5424 {
        let (_, rest) = priority.ok_or("not RFC 5424: there is no priority such as <34>")?;
        rfc5424::parse(rest, elements, object)
    } else {
        let rest = priority.map_or(line, |(_, rest)| rest);
        rfc3164::parse(rest, priority.is_some(), object)
    }
}

/// The priority in angle brackets, and what follows it.
fn priority(line: &str) -> Option<(u8, &str)> {
    let (digits, rest) = line.strip_prefix('<')?.split_once('>')?;
    let is_number = matches!(digits.len(), 1..=3)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    let priority = digits
        .parse()
        .ok()
        .filter(|&priority: &u8| priority < 192)?;
    is_number.then_some((priority, rest))
}

/// A value; `None` for the hyphen that stands for a missing one.
fn given(value: &str) -> Option<&str> {
    (value != "-").then_some(value)
}
