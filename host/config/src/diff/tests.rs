//! What is said of changes, and which of them need a restart.

use std::path::Path;

use super::*;
use crate::parse;

const BASE: &str = r#"
        [[listener]]
        name = "a"
        bind = "127.0.0.1:1"
        chain = ["rot13"]
        [filter.rot13]
    "#;

fn lines(old: &str, new: &str) -> (String, String) {
    let read = |text| parse(Path::new("a.toml"), text, &["rot13", "case"]).expect("valid");
    let diff = diff(&read(old), &read(new));
    (
        diff.to_string(),
        diff.refusal()
            .map(|problems| problems.to_string())
            .unwrap_or_default(),
    )
}

#[test]
fn nothing_changed_when_only_places_did() {
    assert_eq!(
        lines(BASE, &format!("# moved\n\n{BASE}")),
        (String::new(), String::new())
    );
}

#[test]
fn what_changes_live() {
    let new = r#"
            [host]
            drain = "1s"
            compile = { time = "1m" }
            [[listener]]
            name = "a"
            bind = "127.0.0.1:1"
            chain = ["rot13", "case"]
            max_line = "1MiB"
            oversize = "drop"
            to = "tcp://b:1"
            idle_timeout = "0s"
            max_connections = 7
            max_per_address = 3
            reply_chain = ["case", { filter = "rot13", when = '^\{' }]
            connect_timeout = "1s"
            watermarks = { high = "1MiB" }
            total_rate = { lines = 1 }
            tls = { cert = "new.pem", key = "key.pem" }
            [filter.rot13]
            plugin = "./new.wasm"
            on_error = "close"
            settings = { a = 1 }
            [filter.rot13.limits]
            tables = 1
            imports = 2
            output = "3MiB"
            host_memory = "4MiB"
            log_lines = 5
            functions = 6
            function_size = "7B"
        "#;
    let expected = [
        "host: drain 10s -> 1s",
        "host: compile.time 20s -> 1m",
        r#"listener a: chain ["rot13"] -> ["rot13", "case"]"#,
        r#"listener a: reply_chain [] -> ["case", { filter = "rot13", when = "^\\{" }]"#,
        "listener a: connect_timeout 5s -> 1s",
        "listener a: watermarks.high 32KiB -> 1MiB",
        "listener a: watermarks.low 8KiB -> 256KiB",
        "listener a: idle_timeout 1m -> off",
        "listener a: max_connections 10000 -> 7",
        "listener a: max_per_address no limit -> 3",
        "listener a: total_rate changed",
        "listener a: tls changed",
        "listener a: max_line 16KiB -> 1MiB",
        r#"listener a: oversize "split" -> "drop""#,
        "filter case: added",
        "filter rot13: plugin rot13 -> ./new.wasm",
        r#"filter rot13: on_error the filter's default -> "close""#,
        "filter rot13: limits.tables 100000 -> 1",
        "filter rot13: limits.imports 200000 -> 2",
        "filter rot13: limits.output 2MiB -> 3MiB",
        "filter rot13: limits.host_memory 2MiB -> 4MiB",
        "filter rot13: limits.log_lines 10 -> 5",
        "filter rot13: limits.functions 200000 -> 6",
        "filter rot13: limits.function_size 1MiB -> 7B",
        "filter rot13: settings changed",
    ];
    let base = r#"
            to = "tcp://b:1"
            tls = { cert = "cert.pem", key = "key.pem" }
            [filter.rot13]"#;
    let (changes, refusal) = lines(&BASE.replace("[filter.rot13]", base), new);
    assert_eq!(changes.lines().collect::<Vec<_>>(), expected);
    assert_eq!(refusal, "");
}

#[test]
fn only_the_stack_needs_a_restart_and_says_so_where_it_stands() {
    let new = r#"
[host]
admin = "127.0.0.1:9"
stack = "1MiB"
[[listener]]
name = "a"
bind = "127.0.0.1:2"
framing = "crlf"
to = "tls://b:1"
reuse_port = true
to_framing = "octet"
to_tls = { ca = "ca.pem" }
shared = true
routes = { errors = "stdout" }
tee = ["file:/a"]
buffer = "2MiB"
tls = { cert = "cert.pem", key = "key.pem" }
"#;
    let (changes, refusal) = lines(BASE, new);
    let expected = [
        "host: admin off -> 127.0.0.1:9",
        "host: stack 512KiB -> 1MiB",
        "listener a: bind 127.0.0.1:1 -> 127.0.0.1:2",
        "listener a: reuse_port false -> true",
        "listener a: to reply -> tls://b:1",
        r#"listener a: to_framing as framing -> "octet""#,
        "listener a: to_tls changed",
        "listener a: shared false -> true",
        "listener a: routes changed",
        "listener a: tee changed",
        "listener a: buffer 1MiB -> 2MiB",
        "listener a: idle_timeout 1m -> off",
        "listener a: tls changed",
        r#"listener a: framing "lf" -> "crlf""#,
    ];
    assert_eq!(changes.lines().collect::<Vec<_>>(), expected);
    assert_eq!(
        refusal.lines().next(),
        Some("error: a.toml:4:9: host: stack 512KiB -> 1MiB: this needs a restart")
    );
    assert_eq!(refusal.matches("this needs a restart").count(), 1);
    assert!(refusal.contains("hint: restart linemill"));
}

#[test]
fn listeners_come_and_go() {
    let (changes, refusal) = lines(BASE, &BASE.replace("\"a\"", "\"b\""));
    assert_eq!(changes, "listener a: removed\nlistener b: added\n");
    assert_eq!(refusal, "");
}

#[test]
fn the_order_of_listeners_means_nothing() {
    let other = BASE
        .replace("\"a\"", "\"b\"")
        .replace(":1\"", ":2\"")
        .replace("[filter.rot13]", "");
    let (one, two) = (
        format!("{other}{BASE}"),
        format!(
            "{}{other}[filter.rot13]",
            BASE.replace("[filter.rot13]", "")
        ),
    );
    assert_eq!(lines(&one, &two), (String::new(), String::new()));
}
