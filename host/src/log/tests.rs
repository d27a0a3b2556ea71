//! What a log line looks like, in both forms, and that nobody else can write one.

use super::*;

/// What is logged inside `log`, without times.
fn logged(ansi: bool, format: LogFormat, log: impl FnOnce()) -> String {
    let output: &'static Output = Box::leak(Box::new(Output::captured(ansi)));
    output.set_format(format);
    let subscriber = tracing_subscriber::registry().with(LogLayer(output));
    tracing::subscriber::with_default(subscriber, log);
    output.text()
}

/// A line of text behind its time and its style.
fn behind_time(text: &str) -> &str {
    let (time, rest) = text.split_once(' ').expect("a time");
    assert!(time.contains('T') && time.contains('Z'), "{text:?}");
    rest
}

#[test]
fn a_connection_shows_the_generation_it_is_on() {
    let log = || {
        let span = tracing::error_span!("connection", listener = "a", generation = 1_u64);
        let _entered = span.enter();
        for generation in [20_u64, 300] {
            span.record("generation", generation);
        }
        tracing::warn!("here");
    };
    for ansi in [false, true] {
        let text = logged(ansi, LogFormat::Text, log);
        assert_eq!(text.matches("generation").count(), 1, "{text:?}");
        assert!(text.contains("300") && text.contains("\"a\""), "{text:?}");
        if !ansi {
            let shown = "connection{listener=\"a\" generation=300}: here\n";
            assert!(text.ends_with(shown), "{text:?}");
        }
    }
    let json = logged(false, LogFormat::Json, log);
    let shown = r#""level":"WARN","message":"here","listener":"a","generation":300,"fields":{}}"#;
    assert!(json.contains(shown), "{json}");
}

#[test]
fn nobody_else_writes_a_line_of_the_log() {
    let hostile = "a\nERROR forged\u{1b}[2J\u{202e}\u{9b}1m";
    let escaped = "a\\nERROR forged\\u{1b}[2J\\u{202e}\\u{9b}1m";
    let fields = || {
        let span = tracing::error_span!("connection", peer = %hostile);
        span.in_scope(|| tracing::warn!(error = %hostile, text = hostile, "it fails"));
    };
    let text = logged(false, LogFormat::Text, fields);
    let expected = format!(
        " WARN connection{{peer={escaped}}}: it fails error={escaped} text=\"{escaped}\"\n"
    );
    assert_eq!(behind_time(&text), expected);
    let text = logged(false, LogFormat::Text, || {
        tracing::warn!("it fails: {hostile}");
    });
    let expected = " WARN it fails: a\n    ERROR forged\\u{1b}[2J\\u{202e}\\u{9b}1m\n";
    assert_eq!(behind_time(&text), expected);
    let text = logged(true, LogFormat::Text, || {
        tracing::warn!(error = %hostile, "it fails");
    });
    assert!(text.ends_with(&format!("{escaped}\n")), "{text:?}");
    assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    let json = logged(false, LogFormat::Json, fields);
    assert_eq!(json.matches('\n').count(), 1, "{json:?}");
    assert!(
        !json.trim_end().contains(linemill_config::is_unprintable),
        "{json:?}"
    );
    let object: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(object["peer"], hostile);
    assert_eq!(object["fields"]["error"], hostile);
    assert_eq!(object["fields"]["text"], hostile);
}

#[test]
fn an_object_has_the_same_keys_whether_a_field_is_of_the_message_or_of_its_connection() {
    let json = logged(false, LogFormat::Json, || {
        tracing::info!(listener = "a", peer = %"192.0.2.1:7", count = 3_u64, share = 0.5, on = true, "said");
        let span = tracing::error_span!("connection", listener = "b", peer = %"192.0.2.1:8");
        span.in_scope(|| tracing::error!(why = Some("x"), gone = None::<u64>, "two\nlines"));
    });
    let lines: Vec<_> = json
        .lines()
        .map(|line| {
            let (time, rest) = line.split_once(',').expect("keys");
            let time = time.strip_prefix("{\"timestamp\":\"").expect("a time");
            let time = time.trim_end_matches('"');
            humantime::parse_rfc3339(time).expect("RFC 3339");
            rest
        })
        .collect();
    assert_eq!(
        lines,
        [
            r#""level":"INFO","message":"said","listener":"a","peer":"192.0.2.1:7","fields":{"count":3,"share":0.5,"on":true}}"#,
            r#""level":"ERROR","message":"two\nlines","listener":"b","peer":"192.0.2.1:8","fields":{"why":"x"}}"#,
        ]
    );
}

#[test]
fn what_is_printed_is_an_object_where_the_log_is() {
    let output = Output::captured(false);
    output.print(Level::INFO, "listening on 127.0.0.1:1\n");
    output.set_format(LogFormat::Json);
    output.print(Level::INFO, "listening on 127.0.0.1:1\n");
    let text = output.text();
    let (plain, json) = text.split_once('\n').expect("two lines");
    assert_eq!(plain, "listening on 127.0.0.1:1");
    let object: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(object["message"], plain);
}

#[test]
fn a_level_that_is_not_one_names_the_variable() {
    let refused = of_variable("verbose").expect_err("refused").to_string();
    assert!(
        refused.starts_with(
            "error: the environment variable LINEMILL_LOG: `verbose` is not a log level\n"
        ),
        "{refused}"
    );
}

#[test]
fn parts_of_the_program_have_their_levels() {
    let enabled = |filter: &str, target, level| {
        let filter = filter.parse().expect("a filter");
        targets(&filter).would_enable(target, &level)
    };
    assert!(enabled("debug", "linemill_sandbox::filter", Level::DEBUG));
    assert!(!enabled("debug", "hyper", Level::INFO));
    assert!(enabled(
        "warn,linemill::sinks=trace",
        "linemill::sinks::file",
        Level::TRACE
    ));
    assert!(!enabled(
        "warn,linemill::sinks=trace",
        "linemill::log",
        Level::INFO
    ));
    assert!(!enabled("off", "linemill", Level::ERROR));
}
