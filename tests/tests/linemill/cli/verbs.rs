//! Verbs that end by themselves: exit codes and output.

use linemill_tests::{Finished, Folder, guest, run};

/// The verbs that `--help` lists.
const VERBS: &[&str] = &[
    "serve",
    "pipe",
    "check",
    "schema",
    "inspect",
    "help",
    "new",
    "build",
    "bench",
    "status",
    "tap",
    "top",
    "reload",
    "log",
    "replay",
    "promote",
    "rollback",
    "completions",
    "man",
];

fn linemill(args: &[&str]) -> Finished {
    run(Folder::new().path(), args, b"")
}

#[test]
fn help_names_every_verb() {
    let help = linemill(&["--help"]).success().text();
    for verb in VERBS {
        assert!(
            help.contains(&format!("  {verb} ")),
            "no {verb} in:\n{help}"
        );
    }
}

#[test]
fn each_verb_has_help_with_an_example() {
    for verb in VERBS {
        let help = linemill(&[verb, "--help"]).success().text();
        assert!(help.contains("Usage: linemill"), "{verb}: {help}");
        assert!(
            help.contains(&format!("linemill {verb} ")),
            "{verb}: {help}"
        );
        assert!(help.contains("Example"), "no example of {verb}:\n{help}");
    }
}

#[test]
fn every_verb_has_a_manual_page() {
    let folder = Folder::new();
    run(folder.path(), ["man", "pages/man1"], b"").success();
    let page =
        |name: &str| String::from_utf8(folder.read(&format!("pages/man1/{name}.1"))).expect("text");
    assert!(page("linemill").contains(".TH linemill 1"));
    for verb in VERBS {
        let text = page(&format!("linemill-{verb}"));
        assert!(
            text.contains("EXAMPLE") || text.contains("Example"),
            "{verb}: {text}"
        );
        assert!(
            page("linemill").contains(&format!("linemill\\-{verb}(1)")),
            "{verb}"
        );
    }
    let serve = page("linemill-serve");
    for part in ["SIGTERM", "Exit status", "143", "\\-\\-config"] {
        assert!(serve.contains(part), "no {part}:\n{serve}");
    }
}

#[test]
fn each_shell_has_completions() {
    for (shell, part) in [
        ("bash", "complete -F _linemill"),
        ("zsh", "#compdef linemill"),
        ("fish", "complete -c linemill"),
    ] {
        let text = linemill(&["completions", shell]).success().text();
        assert!(
            text.contains(part) && text.contains("rollback"),
            "{shell}:\n{text}"
        );
        assert!(
            !text.contains("compile-plugin"),
            "{shell}: what is hidden is hidden"
        );
    }
    linemill(&["completions", "tcsh"]).exits_with(2);
}

#[test]
fn version() {
    let text = linemill(&["--version"]).success().text();
    assert_eq!(
        text.trim_end(),
        format!("linemill {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_usage_is_an_error() {
    linemill(&[]).failure();
    linemill(&["sevre"])
        .failure()
        .stderr_has(&["sevre", "serve"]);
    linemill(&["serve", "--listen", "somewhere"])
        .failure()
        .stderr_has(&["somewhere"]);
    linemill(&["serve", "--config", "nowhere.toml"])
        .failure()
        .stderr_has(&["nowhere.toml"]);
}

#[test]
fn an_address_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound").to_string();
    linemill(&["serve", "--listen", &address])
        .failure()
        .stderr_has(&[&address, "in use"]);
    let folder = Folder::new();
    let config = format!(
        "[[listener]]\nname = \"test\"\nbind = \"{address}\"\nchain = [\"rot13\"]\n[filter.rot13]\nplugin = \"rot13\"\n"
    );
    folder.write("c.toml", config);
    run(folder.path(), ["serve", "--config", "c.toml"], b"")
        .failure()
        .stderr_has(&["c.toml:3", "bind", &address, "in use"]);
}

#[test]
fn check_accepts_a_config_that_would_run() {
    let folder = Folder::new();
    folder.write(
        "good.toml",
        "[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\nchain = [\"rot13\"]\n\n[filter.rot13]\n\
         plugin = \"rot13\"\ntest = [ { in = [\"Hello\"], out = [\"Uryyb\"] } ]\n",
    );
    run(folder.path(), ["check", "good.toml"], b"").success();
}

#[test]
fn check_reports_where_and_what() {
    let folder = Folder::new();
    let listener = "[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\n";
    for (rest, parts) in [
        ("chian = []\n", &["bad.toml:4", "chian", "chain"][..]),
        (
            "max_line = \"16 parsecs\"\n",
            &["bad.toml:4", "max_line", "16 parsecs"],
        ),
        ("chain = [\"absent\"]\n", &["bad.toml:4", "chain", "absent"]),
        (
            "oversize = \"explode\"\n",
            &["bad.toml:4", "oversize", "explode", "truncate"],
        ),
        ("chain = [", &["bad.toml:4"]),
    ] {
        folder.write("bad.toml", format!("{listener}{rest}"));
        run(folder.path(), ["check", "bad.toml"], b"")
            .failure()
            .stderr_has(parts);
    }
}

#[test]
fn inspect_describes_a_plugin() {
    let folder = Folder::new();
    let component = guest::batch("shout");
    folder.write("shout.wasm", &component);
    let text = run(folder.path(), ["inspect", "./shout.wasm"], b"")
        .success()
        .text();
    for part in ["linemill:filter/batch@0.1.0", "sha256"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    assert!(
        text.contains(&component.len().to_string()),
        "no size in:\n{text}"
    );

    folder.write("line.wasm", guest::line("line"));
    let text = run(folder.path(), ["inspect", "./line.wasm"], b"")
        .success()
        .text();
    assert!(text.contains("linemill:filter/line@0.1.0"), "{text}");

    folder.write("clock.wasm", guest::importing("clock"));
    let text = run(folder.path(), ["inspect", "./clock.wasm"], b"")
        .success()
        .text();
    assert!(text.contains("acme:tools/clock@1.0.0"), "{text}");

    let text = run(folder.path(), ["inspect", "rot13"], b"")
        .success()
        .text();
    assert!(text.contains("linemill:filter/batch@0.1.1"), "{text}");
}

#[test]
fn inspect_refuses_other_files() {
    let folder = Folder::new();
    folder.write("core.wasm", guest::core("shout"));
    run(folder.path(), ["inspect", "./core.wasm"], b"")
        .failure()
        .stderr_has(&["core.wasm", "component"]);
    folder.write("text.wasm", "not wasm at all");
    run(folder.path(), ["inspect", "./text.wasm"], b"")
        .failure()
        .stderr_has(&["text.wasm"]);
}

#[test]
fn bench_measures_a_plugin() {
    let text = linemill(&["bench", "rot13", "--seconds", "0.1"])
        .success()
        .text();
    assert!(text.contains("ns"), "no ns per line in:\n{text}");
}

/// Without names of filters, the only listener determines chain and framing.
#[test]
fn pipe_runs_the_chain_of_the_only_listener() {
    let folder = Folder::new();
    folder.write(
        "one.toml",
        "[[listener]]\nchain = [\"case\"]\nframing = \"crlf\"\n",
    );
    let arguments = ["pipe", "--config", "one.toml"];
    let finished = run(folder.path(), arguments, b"A\nB\r\nC").success();
    assert_eq!(finished.text(), "a\nb\r\nc");
}

/// The number of failed lines is reported at the end, with what was done with them. Lines of the filter's
/// own tests do not count.
#[test]
fn pipe_reports_the_number_of_failed_lines() {
    let folder = Folder::new();
    let filter = "[filter.json]\non_error = \"drop\"\ntest = [ { in = [\"no\"], out = [] } ]\n";
    folder.write("json.toml", filter);
    let arguments = ["pipe", "--config", "json.toml", "json"];
    let finished = run(folder.path(), arguments, b"one\n{}\ntwo\n")
        .exits_with(2)
        .stderr_has(&["filter `json`: 2 lines failed: dropped (2 verdict)"]);
    assert_eq!(finished.text(), "{}\n");
}

/// Verbs read a configuration once, so it may come from a pipe. Paths in it start from the working
/// directory.
#[test]
#[cfg(unix)]
fn a_configuration_may_come_from_a_pipe() {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("shout"));
    let config = "[[listener]]\nname = \"test\"\nbind = \"127.0.0.1:0\"\nchain = [\"guest\"]\n\n\
        [filter.guest]\nplugin = \"./guest.wasm\"\n";
    run(folder.path(), ["check", "/dev/stdin"], config.as_bytes())
        .success()
        .stdout_has(&["/dev/stdin: ok"]);
    let config = folder.write("linemill.toml", config);
    let binary = linemill_tests::command(folder.path())
        .get_program()
        .to_owned();
    let piped = std::process::Command::new("bash")
        .args(["-c", "echo a | \"$0\" pipe --config <(cat \"$1\")"])
        .args([binary, config.clone().into()])
        .current_dir(folder.path())
        .output()
        .expect("bash is there");
    assert_eq!(String::from_utf8_lossy(&piped.stdout), "A\n", "{piped:?}");
    // A host reads it again at each reload.
    run(folder.path(), ["serve", "--config", "/dev/stdin"], b"")
        .failure()
        .stderr_has(&["/dev/stdin: the configuration is not a regular file"]);
    drop(config);
}
