//! `pipe --to`: standard input through a chain to a next hop.

use std::thread;

use linemill_tests::{Finished, Folder, Hop, rot13, run};

/// Runs `pipe rot13 --to TO` to its end.
fn pipe_to(to: &str, input: &[u8]) -> Finished {
    run(Folder::new().path(), ["pipe", "rot13", "--to", to], input)
}

fn much() -> Vec<u8> {
    b"2026-01-02T03:04:05Z host app[17]: GET /index.html 200\n".repeat(100_000)
}

#[test]
fn output_goes_on_to_a_next_hop() {
    let hop = Hop::tcp();
    thread::scope(|scope| {
        let pipe = scope.spawn(|| pipe_to(&hop.url(), b"Hello\r\nWorld"));
        let mut server = hop.accept();
        assert_eq!(server.rest(), b"Uryyb\r\nJbeyq");
        drop(server);
        let done = pipe.join().expect("it ends").success();
        assert_eq!(done.text(), "", "nothing goes to standard output");
    });
}

#[test]
fn a_large_input_goes_on_whole() {
    let (hop, input) = (Hop::tcp(), much());
    thread::scope(|scope| {
        let pipe = scope.spawn(|| pipe_to(&hop.url(), &input));
        let mut server = hop.accept();
        assert!(server.rest() == rot13(&input), "every byte is turned");
        drop(server);
        pipe.join().expect("it ends").success();
    });
}

#[test]
fn a_next_hop_may_come_later() {
    let mut hop = Hop::tcp_down();
    let url = hop.url();
    thread::scope(|scope| {
        let pipe = scope.spawn(|| pipe_to(&url, b"Hello\n"));
        hop.up();
        let mut server = hop.accept();
        assert_eq!(server.rest(), b"Uryyb\n");
        drop(server);
        pipe.join().expect("it ends").success();
    });
}

#[test]
fn a_next_hop_that_dies_is_an_error() {
    let (hop, input) = (Hop::tcp(), much());
    thread::scope(|scope| {
        let pipe = scope.spawn(|| pipe_to(&hop.url(), &input));
        let mut server = hop.accept();
        server.take(1000);
        server.reset();
        pipe.join().expect("it ends").failure();
    });
}

#[test]
fn output_goes_on_to_a_file() {
    let folder = Folder::new();
    folder.write("out.log", "before\n");
    let args = ["pipe", "rot13", "--to", "file:out.log"];
    run(folder.path(), args, b"Hello\n").success();
    assert_eq!(folder.read("out.log"), b"before\nUryyb\n");
}

#[test]
fn a_destination_that_is_none_is_told() {
    for bad in ["nowhere", "tcp://", "tcp://127.0.0.1"] {
        pipe_to(bad, b"Hello\n").failure().says(&[bad]);
    }
}
