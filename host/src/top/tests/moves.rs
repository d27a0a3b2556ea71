//! Keys: which row is selected, the order of rows, and which screen is shown.

use std::time::Duration;

use super::{TINY, USUAL, WIDE, calm, later, model, now, press, screen};
use crate::top::Subject;
use crate::top::keys::Key;
use crate::top::model::Model;
use crate::top::sort::Sort;

#[test]
fn the_selection_stays_on_its_row() {
    let mut status = calm(3, 4, 2);
    let mut model = Model::new(status.clone(), Duration::from_secs(1), Sort::Lines);
    press(&mut model, &[Key::NextTable, Key::Down]);
    let selected = Subject::Filter("filter-01".to_owned());
    assert_eq!(model.selected, selected);
    // It comes first, and others come before its table.
    status
        .filters
        .get_mut("filter-01")
        .expect("it is there")
        .lines_per_second = 1e6;
    status.listeners.insert(
        "another".to_owned(),
        status.listeners["listener-00"].clone(),
    );
    model.answered(later(status.clone(), 1.0), now());
    assert_eq!(model.selected, selected);
    assert_eq!(model.order.filters[0], "filter-01");
    let text = screen(&mut model, USUAL);
    assert!(text.contains("\n>  filter-01 "), "{text}");
    press(&mut model, &[Key::Reverse, Key::Sort, Key::Sort]);
    assert_eq!(model.selected, selected);
    // When it goes, a row at its place is selected.
    status.filters.remove("filter-01");
    model.answered(later(status.clone(), 2.0), now());
    assert!(
        matches!(model.selected, Subject::Filter(_)),
        "{:?}",
        model.selected
    );
    status.filters.clear();
    status.outputs.clear();
    model.answered(later(status, 3.0), now());
    assert!(
        matches!(model.selected, Subject::Listener(_)),
        "{:?}",
        model.selected
    );
}

/// In a long table, the selected row is on the screen.
#[test]
fn the_selected_row_is_seen() {
    let mut model = Model::new(calm(12, 50, 20), Duration::from_secs(1), Sort::Name);
    for size in [WIDE, USUAL, TINY] {
        press(&mut model, &[Key::First]);
        for _ in 0..82 {
            press(&mut model, &[Key::Down]);
            let (Subject::Listener(name) | Subject::Filter(name) | Subject::Output(name)) =
                model.selected.clone()
            else {
                panic!("{:?}", model.selected);
            };
            let text = screen(&mut model, size);
            assert!(text.contains(&format!("\n>  {name}")), "{name} in:\n{text}");
        }
        assert_eq!(model.selected, Subject::Output("output-19".to_owned()));
    }
}

#[test]
fn tables_take_turns() {
    let mut model = Model::new(calm(2, 0, 2), Duration::from_secs(1), Sort::Name);
    let mut seen = Vec::new();
    for key in [
        Key::NextTable,
        Key::NextTable,
        Key::NextTable,
        Key::PreviousTable,
        Key::PreviousTable,
    ] {
        press(&mut model, &[key]);
        seen.push(model.selected.clone());
    }
    let listener = Subject::Listener("listener-00".to_owned());
    let output = Subject::Output("output-00".to_owned());
    let expected = [
        output.clone(),
        Subject::Host,
        listener.clone(),
        Subject::Host,
        output,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn keys_order_rows() {
    let mut status = calm(0, 3, 3);
    for (at, (name, lines, failed, p99)) in [
        ("filter-00", 5.0, 7, 900),
        ("filter-01", 9.0, 1, 100),
        ("filter-02", 1.0, 3, 500),
    ]
    .into_iter()
    .enumerate()
    {
        let filter = status.filters.get_mut(name).expect("it is there");
        filter.lines_per_second = lines;
        filter.work.failed = failed;
        filter.work.call_p99_ns = Some(p99);
        let output = status
            .outputs
            .get_mut(&format!("output-0{at}"))
            .expect("it is there");
        output.queued = failed;
        output.bytes_per_second = lines;
    }
    let order = |sort, reverse| {
        let mut model = Model::new(status.clone(), Duration::from_secs(1), sort);
        if reverse {
            press(&mut model, &[Key::Reverse]);
        }
        let last = |name: &String| name.chars().last().expect("a digit");
        let filters: String = model.order.filters.iter().map(last).collect();
        let outputs: String = model.order.outputs.iter().map(last).collect();
        (filters, outputs)
    };
    let expected = |filters: &str, outputs: &str| (filters.to_owned(), outputs.to_owned());
    assert_eq!(order(Sort::Name, false), expected("012", "012"));
    assert_eq!(order(Sort::Name, true), expected("210", "210"));
    assert_eq!(order(Sort::Lines, false), expected("102", "012"));
    assert_eq!(order(Sort::Bytes, false), expected("102", "102"));
    assert_eq!(order(Sort::Failures, false), expected("021", "012"));
    assert_eq!(order(Sort::Latency, false), expected("021", "012"));
    assert_eq!(order(Sort::Latency, true), expected("120", "210"));
    assert_eq!(order(Sort::Queue, false), expected("012", "021"));
}

#[test]
fn a_pause_holds_everything() {
    let mut model = model();
    press(&mut model, &[Key::Pause]);
    let paused = screen(&mut model, USUAL);
    assert!(
        paused
            .lines()
            .next()
            .is_some_and(|row| row.ends_with("PAUSED since 06:20:45Z")),
        "{paused}"
    );
    model.answered(later(calm(1, 1, 1), 1.0), now());
    model.failed("gone".to_owned(), now());
    assert_eq!(screen(&mut model, USUAL), paused);
    press(&mut model, &[Key::Pause]);
    model.answered(later(calm(1, 1, 1), 2.0), now());
    let text = screen(&mut model, USUAL);
    assert!(
        text.contains("filter-00") && !text.contains("PAUSED"),
        "{text}"
    );
}

#[test]
fn screens_are_left_as_they_were_entered() {
    let mut model = model();
    let overview = screen(&mut model, USUAL);
    press(&mut model, &[Key::Open]);
    let details = screen(&mut model, USUAL);
    press(&mut model, &[Key::Help, Key::Down, Key::Back]);
    assert_eq!(screen(&mut model, USUAL), details);
    press(&mut model, &[Key::Help, Key::Help]);
    assert_eq!(screen(&mut model, USUAL), details, "? closes the help, too");
    press(&mut model, &[Key::Open, Key::Back]);
    assert_eq!(screen(&mut model, USUAL), overview);
    press(&mut model, &[Key::Back]);
    assert_eq!(screen(&mut model, USUAL), overview);
}

#[test]
fn scrolling_ends_where_the_text_ends() {
    let mut model = model();
    press(&mut model, &[Key::Host, Key::Last]);
    let end = screen(&mut model, TINY);
    press(&mut model, &[Key::Down, Key::PageDown]);
    assert_eq!(screen(&mut model, TINY), end);
    press(&mut model, &[Key::Up]);
    assert_ne!(screen(&mut model, TINY), end, "one line up is one line up");
}

/// Details of something that a reload removes.
#[test]
fn details_outlive_their_subject() {
    let mut model = Model::new(calm(2, 1, 0), Duration::from_secs(1), Sort::Name);
    press(&mut model, &[Key::Open]);
    let mut status = calm(2, 1, 0);
    status.listeners.remove("listener-00");
    model.answered(later(status, 1.0), now());
    let text = screen(&mut model, USUAL);
    assert!(
        text.contains("listener listener-00") && text.contains("no longer in force"),
        "{text}"
    );
}
