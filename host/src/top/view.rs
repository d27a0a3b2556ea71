//! How `linemill top` looks.
//!
//! In: a [`Model`], and the time. Out: a drawn frame, or the overview as lines of text. Everything fits the
//! width that there is, down to a few columns. What comes from outside is escaped before it is measured.

mod details;
mod help;
mod look;
mod overview;
mod shares;
mod sheet;
mod tables;

use std::time::SystemTime;

use humantime::format_rfc3339_seconds;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::text::Line;

pub use look::Look;

use super::model::{Model, Screen};
use crate::control::admin::status::text::layout::{moment, span};
use sheet::Sheet;

/// Draws what is shown, with the keys in the last line.
pub fn draw(frame: &mut Frame<'_>, model: &mut Model, now: SystemTime, look: Look) {
    let areas = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
    let [body, foot] = areas;
    let (width, height) = (usize::from(body.width), usize::from(body.height));
    let lines = match model.screen() {
        None => overview::lines(model, width, Some(height), now, look),
        Some(screen) => {
            let mut lines = details::lines(model, screen, width, now, look);
            // The title stays.
            let rest = lines.split_off(lines.len().min(1));
            let last = rest.len().saturating_sub(height.saturating_sub(1));
            model.scroll = model.scroll.min(last);
            lines.extend(rest.into_iter().skip(model.scroll));
            lines
        }
    };
    let buffer = frame.buffer_mut();
    for (line, row) in lines.iter().zip(body.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    let keys = keys(model, width, look);
    for row in foot.rows() {
        buffer.set_line(row.x, row.y, &keys, row.width);
    }
}

/// The whole overview as text without colours, `width` columns wide.
pub fn page(model: &Model, width: usize, now: SystemTime) -> Vec<String> {
    let look = Look { colours: false };
    let lines = overview::lines(model, width, None, now, look);
    let lines = lines.iter().map(|line| {
        let text: String = line.spans.iter().map(|span| &*span.content).collect();
        text.trim_end().to_owned()
    });
    lines.collect()
}

/// The first line: the host, and at the right whether what is shown is what is true now.
fn head(model: &Model, first: &str, now: SystemTime, sheet: &mut Sheet) {
    let state = if let Some(since) = model.paused {
        format!("PAUSED since {}", clock(since))
    } else if let Some((since, _)) = &model.silent {
        let time = now.duration_since(*since).unwrap_or_default();
        format!("NO ANSWER for {}", span(time))
    } else {
        String::new()
    };
    sheet.head(first, &state);
}

/// Why what is shown may be old, and what has changed lately.
fn news(model: &Model, now: SystemTime, sheet: &mut Sheet, most: usize) {
    let mut left = most;
    if let Some((since, why)) = &model.silent
        && left > 0
    {
        let since = moment(&format_rfc3339_seconds(*since).to_string());
        let text = format!("no answer since {since}: {why}; these are the last values");
        sheet.wrong(&text, true);
        left -= 1;
    }
    if let Some(note) = model.note(now)
        && left > 0
    {
        sheet.wrong(note, false);
    }
}

/// The time of the day.
fn clock(time: SystemTime) -> String {
    let text = format_rfc3339_seconds(time).to_string();
    let (_, time) = text.split_once('T').unwrap_or(("", &text));
    time.to_owned()
}

/// The keys that matter here, as many as fit.
fn keys(model: &Model, width: usize, look: Look) -> Line<'static> {
    let sort = format!(
        "sort: {}{}",
        linemill_config::Keyword::keyword(model.sort),
        if model.reverse { ", reversed" } else { "" }
    );
    let pause = if model.is_paused() { "go on" } else { "pause" };
    let keys = match model.screen() {
        None => vec![
            ("q", "quit"),
            ("?", "help"),
            ("Enter", "details"),
            ("s", &*sort),
            ("r", "reverse"),
            ("p", pause),
            ("w", "wrong"),
            ("g", "generations"),
        ],
        Some(Screen::Help) => vec![("q", "quit"), ("Esc", "back"), ("j k", "scroll")],
        Some(_) => vec![
            ("q", "quit"),
            ("?", "help"),
            ("Esc", "back"),
            ("j k", "scroll"),
            ("p", pause),
        ],
    };
    sheet::keys(&keys, width, look)
}
