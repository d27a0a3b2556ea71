//! Syslog as in RFC 3164, in the forms that senders write: with or without a priority, a host and a process id,
//! and with the times that rsyslog and journald write.
//!
//! In: a line without its priority. Out: its fields.

use super::time;
use crate::Parsed;
use crate::object::Object;

/// Parses a line. One without a priority must have a time, since otherwise any text would be syslog.
pub(super) fn parse(line: &str, has_priority: bool, object: &mut Object) -> Parsed {
    let Some((timestamp, rest)) = timestamp(line) else {
        if !has_priority {
            return Err(
                "not RFC 3164: the line begins neither with a priority nor with a time".into(),
            );
        }
        tagged(line, object);
        return Ok(());
    };
    object.field("timestamp", timestamp);
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    if first.is_empty() || is_tag(first) {
        // Messages to a local socket have no host.
        tagged(rest, object);
    } else {
        object.field("hostname", first);
        // A Cisco ASA writes a colon between blanks here.
        tagged(after.strip_prefix(": ").unwrap_or(after), object);
    }
    Ok(())
}

/// The time that the line begins with, and what follows. Cisco devices count messages before it, mark a clock
/// that is not synchronised with `*` or `.`, and end it with a colon.
fn timestamp(line: &str) -> Option<(&str, &str)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let counted = line[digits..].strip_prefix(": ").filter(|_| digits > 0);
    let from = counted.unwrap_or(line);
    let from = from.strip_prefix(['*', '.']).unwrap_or(from);
    let iso = || time::iso(from, 9, false).map(|end| time::with_zone(from, end));
    let end = time::bsd(from).or_else(iso)?;
    let (time, rest) = from.split_at(end);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    match rest.strip_prefix(' ') {
        Some(rest) => Some((time, rest)),
        None => rest.is_empty().then_some((time, rest)),
    }
}

/// Whether a word is the name of a program, with or without a process id, and not that of a host.
fn is_tag(word: &str) -> bool {
    tag(word).is_some_and(|tag| tag.message.is_empty())
}

/// The beginning of a message: `sshd[4721]: `.
struct Tag<'a> {
    name: &'a str,
    procid: Option<&'a str>,
    message: &'a str,
}

fn tag(text: &str) -> Option<Tag<'_>> {
    let end = text.find([' ', ':', '['])?;
    let (name, mut rest) = text.split_at(end);
    let mut procid = None;
    if let Some(bracket) = rest.strip_prefix('[') {
        let (id, after) = bracket.split_once(']')?;
        if id.is_empty() || id.contains(' ') {
            return None;
        }
        procid = Some(id);
        rest = after;
    }
    let after_colon = rest.strip_prefix(':');
    if name.is_empty() || (procid.is_none() && after_colon.is_none()) {
        return None;
    }
    let rest = after_colon.unwrap_or(rest);
    let message = match rest.strip_prefix(' ') {
        Some(message) => message,
        None if rest.is_empty() => rest,
        None => return None,
    };
    Some(Tag {
        name,
        procid,
        message,
    })
}

/// The fields of a message that may begin with a tag.
fn tagged(text: &str, object: &mut Object) {
    let message = match tag(text) {
        Some(tag) => {
            object.field("appname", tag.name);
            object.present("procid", tag.procid);
            tag.message
        }
        None => text,
    };
    object.present(
        "message",
        Some(message).filter(|message| !message.is_empty()),
    );
}
