//! What `linemill top` shows: the last answer of the host, what is wrong in it, and where the user is.
//!
//! In: answers of the host, errors instead of them, keys, and the time. Out: what `view` draws.
//! Not here: how it looks.

use std::time::{Duration, SystemTime};

use super::Subject;
use super::history::History;
use super::keys::Key;
use super::sort::{Order, Sort};
use super::wrong::{self, Wrong};
use crate::control::admin::status::Status;
use crate::control::admin::status::text::layout::{moment, span};

/// Rows that PgUp and PgDn move by.
const PAGE: usize = 10;
/// How long a note about what has changed is shown.
const NOTED: Duration = Duration::from_secs(30);

/// What is shown.
#[derive(Debug)]
pub struct Model {
    /// How often the host is asked.
    pub(super) interval: Duration,
    /// The last answer.
    pub(super) status: Status,
    /// What is wrong in it, the worst first.
    pub(super) wrong: Vec<Wrong>,
    history: History,
    pub(super) sort: Sort,
    pub(super) reverse: bool,
    /// The rows, in order.
    pub(super) order: Order,
    /// The selected row, which is one of the rows.
    pub(super) selected: Subject,
    /// Its place among all rows, to stay near it when it goes away.
    place: usize,
    /// Since when nothing changes, if the user wants that.
    pub(super) paused: Option<SystemTime>,
    /// Since when the host does not answer, and why.
    pub(super) silent: Option<(SystemTime, String)>,
    /// What has changed last, and when.
    note: Option<(SystemTime, String)>,
    /// The screens that were opened; without any, the overview.
    screens: Vec<Screen>,
    /// The first line of the screen that is shown. The view keeps it below the number of lines.
    pub(super) scroll: usize,
}

/// A screen besides the overview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Screen {
    Details(Subject),
    Generations,
    Help,
}

impl Model {
    /// A model with a first answer of the host, which is asked again and again at an interval.
    pub fn new(status: Status, interval: Duration, sort: Sort) -> Self {
        let mut model = Self {
            interval,
            status: Status::default(),
            wrong: Vec::new(),
            history: History::default(),
            sort,
            reverse: false,
            order: Order::default(),
            selected: Subject::Host,
            place: 0,
            paused: None,
            silent: None,
            note: None,
            screens: Vec::new(),
            scroll: 0,
        };
        model.take(status);
        // The first listener.
        model.select(1);
        model
    }

    /// Whether the user has paused it. Then the host need not be asked.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// The host has answered.
    pub fn answered(&mut self, status: Status, now: SystemTime) {
        if self.is_paused() {
            return;
        }
        let before = &self.status;
        let mut note = None;
        if (before.pid, &before.started) != (status.pid, &status.started) {
            note = Some(format!(
                "another process answers: {}, up since {}; it was {}",
                status.pid,
                moment(&status.started),
                before.pid
            ));
            self.history.forget();
        } else if before.generation != status.generation {
            let by = status.generations.first().map_or("", |newest| &newest.by);
            let number = status.generation;
            note = Some(format!("generation {number} is in force, by {by}"));
        }
        if let Some((since, _)) = self.silent.take() {
            let time = span(now.duration_since(since).unwrap_or_default());
            let again = format!("the host answers again, after {time}");
            note = Some(match note {
                Some(note) => format!("{again}: {note}"),
                None => again,
            });
        }
        if let Some(note) = note {
            self.note = Some((now, note));
        }
        self.take(status);
    }

    /// The host has not answered.
    pub fn failed(&mut self, why: String, now: SystemTime) {
        if self.is_paused() {
            return;
        }
        let since = self.silent.take().map_or(now, |(since, _)| since);
        self.silent = Some((since, why));
    }

    /// Does what a key asks for.
    pub fn press(&mut self, key: Key, now: SystemTime) {
        match key {
            Key::Up => self.go_up(1),
            Key::Down => self.go_down(1),
            Key::PageUp => self.go_up(PAGE),
            Key::PageDown => self.go_down(PAGE),
            Key::First => self.go_up(usize::MAX),
            Key::Last => self.go_down(usize::MAX),
            Key::NextTable => self.change_table(1),
            Key::PreviousTable => self.change_table(-1),
            Key::Open if self.screens.is_empty() => {
                self.open(Screen::Details(self.selected.clone()));
            }
            Key::Back => {
                self.screens.pop();
                self.scroll = 0;
            }
            Key::Host => self.open(Screen::Details(Subject::Host)),
            Key::Generations => self.open(Screen::Generations),
            Key::Help if self.screens.last() == Some(&Screen::Help) => {
                self.press(Key::Back, now);
            }
            Key::Help => self.open(Screen::Help),
            Key::Sort => {
                self.sort = self.sort.next();
                self.arrange();
            }
            Key::Reverse => {
                self.reverse = !self.reverse;
                self.arrange();
            }
            Key::Pause => {
                self.paused = match self.paused {
                    Some(_) => None,
                    None => Some(now),
                };
            }
            Key::Open | Key::Quit | Key::Suspend | Key::Redraw => (),
        }
    }

    /// The screen that is shown; `None` for the overview.
    pub(super) fn screen(&self) -> Option<&Screen> {
        self.screens.last()
    }

    /// What has changed lately.
    pub(super) fn note(&self, now: SystemTime) -> Option<&str> {
        let (at, note) = self.note.as_ref()?;
        let age = now.duration_since(*at).unwrap_or_default();
        (age < NOTED).then_some(note)
    }

    /// What is wrong with a subject, or unusual.
    pub(super) fn wrong_with(&self, subject: &Subject) -> impl Iterator<Item = &Wrong> {
        self.wrong.iter().filter(move |one| one.subject == *subject)
    }

    /// Whether something is wrong with a subject.
    pub(super) fn is_wrong(&self, subject: &Subject) -> bool {
        self.wrong_with(subject).any(|one| one.serious)
    }

    fn take(&mut self, status: Status) {
        self.history.note(&status);
        self.wrong = wrong::find(&status, &self.history);
        self.status = status;
        self.arrange();
    }

    /// Puts rows in order. The same row stays selected; if it is gone, the one at its place.
    fn arrange(&mut self) {
        self.order = Order::of(&self.status, &self.wrong, self.sort, self.reverse);
        let rows = self.order.rows();
        let place = rows.iter().position(|row| *row == self.selected);
        self.select(place.unwrap_or(self.place));
    }

    /// Selects the row at a place, or the last one.
    fn select(&mut self, place: usize) {
        let mut rows = self.order.rows();
        self.place = place.min(rows.len().saturating_sub(1));
        self.selected = rows.swap_remove(self.place);
    }

    fn go_up(&mut self, by: usize) {
        if self.screens.is_empty() {
            self.select(self.place.saturating_sub(by));
        } else {
            self.scroll = self.scroll.saturating_sub(by);
        }
    }

    fn go_down(&mut self, by: usize) {
        if self.screens.is_empty() {
            self.select(self.place.saturating_add(by));
        } else {
            self.scroll = self.scroll.saturating_add(by);
        }
    }

    /// Selects the first row of another table, `by` tables further down.
    fn change_table(&mut self, by: isize) {
        if !self.screens.is_empty() {
            return;
        }
        let mut firsts = vec![0];
        let mut next = 1;
        for table in [
            &self.order.listeners,
            &self.order.filters,
            &self.order.outputs,
        ] {
            if !table.is_empty() {
                firsts.push(next);
            }
            next += table.len();
        }
        let here = firsts.iter().rposition(|first| *first <= self.place);
        let count = firsts.len().cast_signed();
        let there = (here.unwrap_or(0).cast_signed() + by).rem_euclid(count);
        self.select(firsts[there.cast_unsigned()]);
    }

    fn open(&mut self, screen: Screen) {
        // A screen that is open already comes to the front.
        self.screens.retain(|open| *open != screen);
        self.screens.push(screen);
        self.scroll = 0;
    }
}
