//! Random bytes to every kind of listener and from upstreams; more connections than are allowed.

use std::net::{Ipv4Addr, TcpListener};

use linemill_tests::{Client, rot13};

use super::scene::{KINDS, Kind, Numbers, Scene, no_panic, offer};
use crate::listeners::systemd;

/// Connections with random bytes, per kind.
const ROUNDS: usize = 20;

#[test]
fn random_bytes_to_every_listener() {
    let scene = Scene::new("", "");
    let mut numbers = Numbers(0x6c69_6e65_6d69_6c6c);
    let mut innocents = scene.innocents();
    for round in 0..ROUNDS {
        for kind in KINDS {
            let mut bytes = numbers.bytes(6000);
            if kind == Kind::Tls && round % 2 == 0 {
                // The start of a handshake.
                bytes.splice(0..0, [22, 3, 1, 2, 0]);
            }
            let mut client = scene.connect(kind);
            let mut server = (kind == Kind::Upstream).then(|| scene.upstream.accept());
            let sender = server.as_mut().unwrap_or(&mut client);
            offer(sender, &bytes);
            match round % 3 {
                0 => sender.finish(),
                1 => match server.take() {
                    Some(server) => server.reset(),
                    None => {
                        client.reset();
                        innocents[kind as usize].exchange();
                        continue;
                    }
                },
                _ => {}
            }
            innocents[kind as usize].exchange();
            if round % 3 == 0 {
                check_end(kind, &mut client, &bytes);
            }
        }
    }
    scene.unharmed(innocents);
}

/// Asserts what comes back after the sender of random bytes has half-closed.
#[track_caller]
fn check_end(kind: Kind, client: &mut Client, bytes: &[u8]) {
    match kind {
        // ROT13 of the bytes, wherever lines start and end.
        Kind::Lf | Kind::Crlf | Kind::Nul | Kind::Unix => {
            assert!(client.rest() == rot13(bytes), "{kind:?}")
        }
        Kind::Upstream => assert!(client.take(bytes.len()) == bytes, "{kind:?}"),
        // Most of them are not a length, and not a handshake.
        Kind::Octet | Kind::Tls => drop(client.raw_rest()),
    }
}

#[test]
fn random_bytes_to_a_socket_from_systemd() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("it has a name");
    let host = systemd::start_with(&listener, "systemd:front");
    host.announced(0);
    assert_eq!(Client::connect(address).exchange(b"Hello\n"), b"Uryyb\n");
    let idle = host.idle_descriptors();
    let mut numbers = Numbers(0x5f37_59df);
    let mut innocent = Client::connect(address);
    for round in 0..ROUNDS {
        let bytes = numbers.bytes(6000);
        let mut client = Client::connect(address);
        if round % 2 == 0 {
            assert!(client.exchange(&bytes) == rot13(&bytes));
        } else {
            offer(&mut client, &bytes);
            client.reset();
        }
        innocent.send(b"Hello\n");
        innocent.expect(b"Uryyb\n");
    }
    drop(innocent);
    assert_eq!(host.idle_descriptors(), idle);
    no_panic(&host);
}

#[test]
fn more_connections_than_are_allowed() {
    let scene = Scene::new("max_connections = 8", "");
    let mut innocents = scene.innocents();
    for kind in [Kind::Lf, Kind::Tls, Kind::Unix] {
        // One of the eight is the innocent connection.
        let held: Vec<Client> = (0..7).map(|_| scene.connect(kind)).collect();
        let listener = format!("{kind:?}");
        let labels = [("listener", &*listener)];
        scene.host.wait_metric("linemill_connections", &labels, 8.0);
        for _ in 0..10 {
            let mut flood: Vec<Client> = (0..40).map(|_| scene.connect(kind)).collect();
            innocents[kind as usize].exchange();
            flood.iter_mut().for_each(Client::expect_refusal);
        }
        drop(held);
    }
    scene.unharmed(innocents);
}
