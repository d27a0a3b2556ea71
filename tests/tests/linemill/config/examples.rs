//! The files that users start from: `config/` and `examples/`.
//!
//! Each configuration is accepted, including the tests of its filters, and each scenario produces the
//! output next to it (`expected…`). The steps are those of the scenario's README.

use std::fs;
use std::path::{Path, PathBuf};

use linemill_tests::run;
#[cfg(unix)]
use linemill_tests::{Folder, Host, eventually};

/// A path in the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A file of a scenario. Line ends are as committed: LF.
fn read(scenario: &Path, name: &str) -> String {
    let path = scenario.join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Collects every `.toml` file below `folder` that is a configuration.
fn configurations(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            configurations(&path, found);
        } else if path.extension().is_some_and(|end| end == "toml")
            && path.file_name().is_some_and(|name| name != "Cargo.toml")
        {
            found.push(path);
        }
    }
}

#[test]
fn every_configuration_is_accepted() {
    let mut found = Vec::new();
    configurations(&repository("config"), &mut found);
    configurations(&repository("examples"), &mut found);
    for name in [
        "linemill.toml",
        "redact.toml",
        "redact-logs/linemill.toml",
        "app-logs/linemill.toml",
        "ndjson/linemill.toml",
        "redis/linemill.toml",
    ] {
        assert!(
            found.iter().any(|path| path.ends_with(name)),
            "no {name} in {found:?}"
        );
    }
    for path in found {
        let folder = path.parent().expect("a file lies in a folder");
        let name = path.file_name().expect("a file has a name");
        let done = run(folder, ["check".as_ref(), name], b"").success();
        let first = format!("{}: ok\n", name.display());
        assert!(done.text().starts_with(&first), "{}", done.text());
        // A sample without tests proves nothing, except for the one that lists all keys.
        let tests =
            done.text().matches(" held").count() - done.text().matches(": 0 tests held").count();
        assert!(
            tests > 0 || path.ends_with("config/linemill.toml"),
            "{}",
            done.text()
        );
    }
}

/// Runs the step `linemill pipe --config linemill.toml CHAIN < INPUT` of a scenario. It ends with exit
/// status 2 if lines fail, which the README then says.
#[track_caller]
fn check_step(scenario: &str, chain: &[&str], input: &str, expected: &str) {
    let folder = repository("examples").join(scenario);
    let args = ["pipe", "--config", "linemill.toml"]
        .into_iter()
        .chain(chain.iter().copied());
    let readme = read(&folder, "README.md");
    let fails = readme.contains("exit status is 2");
    let done = run(&folder, args, read(&folder, input).as_bytes());
    let done = done.exits_with(if fails { 2 } else { 0 });
    assert_eq!(done.text(), read(&folder, expected), "{scenario} {chain:?}");
    let command = format!(
        "linemill pipe --config linemill.toml {} < {input}",
        chain.join(" ")
    );
    assert!(
        readme.contains(&command),
        "the README has no step `{command}`"
    );
    for line in read(&folder, expected).lines() {
        assert!(readme.contains(line), "the README has no line `{line}`");
    }
}

#[test]
fn app_logs() {
    let chain = ["traces", "redact", "events", "errors"];
    check_step("app-logs", &chain, "app.log", "expected.ndjson");
    let scenario = repository("examples").join("app-logs");
    let config = read(&scenario, "linemill.toml").replace("127.0.0.1:4717", "127.0.0.1:0");
    let host = Host::serve(config);
    let mut client = host.connect();
    client.send(read(&scenario, "app.log").as_bytes());
    client.finish();
    let expected = read(&scenario, "expected.ndjson");
    let (errors, events): (Vec<_>, Vec<_>) = expected
        .split_inclusive('\n')
        .partition(|line| line.contains("\"ERROR\""));
    for (file, lines) in [("errors.ndjson", errors), ("events.ndjson", events)] {
        eventually(file, || {
            (host.folder().read(file) == lines.concat().as_bytes()).then_some(())
        });
    }
}

#[test]
fn redact_logs() {
    check_step(
        "redact-logs",
        &["wanted", "redact"],
        "service.log",
        "expected.log",
    );
    check_step(
        "redact-logs",
        &["problems", "redact"],
        "service.log",
        "expected-problems.log",
    );
}

#[test]
fn ndjson() {
    check_step(
        "ndjson",
        &["slim", "once"],
        "events.ndjson",
        "expected.ndjson",
    );
    check_step(
        "ndjson",
        &["slim", "some"],
        "events.ndjson",
        "expected-some.ndjson",
    );
}

/// A scenario's configuration, with a free port and an admin address.
#[cfg(unix)]
fn served(scenario: &str) -> String {
    let config = read(&repository("examples").join(scenario), "linemill.toml");
    let bind = config
        .lines()
        .find(|line| line.starts_with("bind = "))
        .expect("a listener binds");
    format!(
        "[host]\nadmin = \"127.0.0.1:0\"\n{}",
        config.replace(bind, "bind = \"127.0.0.1:0\"")
    )
}

/// The second half of the scenario: the chain changes while a client is connected.
#[cfg(unix)]
#[test]
fn redact_logs_served_and_swapped() {
    let folder = repository("examples/redact-logs");
    let log = read(&folder, "service.log");
    let config = served("redact-logs");
    let host = Host::serve_in(Folder::new(), &config);
    let mut client = host.connect();
    client.send(log.as_bytes());
    client.expect(read(&folder, "expected.log").as_bytes());

    let before = host.generation();
    let changed = config.replace("\"wanted\", \"redact\"", "\"problems\", \"redact\"");
    assert_ne!(changed, config, "the step changes something");
    host.replace_config(changed);
    host.wait_swap(before);
    client.send(log.as_bytes());
    client.finish();
    assert_eq!(
        String::from_utf8_lossy(&client.rest()),
        read(&folder, "expected-problems.log")
    );
}

#[cfg(unix)]
#[test]
fn ndjson_served() {
    let folder = repository("examples/ndjson");
    let host = Host::serve_in(Folder::new(), served("ndjson"));
    let failures = || host.metric("linemill_filter_failures_total", &[("filter", "slim")]);
    let before = failures();
    // Each connection has its own window, so each gets every line.
    for _ in 0..2 {
        let answer = host
            .connect()
            .exchange(read(&folder, "events.ndjson").as_bytes());
        assert_eq!(
            String::from_utf8_lossy(&answer),
            read(&folder, "expected.ndjson")
        );
    }
    // Each sends one line that is not JSON and one that is cut off.
    let failed = failures() - before;
    assert!((failed - 4.0).abs() < 0.5, "{failed} failures");
}

/// Verifies the unit, with an existing program instead of the binary.
#[test]
#[cfg(target_os = "linux")]
fn the_systemd_unit_is_valid() {
    let text = fs::read_to_string(repository("config/linemill.service")).expect("the unit");
    let folder = Folder::new();
    let unit = folder.write(
        "linemill.service",
        text.replace("/usr/local/bin/linemill", "/bin/true"),
    );
    let verify = std::process::Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(unit)
        .output();
    match verify {
        Ok(verify) => {
            let output = String::from_utf8_lossy(&verify.stderr);
            // A key that this systemd does not know is reported, but the unit is accepted.
            assert!(
                verify.status.success() && !output.contains("linemill.service:"),
                "{output}"
            );
        }
        Err(error) => linemill_tests::skip("systemd-analyze verify", &error.to_string()),
    }
}
