//! What is wrong, or unusual, as a user sees it.

use std::time::Duration;

use super::{USUAL, calm, later, model, now, screen};
use crate::control::admin::status::{FilterStatus, ListenerStatus, OutputStatus, Status};
use crate::top::model::Model;
use crate::top::sort::Sort;

/// The mark of a row says what its colour says.
#[test]
fn what_is_wrong_is_marked() {
    let text = screen(&mut model(), (120, 60));
    let rows: Vec<_> = text.lines().collect();
    let row = |start: &str| {
        let found = rows
            .iter()
            .find(|row| row.get(3..).is_some_and(|row| row.starts_with(start)));
        found.unwrap_or_else(|| panic!("no {start} in:\n{text}"))
    };
    assert!(
        rows[0].starts_with(" ! linemill 0.1.0, process 20759"),
        "{text}"
    );
    for (name, marks) in [
        ("own-upstreams ", ">! "),
        ("syslog-from", "   "),
        ("redact-pers", " ! "),
        ("rot13 ", "   "),
        ("tcp://collector", " ! "),
        ("file:/var", "   "),
    ] {
        assert!(row(name).starts_with(marks), "{name} in:\n{text}");
    }
    // Next to the marks, words.
    for sentence in [
        "not ready: `to` of listener",
        "last reload refused 10 min 44 s ago: error: /etc/linemill/linemill.toml:13:1: unknown key",
        "output tcp://colle…or-2.internal:6514: down for 46 s: cannot connect to collector-1",
        "filter redact-pers…-data-of-customers: breaker open for 20 min 44 s, 9 probes failed",
        "listener own-upstreams: upstream tls://backend.internal:4000 down for 20 min 44 s: it closed",
    ] {
        assert!(row(sentence).starts_with(" ! "), "{sentence} in:\n{text}");
    }
}

/// What has failed before counts as wrong only if it fails again.
#[test]
fn failures_count_when_they_happen() {
    let mut status = calm(1, 2, 1);
    let filter = status.filters.get_mut("filter-01").expect("it is there");
    filter.failures.insert("trap".to_owned(), 20);
    filter.work.failed = 20;
    let mut model = Model::new(status.clone(), Duration::from_secs(1), Sort::Wrong);
    assert!(!screen(&mut model, USUAL).contains('!'));
    let filter = status.filters.get_mut("filter-01").expect("it is there");
    filter.failures.insert("trap".to_owned(), 25);
    model.answered(later(status.clone(), 1.0), now());
    let text = screen(&mut model, USUAL);
    let sentence =
        " ! filter filter-01: 5 lines failed (trap) in the last 1 s; on_error = \"pass\"";
    assert!(text.contains(sentence), "{text}");
    assert_eq!(
        model.order.filters[0], "filter-01",
        "what is wrong is first"
    );
    for second in 2..=13 {
        model.answered(later(status.clone(), f64::from(second)), now());
    }
    assert!(!screen(&mut model, USUAL).contains('!'));
    assert_eq!(model.order.filters[0], "filter-00");
}

/// What goes wrong, and the sentence about it.
type Trouble = (fn(&mut Status), &'static str);

#[test]
fn each_trouble_has_its_sentence() {
    let troubles: [Trouble; 12] = [
        (
            |status| status.format = 2,
            "the host answers in format 2 of /status",
        ),
        (
            |status| status.memory.used = 19 << 30,
            "memory: 19.0 GiB of 18.8 GiB",
        ),
        (
            |status| status.memory.mappings = 49_000,
            "mappings: 49,000 of 49,050 (99.9%)",
        ),
        (
            |status| status.descriptors.open = Some(18_000),
            "descriptors: 18,000 of 20,000 (90.0%)",
        ),
        (
            |status| status.memory.mappings_refused += 5,
            "5 requests for mappings refused in the last 1 s",
        ),
        (
            |status| {
                status
                    .memory
                    .holders
                    .get_mut("guests")
                    .expect("it is there")
                    .refused += 1
            },
            "1 requests for memory refused or delayed (guests) in the last 1 s",
        ),
        (
            |status| listener(status).connections = 10_000,
            "listener listener-00: full: 10,000 connected of 10,000",
        ),
        (
            |status| listener(status).address = None,
            "listener listener-00: not bound yet",
        ),
        (
            |status| {
                _ = listener(status)
                    .lines
                    .dropped
                    .insert("next_hop".to_owned(), 70)
            },
            "listener listener-00: 3 lines dropped (next_hop) in the last 1 s",
        ),
        (
            |status| {
                _ = listener(status)
                    .refused
                    .insert("not_allowed".to_owned(), 18)
            },
            "listener listener-00: 1 connections refused (not_allowed) in the last 1 s",
        ),
        (
            |status| filter(status).host_faults = 4,
            "filter filter-00: 4 calls failed because of the host in the last 1 s",
        ),
        (
            |status| _ = output(status).lost_by_reason.insert("full".to_owned(), 9),
            "output output-00: 9 lines lost (full) in the last 1 s",
        ),
    ];
    for (trouble, sentence) in troubles {
        let mut model = Model::new(calm(1, 1, 1), Duration::from_secs(1), Sort::Wrong);
        assert_eq!(model.wrong, []);
        let mut status = later(calm(1, 1, 1), 1.0);
        trouble(&mut status);
        model.answered(status, now());
        let text = screen(&mut model, USUAL);
        assert!(
            text.contains(&format!("\n ! {sentence}")),
            "{sentence}\n{text}"
        );
        assert!(text.starts_with(" ! linemill "), "{text}");
    }
}

fn listener(status: &mut Status) -> &mut ListenerStatus {
    status
        .listeners
        .get_mut("listener-00")
        .expect("it is there")
}

fn filter(status: &mut Status) -> &mut FilterStatus {
    status.filters.get_mut("filter-00").expect("it is there")
}

fn output(status: &mut Status) -> &mut OutputStatus {
    status.outputs.get_mut("output-00").expect("it is there")
}

#[test]
fn a_host_that_does_not_answer_is_reported_until_it_does() {
    let mut model = Model::new(calm(1, 1, 1), Duration::from_secs(1), Sort::Wrong);
    let seconds = |ago| now() - Duration::from_secs(ago);
    model.failed(
        "no answer from 127.0.0.1:9713 within 5s".to_owned(),
        seconds(12),
    );
    model.failed(
        "cannot connect to 127.0.0.1:9713: Connection refused".to_owned(),
        seconds(2),
    );
    let text = screen(&mut model, USUAL);
    let first = text.lines().next().unwrap_or_default();
    assert!(
        first.starts_with(" ! ") && first.ends_with("NO ANSWER for 12 s"),
        "{text}"
    );
    assert!(
        text.contains(
            " ! no answer since 2026-11-28 06:20:33Z: cannot connect to 127.0.0.1:9713: Con"
        ),
        "{text}"
    );
    assert!(
        text.contains("listener-00"),
        "the last values stay:\n{text}"
    );

    model.answered(later(calm(1, 1, 1), 20.0), now());
    let text = screen(&mut model, USUAL);
    assert!(
        text.contains(" - the host answers again, after 12 s\n"),
        "{text}"
    );
    assert!(!text.contains('!'), "{text}");
}

#[test]
fn another_process_is_reported() {
    let mut model = Model::new(calm(1, 1, 1), Duration::from_secs(1), Sort::Wrong);
    let mut status = calm(1, 1, 1);
    status.pid = 4711;
    status.started = "2026-11-28T06:20:40.000Z".to_owned();
    status.uptime_seconds = 5.0;
    // It has failed less than the other, and none of that is new.
    status
        .filters
        .get_mut("filter-00")
        .expect("it is there")
        .failures
        .insert("trap".to_owned(), 3);
    model.answered(status.clone(), now());
    let text = screen(&mut model, USUAL);
    let sentence =
        " - another process answers: 4711, up since 2026-11-28 06:20:40Z; it was 20759\n";
    assert!(text.contains(sentence) && !text.contains('!'), "{text}");

    status.generation = 8;
    status.generations[0].by = "SIGHUP".to_owned();
    model.answered(later(status, 1.0), now());
    let text = screen(&mut model, USUAL);
    assert!(
        text.contains(" - generation 8 is in force, by SIGHUP\n"),
        "{text}"
    );
    // After a while, it is no news.
    assert_eq!(model.note(now() + Duration::from_secs(31)), None);
}
