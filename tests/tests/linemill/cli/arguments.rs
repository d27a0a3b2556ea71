//! Filters with their settings on the command line, of `pipe` and of `serve`, and the list of `filters`.

use linemill_tests::{Folder, Host, guest, run};
use serde_json::Value;

use crate::control::reload::reload;

#[test]
fn settings_follow_in_braces() {
    let folder = Folder::new();
    let input = b"{\"level\":\"ERROR\",\"user\":\"bob\"}\n{\"level\":\"INFO\",\"user\":\"eve\"}\n";
    let args = ["pipe", "grep{keep=[\"ERROR\"]}", "json{remove=[\"user\"]}"];
    let done = run(folder.path(), args, input).success();
    assert_eq!(done.text(), "{\"level\":\"ERROR\"}\n");
    // The same plugin twice, with other settings.
    let args = [
        "pipe",
        "grep{keep=['ERROR']}",
        "grep{drop=['bob']}",
        "rot13",
    ];
    assert_eq!(run(folder.path(), args, input).success().text(), "");
    folder.write("names", "bob\neve\n");
    let args = ["pipe", "grep{keep=[{file='names'}]}"];
    let done = run(folder.path(), args, b"bob\neve\n").success();
    assert_eq!(done.text(), "");
}

#[test]
fn they_replace_the_settings_of_the_configuration() {
    let folder = Folder::new();
    let config =
        "[filter.mine]\nplugin = \"grep\"\nmemory = \"32MiB\"\nsettings = { keep = [\"a\"] }\n";
    folder.write("c.toml", config);
    let with = |args: &[&str]| {
        let args = [&["pipe", "--config", "c.toml"], args].concat();
        run(folder.path(), args, b"a\nb\n").success().text()
    };
    assert_eq!(with(&["mine"]), "a\n");
    assert_eq!(with(&["mine{keep=['b']}"]), "b\n");
    assert_eq!(with(&["mine", "mine{keep=['b']}"]), "");
}

#[test]
fn mistakes_are_shown_in_the_argument() {
    let folder = Folder::new();
    for (arg, parts) in [
        (
            "grep{kep=['a']}",
            [
                "argument grep:1:13",
                "unknown key `kep`",
                "did you mean `keep`?",
            ],
        ),
        ("grep{keep=[a]}", ["argument grep:1:", "not TOML", "grep"]),
        ("grep{keep=['a'}", ["argument grep:1:", "not TOML", "grep"]),
        (
            "grep{keep=['a']",
            ["`grep`", "have no end", "NAME{key = value}"],
        ),
        (
            "grpe{keep=['a']}",
            ["there is no filter `grpe`", "did you mean `grep`?", "grep"],
        ),
        (
            "grep{keep={file='nowhere'}}",
            ["argument grep:1:", "`nowhere`", "cannot be read"],
        ),
    ] {
        for args in [vec!["pipe", arg], vec!["serve", "--chain", arg]] {
            run(folder.path(), args, b"").failure().stderr_has(&parts);
        }
    }
}

#[test]
fn a_host_takes_them_and_reads_their_files_again() {
    let folder = Folder::new();
    folder.write("word", "one");
    folder.write("c.toml", Host::config("chain = []", ""));
    let chain = "grep{drop=['x,y', {file='word'}]},rot13";
    let host = Host::spawn(folder, &["serve", "--config", "c.toml", "--chain", chain]);
    assert_eq!(host.connect().exchange(b"one\ntwo\nx,y\n"), b"gjb\n");
    host.folder().write("word", "two");
    reload(&host, 200);
    assert_eq!(host.connect().exchange(b"one\ntwo\nx,y\n"), b"bar\n");
}

#[test]
fn what_only_the_command_line_defines_gets_its_grants() {
    let folder = Folder::new();
    folder.write("reach.wasm", guest::importing("reach"));
    let pipe = |more: &[&str]| {
        run(
            folder.path(),
            [&["pipe", "./reach.wasm"], more].concat(),
            b"",
        )
    };
    let parts = [
        "grant = [\"log\", \"clock\", \"random\"]",
        "--grant log,clock,random",
    ];
    pipe(&[]).failure().stderr_has(&parts);
    pipe(&["--grant", "clock,log,random"]).success();
    pipe(&["--grant", "clocks"])
        .failure()
        .stderr_has(&["the grants are log, clock"]);
}

#[test]
fn the_bundled_filters_are_listed() {
    let folder = Folder::new();
    let list = run(folder.path(), ["filters"], b"").success().text();
    for name in ["grep", "json", "redact", "rot13"] {
        let line = list.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name}: {list}"));
        assert!(
            line.ends_with('.') && line.len() > name.len() + 10,
            "{line}"
        );
    }
    let document = run(folder.path(), ["filters", "--json"], b"")
        .success()
        .text();
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let filters = document["filters"].as_array().expect("a list");
    assert_eq!(filters.len(), list.lines().count());
    let grep = filters.iter().find(|filter| filter["name"] == "grep");
    assert!(grep.expect("listed")["description"]["settings"].is_object());
}
