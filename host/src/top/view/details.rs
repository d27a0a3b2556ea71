//! Screens about one thing: a listener, a filter, an output, the host, the generations. Help: `help`.
//!
//! In: a model. Out: all lines of the screen, however many there are; `view` shows a part of them.

use std::time::SystemTime;

use ratatui::text::Line;

use super::look::Look;
use super::sheet::Sheet;
use super::tables::{FILTERS, Marks, Table};
use super::{head, help, news, overview};
use crate::control::admin::status::text::layout::{count, moment, nanos, rate};
use crate::control::admin::status::text::{self, filters, outputs};
use crate::control::admin::status::{FilterStatus, GenerationStatus, ListenerStatus, TrialStatus};
use crate::top::Subject;
use crate::top::model::{Model, Screen};

/// Lines about what has changed, at most.
const NEWS: usize = 2;

pub(super) fn lines(
    model: &Model,
    screen: &Screen,
    width: usize,
    now: SystemTime,
    look: Look,
) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(width, look, true);
    let title = match screen {
        Screen::Details(Subject::Host) => format!("linemill {}", text::process(&model.status)),
        Screen::Details(Subject::Listener(name)) => format!("listener {name}"),
        Screen::Details(Subject::Filter(name)) => format!("filter {name}"),
        Screen::Details(Subject::Output(name)) => format!("output {name}"),
        Screen::Generations => "generations, newest first".to_owned(),
        Screen::Help => "what keys do, and what columns mean".to_owned(),
    };
    head(model, &title, now, &mut sheet);
    if *screen != Screen::Help {
        news(model, now, &mut sheet, NEWS);
    }
    match screen {
        Screen::Details(subject) => details(model, subject, &mut sheet),
        Screen::Generations => generations(&model.status.generations, &mut sheet),
        Screen::Help => help::lines(model, &mut sheet),
    }
    sheet.lines
}

fn details(model: &Model, subject: &Subject, sheet: &mut Sheet) {
    let status = &model.status;
    let gone = "no longer in force";
    match subject {
        Subject::Host => {
            for wrong in &model.wrong {
                sheet.wrong(&wrong.sentence(usize::MAX), wrong.serious);
            }
            if model.wrong.is_empty() {
                sheet.field("", "nothing is wrong");
            }
            host(model, sheet);
            return;
        }
        subject => {
            for wrong in model.wrong_with(subject) {
                sheet.wrong(&wrong.what, wrong.serious);
            }
        }
    }
    match subject {
        Subject::Listener(name) => match status.listeners.get(name) {
            Some(one) => listener(model, one, sheet),
            None => sheet.field("", gone),
        },
        Subject::Filter(name) => match status.filters.get(name) {
            Some(one) => filter(model, name, one, sheet),
            None => sheet.field("", gone),
        },
        Subject::Output(name) => match status.outputs.get(name) {
            Some(one) => sheet.fields(outputs::output(one, text::now(status))),
            None => sheet.field("", gone),
        },
        Subject::Host => (),
    }
}

fn host(model: &Model, sheet: &mut Sheet) {
    let status = &model.status;
    sheet.blank();
    sheet.field("config", &text::config(status));
    sheet.field("generation", &text::generation(status));
    sheet.field("last reload", &text::last_reload(status));
    sheet.fields(text::limits(status));
    if let Some(refusal) = &status.last_refusal {
        let (at, by) = (moment(&refusal.at), &refusal.by);
        sheet.blank();
        sheet.heading("last refused", &format!("at {at} ({by})"));
        for line in refusal.error.lines() {
            sheet.field("", line);
        }
    }
}

/// A listener, and the stages of its chains.
fn listener(model: &Model, listener: &ListenerStatus, sheet: &mut Sheet) {
    sheet.fields(text::listener(listener));
    let chains = [
        ("STAGE", &listener.chain),
        ("REPLY STAGE", &listener.reply_chain),
    ];
    for (title, chain) in chains.into_iter().filter(|(_, chain)| !chain.is_empty()) {
        sheet.blank();
        let table = Table::new(FILTERS, sheet.width);
        table.titles(&format!("   {title}"), sheet);
        for (at, name) in chain.iter().enumerate() {
            let filters = &model.status.filters;
            let trial = model
                .status
                .trials
                .iter()
                .find(|trial| trial.filter == *name);
            let on_trial = trial.map(|trial| format!("{name}@{}", trial.kind));
            for (first, name) in [(true, Some(name)), (false, on_trial.as_ref())] {
                let found = name.and_then(|name| Some((name, filters.get(name)?)));
                if let Some((name, filter)) = found {
                    let subject = Subject::Filter(name.clone());
                    let marks = Marks {
                        selected: false,
                        wrong: model.is_wrong(&subject),
                    };
                    let number = if first {
                        format!("{}", at + 1)
                    } else {
                        String::new()
                    };
                    table.row(&format!("{number:2} {name}"), filter, marks, sheet);
                }
            }
        }
    }
}

/// A filter, where it is used, and the version on trial next to it.
fn filter(model: &Model, name: &str, filter: &FilterStatus, sheet: &mut Sheet) {
    sheet.fields(vec![
        ("plugin", filters::short(&filter.plugin).to_owned()),
        ("stage of", stages(model, name)),
        (
            "lines",
            format!(
                "{} per second (last 10 s); {} since it was started, {} dropped by it",
                rate(filter.lines_per_second),
                count(filter.work.lines),
                count(filter.work.dropped)
            ),
        ),
        (
            "calls",
            format!(
                "{}; 50 % within {}, 99 % within {}, {} per line",
                count(filter.work.calls),
                nanos(filter.work.call_p50_ns),
                nanos(filter.work.call_p99_ns),
                nanos(filter.work.mean_ns_per_line)
            ),
        ),
        ("instances", count(filter.instances.unsigned_abs())),
    ]);
    let wrong = filters::wrong(filter);
    let has = |label| wrong.iter().any(|(field, _)| *field == label);
    if !has("failed") {
        sheet.field(
            "failed",
            &format!("0 lines; on_error = \"{}\"", filter.on_error),
        );
    }
    if !has("breaker") {
        sheet.field("breaker", &filter.breaker.state);
    }
    sheet.fields(wrong);
    let trials = model.status.trials.iter();
    let trials: Vec<_> = trials.filter(|trial| is_about(trial, name)).collect();
    for trial in trials {
        sheet.blank();
        overview::trials(std::slice::from_ref(trial), "   TRIAL", sheet);
        let listeners = trial.listeners.join(", ");
        let plugin = filters::short(&trial.plugin);
        sheet.field("listeners", &listeners);
        sheet.field("plugin", plugin);
    }
}

/// Whether a trial has a filter of this name on one of its sides.
fn is_about(trial: &TrialStatus, name: &str) -> bool {
    trial.filter == name || name.strip_suffix(&*trial.kind) == Some(&format!("{}@", trial.filter))
}

/// The listeners that a filter serves, and its place in their chains.
fn stages(model: &Model, name: &str) -> String {
    let filter = name.rsplit_once('@').map_or(name, |(filter, _)| filter);
    let mut stages = Vec::new();
    for (listener, status) in &model.status.listeners {
        for (reply, chain) in [("", &status.chain), (" (reply)", &status.reply_chain)] {
            let places = chain
                .iter()
                .enumerate()
                .filter(|(_, stage)| *stage == filter);
            stages.extend(places.map(|(at, _)| format!("{listener}/{}{reply}", at + 1)));
        }
    }
    if stages.is_empty() {
        return "no chain".to_owned();
    }
    stages.join(", ")
}

fn generations(generations: &[GenerationStatus], sheet: &mut Sheet) {
    for one in generations {
        sheet.blank();
        sheet.heading(
            &one.number.to_string(),
            &format!("since {}", moment(&one.at)),
        );
        sheet.field("by", &one.by);
        let moved = one.moved_ms.map_or_else(
            || "still in use".to_owned(),
            |ms| format!("moved in {ms:.1} ms"),
        );
        let (build, connections) = (one.build_ms, one.connections);
        let text = format!("built in {build:.1} ms, {moved}, {connections} connected");
        sheet.field("took", &text);
        for (at, change) in one.changes.iter().enumerate() {
            sheet.field(if at == 0 { "changes" } else { "" }, change);
        }
    }
}
