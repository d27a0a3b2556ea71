//! What keys do, and what columns mean.

use super::sheet::Sheet;
use crate::control::admin::status::text::layout::span;
use crate::top::model::Model;

pub(super) fn lines(model: &Model, sheet: &mut Sheet) {
    sheet.field("", &format!("The host is asked every {}.", span_of(model)));
    sheet.blank();
    for (label, text) in [
        (
            "j k arrows",
            "select a row; in details, scroll. Also PgUp, PgDn, Home, End",
        ),
        ("Tab", "go to the next table; Shift-Tab: to the one before"),
        (
            "Enter",
            "details of the row: chains, failures, upstreams, trials",
        ),
        ("Esc", "back"),
        (
            "w",
            "all that is wrong, limits, certificates, the last refused reload",
        ),
        (
            "g",
            "generations: what changed, by what, and how long it took",
        ),
        (
            "s",
            "sort by what is wrong, name, lines, bytes, failures, latency (P99), queue",
        ),
        ("r", "reverse the order"),
        ("p", "pause, and go on; also the space bar"),
        ("q", "quit; also Ctrl-C"),
    ] {
        sheet.field(label, text);
    }
    sheet.blank();
    for (label, text) in [
        ("!", "something is wrong now, or was in the last 10 s"),
        ("-", "worth knowing"),
        (
            "a → b → c",
            "next to a listener: its filters, and where its lines go",
        ),
        (
            "LINES/s",
            "lines that come in, are filtered or written; mean of 10 s",
        ),
        ("BYTES/s", "bytes, likewise"),
        ("OUT/s", "what goes out again: to clients, or to outputs"),
        ("CONN", "connections open now"),
        (
            "DROPPED",
            "lines dropped by the host, since the listener started",
        ),
        (
            "FAILED",
            "lines that failed in the filter, since it was started",
        ),
        (
            "/LINE",
            "mean duration of calls per line, since the filter was started",
        ),
        ("P50 P99", "half of the calls, and 99 %, took no longer"),
        ("INST", "instances of the filter that exist now"),
        ("BREAKER", "open: the filter kept failing, and is bypassed"),
        ("QUEUED", "bytes that wait for the output"),
        ("LOST", "lines that the output lost"),
    ] {
        sheet.field(label, text);
    }
}

fn span_of(model: &Model) -> String {
    let interval = model.interval;
    if interval.subsec_millis() == 0 {
        span(interval)
    } else {
        format!("{} ms", interval.as_millis())
    }
}
