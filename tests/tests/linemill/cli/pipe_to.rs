//! `pipe --to`: standard input through a chain to a destination.

use std::thread;

use linemill_tests::{Finished, Folder, Upstream, rot13, run};

/// Runs `pipe rot13 --to TO` to its end.
fn pipe_to(to: &str, input: &[u8]) -> Finished {
    run(Folder::new().path(), ["pipe", "rot13", "--to", to], input)
}

/// 5 MiB of lines.
fn much() -> Vec<u8> {
    b"2026-01-02T03:04:05Z host app[17]: GET /index.html 200\n".repeat(100_000)
}

#[test]
fn output_goes_to_an_upstream() {
    let upstream = Upstream::tcp();
    thread::scope(|scope| {
        let pipe = scope.spawn(|| pipe_to(&upstream.url(), b"Hello\r\nWorld"));
        let mut server = upstream.accept();
        assert_eq!(server.rest(), b"Uryyb\r\nJbeyq");
        drop(server);
        let done = pipe.join().expect("it ends").success();
        assert_eq!(done.text(), "", "standard output must be empty");
    });
}

#[test]
fn a_large_input_goes_to_an_upstream() {
    let (upstream, input) = (Upstream::tcp(), much());
    thread::scope(|scope| {
        let pipe = scope.spawn(|| pipe_to(&upstream.url(), &input));
        let mut server = upstream.accept();
        assert!(server.rest() == rot13(&input), "not ROT13 of the input");
        drop(server);
        pipe.join().expect("it ends").success();
    });
}

#[test]
fn an_upstream_may_come_up_later() {
    let mut upstream = Upstream::tcp_down();
    let url = upstream.url();
    thread::scope(|scope| {
        let args = ["pipe", "rot13", "--wait", "--to", &url];
        let folder = Folder::new();
        let pipe = scope.spawn(move || run(folder.path(), args, b"Hello\n"));
        upstream.up();
        let mut server = upstream.accept();
        assert_eq!(server.rest(), b"Uryyb\n");
        drop(server);
        pipe.join().expect("it ends").success();
    });
}

#[test]
fn an_upstream_that_dies_is_an_error() {
    let (upstream, input) = (Upstream::tcp(), much());
    thread::scope(|scope| {
        let pipe = scope.spawn(|| pipe_to(&upstream.url(), &input));
        let mut server = upstream.accept();
        server.take(1000);
        server.reset();
        pipe.join().expect("it ends").failure();
    });
}

#[test]
fn an_upstream_that_is_down_is_an_error_after_the_timeout() {
    let (folder, upstream) = (Folder::new(), Upstream::tcp_down());
    folder.write(
        "c.toml",
        "[[listener]]\nconnect_timeout = \"300ms\"\nchain = []\n",
    );
    let url = upstream.url();
    let args = ["pipe", "--config", "c.toml", "--to", &url];
    run(folder.path(), args, b"Hello\n")
        .exits_with(1)
        .stderr_has(&["the next hop failed", "refused", "--wait"]);
}

#[test]
fn output_is_appended_to_a_file() {
    let folder = Folder::new();
    folder.write("out.log", "before\n");
    let args = ["pipe", "rot13", "--to", "file:out.log"];
    run(folder.path(), args, b"Hello\n").success();
    assert_eq!(folder.read("out.log"), b"before\nUryyb\n");
}

#[test]
fn an_invalid_destination_is_reported() {
    for bad in ["nowhere", "tcp://", "tcp://127.0.0.1"] {
        pipe_to(bad, b"Hello\n").failure().stderr_has(&[bad]);
    }
}

#[test]
fn of_several_upstreams_the_first_that_is_up_gets_the_lines() {
    let (down, upstream) = (Upstream::tcp_down(), Upstream::tcp());
    let (first, second) = (down.url(), upstream.url());
    thread::scope(|scope| {
        let args = ["pipe", "rot13", "--to", &first, "--to", &second];
        let folder = Folder::new();
        let pipe = scope.spawn(move || run(folder.path(), args, b"Hello\n"));
        let mut server = upstream.accept();
        assert_eq!(server.rest(), b"Uryyb\n");
        drop(server);
        pipe.join().expect("it ends").success();
    });
}

#[test]
fn several_destinations_must_be_upstreams() {
    let args = [
        "pipe",
        "rot13",
        "--to",
        "tcp://127.0.0.1:1",
        "--to",
        "file:a",
    ];
    run(Folder::new().path(), args, b"Hello\n")
        .exits_with(1)
        .stderr_has(&["--to file:a: is not an upstream"]);
}
