//! Model and view together: what a user sees of a host with long names and much that is wrong.

mod moves;
mod trouble;

use std::time::{Duration, SystemTime};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::keys::Key;
use super::model::Model;
use super::sort::Sort;
use super::view::{Look, draw, page};
use crate::control::admin::status::Status;
use linemill_config::is_unprintable;

/// An answer of a host, the same that the text of `linemill status` is tested with.
const BUSY: &str = include_str!("../control/admin/status/text/busy.json");

fn busy() -> Status {
    serde_json::from_str(BUSY).expect("a status")
}

/// A few seconds after the last thing that happened in `busy.json`.
fn now() -> SystemTime {
    humantime::parse_rfc3339("2026-11-28T06:20:45Z").expect("a time")
}

fn model() -> Model {
    Model::new(busy(), Duration::from_secs(1), Sort::Wrong)
}

/// A host with the given numbers of listeners, filters and outputs, where nothing is wrong.
fn calm(listeners: usize, filters: usize, outputs: usize) -> Status {
    let mut status = busy();
    let mut listener = status.listeners["own-upstreams"].clone();
    listener.upstreams.clear();
    let filter = status.filters["case"].clone();
    let output = status.outputs["file:/var/log/linemill/audit.log"].clone();
    status.ready = true;
    status.not_ready.clear();
    status.disk = Default::default();
    status.last_reload.successful = true;
    status.certificates.clear();
    status.leaving.clear();
    status.trials.clear();
    let named = |name: &'static str, count| (0..count).map(move |at| format!("{name}-{at:02}"));
    status.listeners = named("listener", listeners)
        .map(|name| (name, listener.clone()))
        .collect();
    status.filters = named("filter", filters)
        .map(|name| (name, filter.clone()))
        .collect();
    status.outputs = named("output", outputs)
        .map(|name| (name, output.clone()))
        .collect();
    status
}

fn later(mut status: Status, seconds: f64) -> Status {
    status.uptime_seconds += seconds;
    status
}

fn press(model: &mut Model, keys: &[Key]) {
    keys.iter().for_each(|key| model.press(*key, now()));
}

fn drawn(model: &mut Model, (width, height): (u16, u16), colours: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a backend");
    let look = Look { colours };
    terminal
        .draw(|frame| draw(frame, model, now(), look))
        .expect("drawn");
    terminal.backend().buffer().clone()
}

/// The rows of a screen as text.
fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| {
        let mut row = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            // What is under the second half of a wide character is not seen.
            x += u16::try_from(crate::columns::width(symbol))
                .expect("narrow")
                .max(1);
        }
        row.trim_end().to_owned()
    };
    (0..area.height).map(row).collect()
}

fn screen(model: &mut Model, size: (u16, u16)) -> String {
    rows(&drawn(model, size, false)).join("\n") + "\n"
}

const WIDE: (u16, u16) = (120, 40);
const USUAL: (u16, u16) = (80, 24);
const TINY: (u16, u16) = (40, 10);

/// `UPDATE_GOLDEN=1` rewrites the files in `screens`.
#[test]
fn screens_are_as_they_were() {
    use Key::{Down, Generations, Help, Host, NextTable, Open, Sort};
    let many = || {
        Model::new(
            calm(12, 50, 20),
            Duration::from_secs(1),
            super::sort::Sort::Wrong,
        )
    };
    for (name, size, mut model, keys) in [
        ("overview-80x24", USUAL, model(), &[][..]),
        ("overview-120x40", WIDE, model(), &[]),
        ("overview-40x10", TINY, model(), &[]),
        ("many-80x24", USUAL, many(), &[NextTable]),
        ("listener-80x24", USUAL, model(), &[Down, Open]),
        ("listener-40x10", TINY, model(), &[Down, Open]),
        ("filter-80x24", USUAL, model(), &[NextTable, Open]),
        (
            "trial-120x40",
            WIDE,
            model(),
            &[NextTable, Sort, Down, Down, Open],
        ),
        (
            "output-80x24",
            USUAL,
            model(),
            &[NextTable, NextTable, Open],
        ),
        ("host-80x24", USUAL, model(), &[Host]),
        ("generations-80x24", USUAL, model(), &[Generations]),
        ("help-80x24", USUAL, model(), &[Help]),
    ] {
        press(&mut model, keys);
        let shown = screen(&mut model, size);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/top/screens");
        let path = format!("{folder}/{name}.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &shown).expect("written");
            continue;
        }
        let golden = std::fs::read_to_string(path).unwrap_or_default();
        assert!(shown == golden, "{name}:\n{shown}");
    }
}

#[test]
fn a_page_has_everything_and_fits() {
    for width in [120, 80, 40] {
        let page = page(&model(), width, now());
        for line in &page {
            assert!(crate::columns::width(line) <= width, "{width}: {line}");
        }
        let text = page.join("\n");
        for part in [
            "rot13",
            "ot13, 5%",
            "dit.log",
            "20,123",
            "not ready",
            "down",
        ] {
            assert!(text.contains(part), "{width}: no {part} in:\n{text}");
        }
        assert!(!text.contains("more") && !text.contains('>'), "{text}");
    }
    // Sentences are whole.
    let text = page(&model(), 80, now()).join(" ");
    let text: Vec<_> = text.split_whitespace().collect();
    assert!(text.join(" ").contains("Connection refused (os error 111)"));
}

/// Whatever the size of the terminal, there is something to see, and nothing breaks.
#[test]
fn every_size_will_do() {
    for keys in [
        &[][..],
        &[Key::Open],
        &[Key::Host],
        &[Key::Generations],
        &[Key::Help],
    ] {
        for mut model in [
            model(),
            Model::new(calm(12, 50, 20), Duration::from_secs(1), Sort::Name),
        ] {
            press(&mut model, keys);
            for width in (0..=30).chain([39, 60, 79, 133, 300]) {
                for height in (0..=26).chain([50, 99]) {
                    press(&mut model, &[Key::Last, Key::Sort]);
                    let buffer = drawn(&mut model, (width, height), true);
                    if width > 20 && height > 1 {
                        let first = rows(&buffer).remove(0);
                        assert!(!first.is_empty(), "{keys:?} in {width}×{height}");
                    }
                }
            }
        }
    }
}

#[test]
fn colours_are_used_only_where_they_are_wanted() {
    for (colours, expected) in [(false, false), (true, true)] {
        let buffer = drawn(&mut model(), USUAL, colours);
        let coloured = buffer.content().iter().any(|cell| cell.fg != Color::Reset);
        assert_eq!(coloured, expected);
    }
}

#[test]
fn nothing_from_outside_drives_the_terminal() {
    let hostile = "\u{1b}[2J\r\n\u{202e}evil\u{200b}";
    let mut text = BUSY.to_owned();
    let escaped = serde_json::to_string(hostile).expect("a text");
    let escaped = escaped.trim_matches('"');
    for name in [
        "own-upstreams",
        "redact-personal-data",
        "tcp://collector-1",
        "SIGHUP",
        "start",
        "refused",
    ] {
        text = text.replace(name, &format!("{name}{escaped}"));
    }
    // Names of fields stay.
    for field in ["started", "refused", "mappings_refused"] {
        for part in ["start", "refused"] {
            let broken = field.replace(part, &format!("{part}{escaped}"));
            text = text.replace(&format!("\"{broken}\":"), &format!("\"{field}\":"));
        }
    }
    let status: Status = serde_json::from_str(&text).expect("a status");
    let mut model = Model::new(status, Duration::from_secs(1), Sort::Wrong);
    model.failed(hostile.to_owned(), now());
    let pages = page(&model, 80, now()).join("");
    assert!(!pages.contains(is_unprintable), "{pages:?}");
    for keys in [&[][..], &[Key::Open], &[Key::Host], &[Key::Generations]] {
        press(&mut model, keys);
        for size in [WIDE, USUAL, TINY] {
            let text = screen(&mut model, size).replace('\n', "");
            assert!(!text.contains(is_unprintable), "{text:?}");
            let seen = text.contains("\\u{1b}[2J");
            assert!(seen || size == TINY, "{keys:?}: {text:?}");
        }
    }
}

/// Columns begin where they begin in other rows, whatever the name.
#[test]
fn wide_characters_do_not_move_columns() {
    let mut status = calm(3, 1, 1);
    let listener = status.listeners["listener-00"].clone();
    for name in [
        "로그수집기",
        "로그수집기로그수집기로그수집기로그수집기",
        "e\u{301}tage",
    ] {
        status.listeners.insert(name.to_owned(), listener.clone());
    }
    let mut model = Model::new(status, Duration::from_secs(1), Sort::Name);
    let buffer = drawn(&mut model, USUAL, false);
    let column = |y: u16, from: u16| {
        let cells = (from..80).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>()
    };
    let titles = rows(&buffer)
        .iter()
        .position(|row| row.contains("LISTENER"));
    let first = u16::try_from(titles.expect("a table")).expect("a row") + 1;
    for y in first..first + 6 {
        assert_eq!(column(y, 28), column(first, 28), "row {y}");
    }
    assert!(
        rows(&buffer)
            .iter()
            .any(|row| row.contains("로그수집…수집기로그수집기"))
    );
}
