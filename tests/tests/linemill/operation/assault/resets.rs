//! Many resets in every phase of a connection.

use std::time::Duration;

use linemill_tests::{Client, request};

use super::scene::{KINDS, Kind, Scene, offer};

/// Connections reset per phase and kind.
const STORM: usize = 20;

/// What happens on a connection before it is reset.
type Phase = fn(&Scene, Kind, &mut Client);

/// The phases, in the order of the life of a connection.
const PHASES: [(&str, Phase); 6] = [
    ("at once", |_, _, _| {}),
    ("within a line", |_, kind, client| {
        let line = kind.line(b"a line that is cut");
        offer(client, &line[..line.len() - 3]);
    }),
    ("before its answer", |_, kind, client| {
        offer(client, &kind.line(b"a line"));
    }),
    ("after its answer", |_, kind, client| {
        if !matches!(kind, Kind::Tls | Kind::Upstream) {
            client.send(&kind.line(b"Hello"));
            client.expect(&kind.line(b"Uryyb"));
        }
    }),
    ("with unread answers", |_, kind, client| {
        let lines = kind
            .line(b"a line whose answer nobody reads")
            .repeat(20_000);
        client.offer(&lines, Duration::from_millis(200));
    }),
    ("after its end", |_, kind, client| {
        offer(client, &kind.line(b"a line"));
        client.finish();
    }),
];

#[test]
fn resets_in_every_phase() {
    let scene = Scene::new("", "");
    let mut innocents = scene.innocents();
    for (name, phase) in PHASES {
        for kind in KINDS {
            for number in 0..STORM {
                let mut client = scene.connect(kind);
                phase(&scene, kind, &mut client);
                // The upstream resets its end as well, before or after the client.
                let server = (kind == Kind::Upstream).then(|| scene.upstream.accept());
                if number % 2 == 0 {
                    if let Some(server) = server {
                        server.reset();
                    }
                    client.reset();
                } else {
                    client.reset();
                    if let Some(server) = server {
                        server.reset();
                    }
                }
            }
            eprintln!("{kind:?}, reset {name}");
            innocents[kind as usize].exchange();
        }
    }
    scene.unharmed(innocents);
}

#[test]
fn resets_within_and_after_a_tls_handshake() {
    let scene = Scene::new("", "");
    let mut innocent = scene.innocent(Kind::Tls);
    for number in 0..2 * STORM {
        let mut cut = scene.connect(Kind::Tls);
        cut.send(&[22, 3, 1, 2, 0, 1, 0][..1 + number % 7]);
        cut.reset();
        let mut done = scene.innocent(Kind::Tls).client;
        if number % 2 == 0 {
            offer(&mut done, b"a line\nand part of one");
        }
        done.reset();
        innocent.exchange();
    }
    scene.unharmed(vec![innocent]);
}

#[test]
fn resets_of_requests_to_the_admin_address() {
    let scene = Scene::new("", "");
    let request_text = b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n";
    for number in 0..5 * STORM {
        let mut client = Client::connect(scene.host.admin());
        offer(
            &mut client,
            &request_text[..number % (request_text.len() + 1)],
        );
        client.reset();
    }
    assert_eq!(request(scene.host.admin(), "GET", "/healthz").status, 200);
    scene.unharmed(Vec::new());
}
