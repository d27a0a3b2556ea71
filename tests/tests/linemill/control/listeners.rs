//! Listeners that a reload adds, removes, or cannot bind.

use linemill_tests::{Client, Host, eventually};

use super::reload::reload;

/// A configuration with a listener of each name.
fn listeners(names: &[&str]) -> String {
    let mut text = "[host]\nadmin = \"127.0.0.1:0\"\ndrain = \"2s\"\n".to_owned();
    for name in names {
        text += &format!("[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\n");
    }
    text
}

#[test]
fn a_listener_is_added_and_serves() {
    let host = Host::serve(listeners(&["a"]));
    let mut client = host.connect();
    client.send(b"one\n");
    client.expect(b"bar\n");
    host.write_config(listeners(&["a", "b"]));
    reload(&host, 200);
    let mut other = Client::connect(host.listener(1));
    other.send(b"two\n");
    other.expect(b"gjb\n");
    client.send(b"one\n");
    client.expect(b"bar\n");
}

#[test]
fn a_listener_is_removed_and_its_connections_drain() {
    let host = Host::serve(listeners(&["a", "b"]));
    let (first, second) = (host.listener(0), host.listener(1));
    let mut stays = Client::connect(first);
    let mut leaves = Client::connect(second);
    leaves.send(b"one\nhal");
    leaves.expect(b"bar\n");
    host.write_config(listeners(&["a"]));
    reload(&host, 200);
    // A line already begun is still answered.
    leaves.send(b"f\n");
    leaves.expect(b"unys\n");
    leaves.expect_end();
    eventually("the closed port", || {
        Client::try_connect(second).is_err().then_some(())
    });
    stays.send(b"two\n");
    stays.expect(b"gjb\n");
    eventually("the release of the old generation", || {
        (host.status()["old_generations_held"] == 0).then_some(())
    });
}

#[test]
fn an_address_in_use_refuses_the_whole_configuration() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = Host::serve(listeners(&["a"]));
    let mut client = host.connect();
    let port = taken.local_addr().expect("bound").port();
    let text = listeners(&["a", "b", "c"])
        .replacen(
            "name = \"b\"\nbind = \"127.0.0.1:0\"",
            &format!("name = \"b\"\nbind = \"127.0.0.1:{port}\""),
            1,
        )
        .replacen("name = \"a\"", "name = \"a\"\nchain = []", 1);
    host.write_config(text);
    let answer = reload(&host, 422);
    let error = answer["error"].as_str().expect("a text");
    assert!(
        error.contains("in use") && error.contains("listener `b`"),
        "{error}"
    );
    client.send(b"one\n");
    client.expect(b"bar\n");
    assert_eq!(host.status()["generation"], 1);
}

/// Connections that the system has accepted and the host has not, because each of them waits for a seat.
#[test]
#[cfg(target_os = "linux")]
fn what_waits_to_be_accepted_at_a_removed_listener_is_served() {
    const CLIENTS: usize = 200;
    let both =
        listeners(&["a", "b"]).replacen("name = \"b\"\n", "name = \"b\"\nmax_connections = 1\n", 1);
    let host = Host::serve(both);
    let address = host.listener(1);
    let mut first = Client::connect(address);
    first.send(b"one\n");
    first.expect(b"bar\n");
    host.write_config(listeners(&["a"]));
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = Client::connect(address);
            client.send(b"two\n");
            client
        })
        .collect();
    reload(&host, 200);
    // Until now all of them were refused.
    drop(first);
    let answered = clients
        .iter_mut()
        .filter_map(|client| (client.rest_until_end().0 == b"gjb\n").then_some(()));
    assert!(answered.count() > 0, "nobody was served");
    let b = [("listener", "b")];
    eventually("every client served or refused", || {
        let metrics = host.metrics();
        let accepted = metrics.sum("linemill_connections_accepted_total", &b);
        let refused = metrics.sum("linemill_connections_refused_total", &b);
        ((accepted + refused) as usize == CLIENTS + 1).then_some(())
    });
}
