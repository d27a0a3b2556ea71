//! Filters that describe themselves: what the host makes of it, and that a bad description harms nobody.

use linemill_tests::{Finished, Folder, Host, guest, run};
use serde_json::Value;

/// Checks a configuration of one filter whose plugin is `component`.
fn check(component: &[u8], filter: &str) -> Finished {
    let folder = Folder::new();
    folder.write("guest.wasm", component);
    let filters = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{filter}\n");
    folder.write(
        "linemill.toml",
        Host::config("chain = [\"guest\"]", &filters),
    );
    run(folder.path(), ["check", "linemill.toml", "--json"], b"")
}

/// The problems in what `check --json` printed.
fn problems(checked: &Finished) -> Vec<Value> {
    let document: Value = serde_json::from_str(&checked.text()).expect("JSON");
    document["problems"].as_array().expect("a list").clone()
}

#[test]
fn settings_are_checked_where_they_are_written() {
    let guest = guest::describing(&[]);
    for (settings, written, part) in [
        (
            "[filter.guest.settings]\nwords = [\"loud\", \"quite\"]",
            "\"quite\"",
            "`settings.words[1]`",
        ),
        ("settings = { wrods = [] }", "wrods", "unknown key `wrods`"),
        (
            "settings = { inner = { width = 10 } }",
            "10",
            "`settings.inner.width`",
        ),
        (
            "settings.inner.width = \"x\"",
            "\"x\"",
            "is a text, not a whole number",
        ),
        (
            "[filter.guest.settings.inner]\nheight = 1",
            "height",
            "unknown key `height` of `settings.inner`",
        ),
    ] {
        let checked = check(&guest, settings).failure();
        let found = problems(&checked);
        assert_eq!(found.len(), 1, "{settings}: {found:?}");
        let filters = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{settings}\n");
        let text = Host::config("chain = [\"guest\"]", &filters);
        let inside = filters.rfind(written).expect("it is there");
        let at = text.find(&filters).expect("they are there") + inside;
        let line = text[..at].matches('\n').count() + 1;
        let column = at - text[..at].rfind('\n').map_or(0, |end| end + 1) + 1;
        assert_eq!(found[0]["line"], line, "{settings}: {found:?}");
        assert_eq!(found[0]["column"], column, "{settings}: {found:?}");
        let message = found[0]["message"].as_str().expect("a text");
        assert!(message.contains(part), "{settings}: {message}");
    }
    let checked = check(&guest, "settings = { wrods = [] }").failure();
    let hint = problems(&checked)[0]["hint"].to_string();
    assert!(hint.contains("did you mean `words`?"), "{hint}");
    check(
        &guest,
        "settings = { words = [\"loud\"], inner = { width = 9 } }",
    )
    .success();
}

#[test]
fn what_it_declares_is_the_default_of_on_error() {
    let guest = guest::describing(&[(
        "(call $shout (local.get $bytes)",
        "  (if (call $mark (local.get $bytes) (local.get $size)) (then unreachable))
           (call $shout (local.get $bytes) (local.get $size)))",
    )]);
    let host = |filter: &str| {
        let folder = Folder::new();
        folder.write("guest.wasm", &guest);
        let filters = format!("[filter.guest]\nplugin = \"./guest.wasm\"\n{filter}");
        Host::serve_in(folder, Host::config("chain = [\"guest\"]", &filters))
    };
    host("").expect_answer("!secret\nword", "WORD");
    host("on_error = \"pass\"").expect_answer("!secret\nword", "!secret\nWORD");
    let warned = check(&guest, "on_error = \"pass\"").success();
    let warnings = problems(&warned);
    let message = warnings[0]["message"].as_str().expect("a text");
    assert!(message.contains("passes unfiltered"), "{message}");
    assert_eq!(problems(&check(&guest, "").success()), [] as [Value; 0]);
}

#[test]
fn too_little_memory_is_worth_a_warning() {
    let guest = guest::describing(&[(
        ";; memory",
        "  (i64.add (i64.const 20000000) (i64.extend_i32_u (local.get $line))))",
    )]);
    let warnings = problems(&check(&guest, "").success());
    let message = warnings[0]["message"].as_str().expect("a text");
    assert!(
        message.contains("less than its plugin says that it needs"),
        "{message}"
    );
    let hint = warnings[0]["hint"].as_str().expect("a text");
    assert!(hint.contains("raise `memory` to at least 20"), "{hint}");
    let raised = check(&guest, "memory = \"32MiB\"").success();
    assert_eq!(problems(&raised), [] as [Value; 0]);
}

/// Components whose descriptions are wrong, and a part of what is said about each.
fn hostile() -> Vec<(Vec<u8>, &'static str)> {
    let nested =
        |levels: usize| format!("{}{{}}{}", "{\"items\":".repeat(levels), "}".repeat(levels));
    let deep = format!("{}0{}", "[".repeat(10_000), "]".repeat(10_000));
    let doubled: String = (0..24)
        .map(|at| {
            let next = at + 1;
            format!("\"a{at}\":{{\"anyOf\":[{{\"$ref\":\"#/$defs/a{next}\"}},{{\"$ref\":\"#/$defs/a{next}\"}}]}},")
        })
        .collect();
    let doubled = format!("{{\"$ref\":\"#/$defs/a0\",\"$defs\":{{{doubled}\"a24\":{{}}}}}}");
    let describing = |schema: &str| guest::describing_settings(schema);
    let of = guest::describing;
    vec![
        (
            of(&[
                (
                    ";; schema",
                    "(call $text (i32.const 288) (i32.const 65536) (i32.const 10485760))",
                ),
                ("(memory (export", "(memory (export \"memory\") 170)"),
            ]),
            "more than 65536 bytes",
        ),
        (describing(&" ".repeat(70_000)), "more than 65536"),
        (describing(&deep), "recursion limit"),
        (describing(&nested(100)), "more than 32 levels"),
        (guest::describing_settings(b"\xff{}"), "utf-8"),
        (describing("{"), "not JSON"),
        (describing("[]"), "not a JSON object"),
        (describing("{\"type\":\"word\"}"), "not valid"),
        (
            describing("{\"items\":{\"$ref\":\"http://127.0.0.1:9/a\"}}"),
            "refers to `http",
        ),
        (
            describing("{\"items\":{\"$ref\":\"#\"}}"),
            "leads back to itself",
        ),
        (describing(&doubled), "10000 parts"),
        (describing("{\"pattern\":\"(?=a)b\"}"), "not valid"),
        (
            describing("{\"pattern\":\"((a{100}){100}){100}\"}"),
            "not valid",
        ),
        (
            of(&[(
                ";; name",
                "(call $text (i32.const 256) (i32.const 4096) (i32.const 0))",
            )]),
            "its name is not",
        ),
        (
            of(&[(
                ";; summary",
                "(call $text (i32.const 272) (i32.const 0) (i32.const 4))",
            )]),
            "control character",
        ),
        (
            of(&[(
                ";; version",
                "(call $text (i32.const 264) (i32.const -8) (i32.const 64))",
            )]),
            "it does not describe itself",
        ),
        (
            of(&[(
                ";; on-error",
                "(i32.store16 (i32.const 296) (i32.const 0x0901))",
            )]),
            "discriminant",
        ),
        (
            of(&[(
                ";; needs",
                "(call $text (i32.const 300) (i32.const 320) (i32.const 100000))",
            )]),
            "it does not describe itself",
        ),
        (of(&[(";; license", "unreachable")]), "(trap)"),
        (
            of(&[(";; license", "(loop $spin (br $spin))")]),
            "(deadline)",
        ),
        (
            of(&[(
                ";; license",
                "(loop $grow (br_if $grow (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
            )]),
            "(memory)",
        ),
    ]
}

#[test]
fn hostile_descriptions_are_refused_and_nobody_else_is_harmed() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    let filters = "[filter.guest]\nplugin = \"./guest.wasm\"\n";
    let host = Host::serve_in(folder, Host::config("chain = [\"guest\"]", filters));
    host.expect_answer("a", "A");
    for (component, part) in hostile() {
        host.folder().write("hostile.wasm", &component);
        let more = format!("{filters}[filter.hostile]\nplugin = \"./hostile.wasm\"\n");
        host.replace_config(Host::config("chain = [\"guest\"]", &more));
        let refused: Value = host.post("/reload").json();
        assert_eq!(refused["result"], "refused", "{part}");
        let error = refused["error"].as_str().expect("a text").to_lowercase();
        assert!(error.contains(&part.to_lowercase()), "{part}: {error}");
        assert!(error.contains("hostile"), "{part}: {error}");
        host.expect_answer("b", "B");
    }
}

#[test]
fn a_pattern_that_other_engines_backtrack_in_takes_no_time() {
    let schema = r#"{"properties":{"word":{"pattern":"^(a+)+$"}}}"#;
    let words = format!("settings = {{ word = \"{}b\" }}", "a".repeat(10_000));
    let checked = check(&guest::describing_settings(schema), &words).failure();
    let message = problems(&checked)[0]["message"].to_string();
    assert!(
        message.contains("does not have the required form"),
        "{message}"
    );
}

#[test]
fn inspect_shows_what_it_says() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::describing(&[]));
    run(folder.path(), ["inspect", "./guest.wasm"], b"")
        .success()
        .stdout_has(&[
            "about    shouter 1.2.0: Shouts lines.",
            "licence  MIT",
            "on_error \"drop\" by default",
            "needs    `stream`: To know who shouts.",
        ]);
    let inspected = run(folder.path(), ["inspect", "./guest.wasm", "--json"], b"").success();
    let document: Value = serde_json::from_str(&inspected.text()).expect("JSON");
    let about = &document["description"];
    assert_eq!(about["name"], "shouter");
    assert_eq!(about["on_error"], "drop");
    assert_eq!(about["needs"][0]["grant"], "stream");
    assert_eq!(about["examples"][0]["settings"]["words"][0], "loud");
    assert_eq!(about["memory"], 65_536 + 3 * 16_384);
    assert_eq!(about["settings"]["type"], "object");
    folder.write("plain.wasm", guest::batch("shout"));
    run(folder.path(), ["inspect", "./plain.wasm"], b"")
        .success()
        .stdout_has(&["it does not describe itself"]);
    let inspected = run(folder.path(), ["inspect", "./plain.wasm", "--json"], b"").success();
    let document: Value = serde_json::from_str(&inspected.text()).expect("JSON");
    assert_eq!(document["description"], Value::Null);
    folder.write("bad.wasm", guest::describing_settings("{"));
    run(folder.path(), ["inspect", "./bad.wasm"], b"")
        .success()
        .stdout_has(&["about    refused: ", "is not JSON"]);
}

#[test]
fn help_shows_settings_and_examples_that_work() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::describing(&[]));
    let help = run(folder.path(), ["help", "./guest.wasm"], b"").success();
    let text = help.text();
    for part in [
        "shouter 1.2.0",
        "Shouts lines.",
        "list of: one of \"loud\", \"quiet\"",
        "Which words.",
        "inner.width  whole number, at most 9",
        "# Shouts loudly.",
        "words = [\"loud\"]",
    ] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    let example = text.split("# Shouts loudly.").nth(1).expect("an example");
    folder.write(
        "linemill.toml",
        Host::config("chain = [\"shouter\"]", example),
    );
    run(folder.path(), ["check", "linemill.toml"], b"").success();
    folder.write("plain.wasm", guest::batch("shout"));
    run(folder.path(), ["help", "./plain.wasm"], b"")
        .success()
        .stdout_has(&["does not describe itself"]);
    let verb = run(folder.path(), ["help", "serve"], b"").success().text();
    let same = run(folder.path(), ["serve", "--help"], b"").success();
    assert_eq!(verb, same.text());
    run(folder.path(), ["help"], b"")
        .success()
        .stdout_has(&["Usage: linemill"]);
    run(folder.path(), ["help", "srve"], b"")
        .failure()
        .stderr_has(&["there is no plugin `srve`", "lists the verbs"]);
}

#[test]
fn settings_of_a_version_on_trial_are_checked() {
    let guest = guest::describing(&[]);
    for (trial, part) in [
        (
            "canary = { plugin = \"./guest.wasm\", share = \"5%\", settings = { words = [\"soft\"] } }",
            "`soft` is not one of the choices",
        ),
        (
            "settings = { words = [\"loud\"] }\nshadow = { plugin = \"case\", share = \"5%\" }",
            "unknown key `words`",
        ),
    ] {
        let checked = check(&guest, trial).failure();
        let found = problems(&checked);
        assert_eq!(found.len(), 1, "{trial}: {found:?}");
        let message = found[0]["message"].as_str().expect("a text");
        assert!(message.contains(part), "{trial}: {message}");
        let text = if part.contains("soft") {
            "\"soft\""
        } else {
            "words"
        };
        let first = trial.lines().next().expect("a line");
        let column = first.find(text).expect("it is there") + 1;
        assert_eq!(found[0]["column"], column, "{trial}: {found:?}");
    }
}

#[test]
fn bench_checks_settings_too() {
    let folder = Folder::new();
    let bench = ["bench", "case", "--settings", "{\"to\": \"uper\"}"];
    run(folder.path(), bench, b"").failure().stderr_has(&[
        "key `settings.to` of filter `bench`: `uper` is not one of the choices",
        "did you mean `upper`?",
    ]);
}

#[test]
fn every_example_of_a_bundled_filter_is_accepted() {
    for plugin in [
        "case", "dedup", "grep", "json", "number", "redact", "rot13", "sample",
    ] {
        let folder = Folder::new();
        let inspected = run(folder.path(), ["inspect", plugin, "--json"], b"").success();
        let document: Value = serde_json::from_str(&inspected.text()).expect("JSON");
        let about = &document["description"];
        assert_eq!(about["name"], plugin);
        assert_eq!(about["license"], "Apache-2.0");
        let drops = ["grep", "json", "redact"].contains(&plugin);
        assert_eq!(about["on_error"] == "drop", drops, "{plugin}");
        let help = run(folder.path(), ["help", plugin], b"").success().text();
        for example in help.split("\n# ").skip(1) {
            let (_, example) = example.split_once('\n').expect("lines");
            let config = Host::config(&format!("chain = [\"{plugin}\"]"), example);
            // A route of an example leads to no destination here, so nothing else is wrong.
            folder.write("linemill.toml", config);
            run(
                folder.path(),
                ["check", "linemill.toml", "--warnings-as-errors"],
                b"",
            )
            .success();
        }
    }
}
