//! Versions of filters on trial: canaries, shadows, and how a trial ends.

use linemill_tests::{Client, Folder, Host, eventually, guest, run};
use serde_json::Value;

/// A configuration whose filter `f` is ROT13 and has this trial.
fn config(trial: &str) -> String {
    let filter = format!("[filter.f]\nplugin = \"rot13\"\n{trial}\n");
    Host::config("chain = [\"f\"]", &filter)
}

/// A host with guests in its folder that can be tried.
fn host(config: &str) -> Host {
    let folder = Folder::new();
    for name in ["shout", "trap", "loop"] {
        folder.write(&format!("{name}.wasm"), guest::batch(name));
    }
    Host::serve_in(folder, config)
}

/// `POST path`; asserts the status, returns the body.
#[track_caller]
fn post(host: &Host, path: &str, status: u16) -> Value {
    let answer = host.post(path);
    assert_eq!(answer.status, status, "{}", answer.body);
    answer.json()
}

/// The answer to the line `a!`.
#[track_caller]
fn answer(client: &mut Client) -> Vec<u8> {
    client.send(b"a!\n");
    client.take(3)
}

/// Waits until the shadow has compared or skipped this many lines; returns the trial.
#[track_caller]
fn wait_shadow(host: &Host, lines: u64) -> Value {
    eventually("lines at the shadow", || {
        let trial = host.get("/trials").json()[0].clone();
        let sum = ["same", "different", "skipped"].map(|key| trial[key].as_u64().unwrap_or(0));
        (sum.iter().sum::<u64>() >= lines).then_some(trial)
    })
}

#[test]
fn a_canary_serves_its_share_and_keeps_its_connections() {
    let trial = |share: &str| {
        config(&format!(
            "canary = {{ plugin = \"./shout.wasm\", share = \"{share}\" }}"
        ))
    };
    let host = host(&trial("50%"));
    let mut clients: Vec<_> = (0..64).map(|_| host.connect()).collect();
    let first: Vec<_> = clients.iter_mut().map(answer).collect();
    let canaries = first.iter().filter(|answer| **answer == b"A!\n").count();
    // Binomial distribution: outside this range once in a hundred million runs.
    assert!((10..=54).contains(&canaries), "{canaries} of 64");
    assert!(
        first
            .iter()
            .all(|answer| answer == b"A!\n" || answer == b"n!\n")
    );
    // A larger share moves connections to the canary, but none away from it.
    host.write_config(trial("90%"));
    post(&host, "/reload", 200);
    eventually("the larger share", || {
        (host.status()["trials"][0]["share"] == "90%").then_some(())
    });
    host.wait_metric("linemill_old_generations", &[], 0.0);
    let second: Vec<_> = clients.iter_mut().map(answer).collect();
    let more = second.iter().filter(|answer| **answer == b"A!\n").count();
    assert!(more > canaries, "{more} after {canaries}");
    let lost = |(one, other): (&Vec<u8>, &Vec<u8>)| one == b"A!\n" && other != b"A!\n";
    assert!(!first.iter().zip(&second).any(lost));
    let trial = &host.status()["trials"][0];
    assert_eq!(trial["kind"], "canary");
    assert_eq!(trial["filter"], "f");
    assert_eq!(trial["failed"], 0);
}

#[test]
fn by_address_all_connections_of_a_client_get_the_same_version() {
    let host = host(&config(
        "canary = { plugin = \"./shout.wasm\", share = \"50%\", by = \"address\" }",
    ));
    let first = answer(&mut host.connect());
    for _ in 0..20 {
        assert_eq!(answer(&mut host.connect()), first);
    }
}

#[test]
fn a_promotion_lasts_until_the_table_in_the_file_changes() {
    let canary = "canary = { plugin = \"./shout.wasm\", share = \"0.01%\" }";
    let host = host(&config(canary));
    let mut client = host.connect();
    assert_eq!(answer(&mut client), b"n!\n");
    let outcome = post(&host, "/promote?filter=f", 200);
    let keep: Vec<_> = outcome["keep"].as_array().expect("lines").iter().collect();
    assert_eq!(keep.len(), 2, "{outcome}");
    assert!(
        keep[0]
            .as_str()
            .expect("text")
            .contains("linemill.toml:15: remove `canary`"),
        "{outcome}"
    );
    assert!(
        keep[1]
            .as_str()
            .expect("text")
            .contains("linemill.toml:14: plugin = \"./shout.wasm\""),
        "{outcome}"
    );
    eventually("the new version", || {
        (answer(&mut client) == b"A!\n").then_some(())
    });
    assert_eq!(host.status()["trials"], serde_json::json!([]));
    // Reloads keep it while the table is the same.
    assert_eq!(post(&host, "/reload", 200)["result"], "unchanged");
    let other = config(canary).replace("[[listener]]\n", "[[listener]]\nmax_connections = 99\n");
    host.write_config(other);
    post(&host, "/reload", 200);
    assert_eq!(answer(&mut client), b"A!\n");
    host.write_config(config(""));
    post(&host, "/reload", 200);
    eventually("what the file says", || {
        (answer(&mut client) == b"n!\n").then_some(())
    });
}

#[test]
fn a_rollback_of_the_filter_ends_its_trial() {
    let host = host(&config(
        "canary = { plugin = \"./shout.wasm\", share = \"100%\" }",
    ));
    let mut client = host.connect();
    assert_eq!(answer(&mut client), b"A!\n");
    let admin = host.admin().to_string();
    let verb = |args: &[&str]| {
        let all = args.iter().copied().chain(["--admin", &admin]);
        run(host.folder().path(), all, b"")
    };
    verb(&["status"]).success().stdout_has(&[
        "trial canary of f, 100% of connections",
        "canary ",
        "FAIL %",
    ]);
    verb(&["promote", "g"])
        .failure()
        .stderr_has(&["filter `g`", "on trial is a version of `f`"]);
    verb(&["rollback", "f"])
        .success()
        .stdout_has(&["canary ends", "linemill.toml:15: remove `canary`"]);
    eventually("the filter", || {
        (answer(&mut client) == b"n!\n").then_some(())
    });
    verb(&["rollback", "f"])
        .failure()
        .stderr_has(&["no filter has a version on trial"]);
    verb(&["promote", "a b"])
        .failure()
        .stderr_has(&["is not the name of a filter"]);
}

#[test]
fn a_rollback_after_a_promotion_restores_the_trial() {
    let host = host(&config(
        "canary = { plugin = \"./shout.wasm\", share = \"0.01%\" }",
    ));
    let mut client = host.connect();
    post(&host, "/promote?filter=f", 200);
    eventually("the new version", || {
        (answer(&mut client) == b"A!\n").then_some(())
    });
    post(&host, "/rollback", 200);
    eventually("the old version", || {
        (answer(&mut client) == b"n!\n").then_some(())
    });
    assert_eq!(host.status()["trials"][0]["kind"], "canary");
}

#[test]
fn state_is_handed_over_when_a_canary_is_promoted() {
    let filter = "[filter.f]\nplugin = \"number\"\ncanary = { plugin = \"number\", share = \"0.01%\", settings = { separator = \"-\" } }\n";
    let host = Host::serve(Host::config("chain = [\"f\"]", filter));
    let mut client = host.connect();
    client.send(b"a\nb\n");
    client.expect(b"1 a\n2 b\n");
    post(&host, "/promote?filter=f", 200);
    host.wait_metric(
        "linemill_filter_handovers_total",
        &[("result", "restored")],
        1.0,
    );
    client.send(b"c\n");
    client.expect(b"3-c\n");
}

#[test]
fn a_shadow_is_compared_but_not_visible() {
    let host = host(&config(
        "shadow = { plugin = \"./shout.wasm\", share = \"100%\" }",
    ));
    let mut client = host.connect();
    client.send(b"a!\n1\nb!\n");
    client.expect(b"n!\n1\no!\n");
    let trial = wait_shadow(&host, 3);
    assert_eq!(
        [&trial["same"], &trial["different"], &trial["skipped"]],
        [1, 2, 0]
    );
    assert_eq!(trial["examples"][0]["line"], "a!");
    assert_eq!(trial["examples"][0]["filter"][0], "n!");
    assert_eq!(trial["examples"][0]["shadow"][0], "A!");
    // Payload is shown at /trials only.
    assert_eq!(host.status()["trials"][0].get("examples"), None);
    let outcome = post(&host, "/promote?filter=f", 200);
    assert_eq!(outcome["result"], "applied");
    eventually("the promoted shadow", || {
        (answer(&mut client) == b"A!\n").then_some(())
    });
}

#[test]
fn a_shadow_that_agrees_has_no_differences() {
    let host = host(&config("shadow = { plugin = \"rot13\", share = \"100%\" }"));
    let mut client = host.connect();
    client.send(b"a\r\n\nb");
    client.finish();
    assert_eq!(client.rest(), b"n\r\n\no");
    let trial = wait_shadow(&host, 3);
    assert_eq!(
        [&trial["same"], &trial["different"], &trial["skipped"]],
        [3, 0, 0]
    );
}

#[test]
fn a_shadow_that_traps_or_spins_does_not_affect_the_stream() {
    for bad in ["trap", "loop"] {
        let host = host(&config(&format!(
            "deadline = \"5ms\"\nshadow = {{ plugin = \"./{bad}.wasm\", share = \"100%\" }}"
        )));
        let mut client = host.connect();
        for _ in 0..200 {
            assert_eq!(answer(&mut client), b"n!\n", "{bad}");
        }
        let trial = wait_shadow(&host, 200);
        assert_eq!(trial["same"], 0, "{bad}: {trial}");
        assert_eq!(
            host.metrics()
                .sum("linemill_filter_failures_total", &[("filter", "f")]),
            0.0
        );
        assert!(
            host.metrics()
                .sum("linemill_filter_failures_total", &[("filter", "f@shadow")])
                > 0.0
        );
    }
}

#[test]
fn a_candidate_that_cannot_start_refuses_the_configuration() {
    let host = host(&config(""));
    let mut client = host.connect();
    assert_eq!(answer(&mut client), b"n!\n");
    let gone = config("canary = { plugin = \"./gone.wasm\", share = \"5%\" }");
    host.write_config(gone);
    let error = post(&host, "/reload", 422)["error"]
        .as_str()
        .expect("text")
        .to_owned();
    assert!(
        error.contains("f@canary")
            && error.contains("gone.wasm")
            && error.contains("linemill.toml:15"),
        "{error}"
    );
    assert_eq!(answer(&mut client), b"n!\n");
}
