//! Events of a tap as text for people.
//!
//! In: an event. Out: its lines, in which nothing of a client, a filter or a host can drive the terminal.
//! On a terminal, what a filter changed is in colour. Pure, but for the question whether to use colours.

use std::fmt::Write as _;

use super::event::{Content, Event, Line, Stage};
use linemill_config::shown;
use linemill_sandbox::chain::observation::LineVerdict;

#[cfg(test)]
mod tests;

/// Longest content that is shown, in characters.
const LONGEST: usize = 2000;

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// Whether text for people has colours.
pub fn colours(terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    terminal && !set("NO_COLOR") && !dumb
}

/// The text of an event, with a line feed; empty if there is nothing to show here.
pub fn event(event: &Event<'_>, colours: bool) -> String {
    let note = |text: String| format!("{}\n", coloured(&format!("# {text}"), DIM, colours));
    match event {
        Event::Tap {
            generation, stages, ..
        } => note(format!("generation {generation}: {}", places(stages))),
        Event::Generation { generation, stages } => note(format!(
            "generation {generation} is in force: {}",
            places(stages)
        )),
        Event::Missed { lines } => note(format!("{lines} lines missed: the tap was too slow")),
        Event::Line(line) => of_line(line, colours),
        Event::End { .. } => String::new(),
    }
}

fn places(stages: &[Stage]) -> String {
    if stages.is_empty() {
        return "nothing that this tap covers".to_owned();
    }
    let mut all: Vec<_> = stages
        .iter()
        .map(|stage| {
            place(
                Some(&stage.listener),
                stage.stage.as_deref(),
                &stage.direction,
            )
        })
        .collect();
    all.dedup();
    all.join(", ")
}

fn place(listener: Option<&str>, stage: Option<&str>, direction: &str) -> String {
    let listener = shown(listener.unwrap_or("-")).to_string();
    let reply = if direction == "reply" { " (reply)" } else { "" };
    match stage {
        Some(stage) => format!("{listener}/{}{reply}", shown(stage)),
        None => format!("{listener}{reply}"),
    }
}

/// A line at a stage: one line about it, then its contents.
fn of_line(line: &Line<'_>, colours: bool) -> String {
    let verdict = line.verdict();
    // The date is that of today, or nobody looks at it.
    let time = line
        .time
        .split_once('T')
        .map_or(&*line.time, |(_, time)| time);
    let time = shown(time.trim_end_matches('Z'));
    let place = place(
        line.listener.as_deref(),
        line.stage.as_deref(),
        &line.direction,
    );
    let peer = shown(line.peer.as_deref().unwrap_or("-"));
    let generation = line.generation;
    let version = match &*line.version {
        "live" => String::new(),
        version => format!(" {}", shown(version)),
    };
    let colour = match verdict {
        Some(LineVerdict::Passed | LineVerdict::Bypassed) => DIM,
        Some(LineVerdict::Replaced | LineVerdict::Split | LineVerdict::Held) => GREEN,
        Some(LineVerdict::Routed) => YELLOW,
        _ => RED,
    };
    let name = coloured(&shown(&line.verdict).to_string(), colour, colours);
    let why = line.failure.as_ref().map_or_else(String::new, |failure| {
        let (kind, reason) = (shown(&failure.kind), shown(&failure.reason));
        format!(
            ": {kind}: {reason} (on_error = {:?})",
            shown(&failure.on_error).to_string()
        )
    });
    let head = coloured(&time.to_string(), DIM, colours);
    let mut text = format!("{head} {place} {peer} g{generation}{version} {name}{why}\n");
    contents(&mut text, line, verdict, colours);
    text
}

/// The contents of a line: `-` before, `+` after, `=` both, `>` by a route.
fn contents(text: &mut String, line: &Line<'_>, verdict: Option<LineVerdict>, colours: bool) {
    let mut put = |mark: &str, content: &str, colour: &str| {
        let content = coloured(content, colour, colours);
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {mark} {content}");
    };
    let before = line.before.as_ref().map(readable);
    let after: Vec<_> = line.after.iter().map(readable).collect();
    match (verdict, &before, &after[..]) {
        (Some(LineVerdict::Passed | LineVerdict::Bypassed), Some(before), _) => {
            put("=", before, "")
        }
        (_, Some(before), [after]) if colours && verdict == Some(LineVerdict::Replaced) => {
            let (start, [old, new], end) = difference(before, after);
            put("-", &format!("{start}{RED}{old}{RESET}{end}"), "");
            put("+", &format!("{start}{GREEN}{new}{RESET}{end}"), "");
        }
        _ => {
            before.iter().for_each(|before| put("-", before, RED));
            after.iter().for_each(|after| put("+", after, GREEN));
        }
    }
    for routed in &line.routed {
        let content = format!("{}: {}", shown(&routed.route), readable(&routed.content));
        put(">", &content, YELLOW);
    }
}

/// A content as text: bytes that are not UTF-8 are written as `\xff`.
fn readable(content: &Content<'_>) -> String {
    let bytes = content.bytes().unwrap_or_default();
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        // Writing to a string does not fail.
        let _ = write!(text, "{}", shown(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    let whole = content.cut_from.unwrap_or(bytes.len());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({whole} bytes)", &text[..end]),
        None if content.cut_from.is_some() => format!("{text}… ({whole} bytes)"),
        None => text,
    }
}

/// What two texts have in common at the start and at the end, and what is between in each.
fn difference<'a>(one: &'a str, other: &'a str) -> (&'a str, [&'a str; 2], &'a str) {
    let same = |(one, other): &(char, char)| one == other;
    let chars = one.chars().zip(other.chars());
    let start: usize = chars.take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (head, old) = one.split_at(start);
    let new = &other[start..];
    let chars = old.chars().rev().zip(new.chars().rev());
    let end: usize = chars.take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old, tail) = old.split_at(old.len() - end);
    (head, [old, &new[..new.len() - end]], tail)
}

fn coloured(text: &str, colour: &str, colours: bool) -> String {
    if colours && !colour.is_empty() && !text.is_empty() {
        format!("{colour}{text}{RESET}")
    } else {
        text.to_owned()
    }
}
