//! The overview: the host, what is wrong, and the tables.
//!
//! In: a model, a width, and a height unless everything is wanted. Out: lines, as many as the height at most.
//! Tables share the height; the one with the selected row has more of it.

use std::time::SystemTime;

use ratatui::text::Line;

use super::look::Look;
use super::shares::{Part, Share, shares};
use super::sheet::Sheet;
use super::tables::{FILTERS, LISTENERS, Marks, OUTPUTS, TRIALS, Table};
use super::{head, news};
use crate::columns::width;
use crate::control::admin::status::text::layout::span;
use crate::control::admin::status::text::{self, filters};
use crate::control::admin::status::{ListenerStatus, TrialStatus};
use crate::top::Subject;
use crate::top::model::Model;

/// Columns of a name in a sentence of one line, at most: the sentence is what matters.
const NAME: usize = 30;

/// The lines of the overview; without a height all of them, without a selected row.
pub(super) fn lines(
    model: &Model,
    width: usize,
    height: Option<usize>,
    now: SystemTime,
    look: Look,
) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(width, look, height.is_none());
    let selectable = height.is_some();
    let whole = height.unwrap_or(usize::MAX);
    header(model, whole, selectable, now, &mut sheet);
    problems(model, whole, now, &mut sheet);
    let room = whole.saturating_sub(sheet.lines.len());
    let shares = shares(model, room);
    let used: usize = shares.iter().map(|share| share.rows + 1).sum();
    // Lines between tables, if all of them fit.
    let spaced = used + shares.len() <= room;
    for share in &shares {
        if spaced {
            sheet.blank();
        }
        table(model, share, selectable, &mut sheet);
    }
    sheet.lines.truncate(whole);
    sheet.lines
}

fn header(model: &Model, whole: usize, selectable: bool, now: SystemTime, sheet: &mut Sheet) {
    let status = &model.status;
    let selected = selectable && model.selected == Subject::Host;
    let serious = model.wrong.iter().any(|one| one.serious) || model.silent.is_some();
    let marks = [
        if selected { ">" } else { " " },
        if serious { "! " } else { "  " },
    ];
    let marks = marks.concat();
    let mut first = format!("{marks}linemill {}", text::process(status));
    if width(&first) > sheet.width {
        // Whether it is ready matters more than which process it is.
        let (state, up) = (text::readiness(status), span(text::up(status)));
        first = format!("{marks}linemill {state}, up {up}");
    }
    head(model, &first, now, sheet);
    if selected && let Some(line) = sheet.lines.last_mut() {
        line.style = sheet.look.selected();
    }
    if whole >= 20 {
        sheet.field("config", &text::config(status));
    }
    if whole >= 12 {
        sheet.field("generation", &text::generation(status));
    }
    if whole >= 20 {
        let mut limits = text::memory_used(&status.memory);
        let all = text::limits(status);
        let descriptors = all.iter().find(|(label, _)| *label == "descriptors");
        if let Some((label, text)) = descriptors {
            limits += &format!("   {label} {text}");
        }
        sheet.field("memory", &limits);
    }
}

/// What is wrong, as much of it as there is room for.
fn problems(model: &Model, whole: usize, now: SystemTime, sheet: &mut Sheet) {
    let most = (whole / 5).max(2);
    let before = sheet.lines.len();
    news(model, now, sheet, most);
    let left = if sheet.wraps() {
        usize::MAX
    } else {
        most - (sheet.lines.len() - before)
    };
    let all = model.wrong.len();
    let shown = if all <= left {
        all
    } else {
        left.saturating_sub(1)
    };
    let name = if sheet.wraps() { usize::MAX } else { NAME };
    for wrong in &model.wrong[..shown] {
        sheet.wrong(&wrong.sentence(name), wrong.serious);
    }
    if shown < all && left > 0 {
        let rest = &model.wrong[shown..];
        let serious = rest.iter().any(|wrong| wrong.serious);
        sheet.wrong(&format!("{} more: press w", rest.len()), serious);
    }
}

fn table(model: &Model, share: &Share, selectable: bool, sheet: &mut Sheet) {
    let status = &model.status;
    let title = |name: &str| match share.all - share.rows {
        0 => format!("   {name}"),
        more => format!("   {name}, {more} more"),
    };
    match share.part {
        Part::Listeners => {
            let table = Table::new(LISTENERS, sheet.width);
            table.titles(&title("LISTENER"), sheet);
            for (name, marks) in rows(
                model,
                share,
                &model.order.listeners,
                Subject::Listener,
                selectable,
            ) {
                if let Some(listener) = status.listeners.get(name) {
                    table.row_about(name, &path(listener), listener, marks, sheet);
                }
            }
        }
        Part::Filters => {
            let table = Table::new(FILTERS, sheet.width);
            table.titles(&title("FILTER"), sheet);
            for (name, marks) in rows(
                model,
                share,
                &model.order.filters,
                Subject::Filter,
                selectable,
            ) {
                if let Some(filter) = status.filters.get(name) {
                    table.row(name, filter, marks, sheet);
                }
            }
        }
        Part::Outputs => {
            let table = Table::new(OUTPUTS, sheet.width);
            table.titles(&title("OUTPUT"), sheet);
            for (name, marks) in rows(
                model,
                share,
                &model.order.outputs,
                Subject::Output,
                selectable,
            ) {
                if let Some(output) = status.outputs.get(name) {
                    table.row(name, output, marks, sheet);
                }
            }
        }
        Part::Trials => {
            let before = sheet.lines.len();
            trials(&status.trials, &title("TRIAL"), sheet);
            sheet.lines.truncate(before + 1 + share.rows);
        }
    }
}

/// The way of lines: the filters of the chain, and where they go.
fn path(listener: &ListenerStatus) -> String {
    let stages = listener.chain.iter().map(String::as_str);
    let all: Vec<_> = stages.chain([listener.to.as_str()]).collect();
    all.join(" → ")
}

/// The names of a table that are drawn, so that the selected one is among them.
fn rows<'a>(
    model: &'a Model,
    share: &Share,
    names: &'a [String],
    subject: fn(String) -> Subject,
    selectable: bool,
) -> impl Iterator<Item = (&'a String, Marks)> {
    let place = names
        .iter()
        .position(|name| subject(name.clone()) == model.selected);
    let place = place.filter(|_| selectable);
    let first = place.map_or(0, |place| (place + 1).saturating_sub(share.rows));
    let rows = names.iter().enumerate().skip(first).take(share.rows);
    rows.map(move |(at, name)| {
        let marks = Marks {
            selected: place == Some(at),
            wrong: model.is_wrong(&subject(name.clone())),
        };
        (name, marks)
    })
}

/// Versions on trial, each above the filter that it may replace.
pub(super) fn trials(trials: &[TrialStatus], title: &str, sheet: &mut Sheet) {
    let table = Table::new(TRIALS, sheet.width);
    table.titles(title, sheet);
    for trial in trials {
        let name = format!("{} of {}, {}", trial.kind, trial.filter, trial.share);
        table.row(&name, &trial.work, Marks::default(), sheet);
        let incumbent = format!("  {}", trial.filter);
        table.row(&incumbent, &trial.incumbent, Marks::default(), sheet);
        if trial.kind == "shadow" {
            sheet.plain(&format!("     lines: {}", filters::compared(trial)));
        }
    }
}
