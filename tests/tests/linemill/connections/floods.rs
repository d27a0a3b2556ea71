//! Many connections at once, and no descriptors left.

use std::time::{Duration, Instant};

use linemill_tests::{Client, Host};

#[test]
fn a_flood_of_connections_is_survived() {
    let host = Host::with("");
    let address = host.address();
    for round in 0..5 {
        let mut clients: Vec<Client> = (0..300).map(|_| Client::connect(address)).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(b"Hello\nunfin");
            if number % 3 == 0 {
                client.expect(b"Uryyb\n");
            }
        }
        for (number, mut client) in clients.into_iter().enumerate() {
            match (number + round) % 3 {
                0 => client.reset(),
                1 => client.finish(),
                _ => drop(client),
            }
        }
    }
    host.expect_no_connections();
    assert_eq!(host.connect().exchange(b"Hello\n"), b"Uryyb\n");
}

#[test]
#[cfg(target_os = "linux")]
fn without_descriptors_accepting_pauses_until_some_are_free() {
    let host = Host::serve_with_descriptors(80, Host::config("", ""));
    let address = host.address();
    let mut waiting: Vec<Client> = (0..120)
        .map(|_| {
            let mut client = Client::connect(address);
            client.send(b"Hello\n");
            client
        })
        .collect();
    // Clients are accepted and answered in order, until the host is out of descriptors.
    let mut served = Vec::new();
    while waiting[0].answers_within(b"Uryyb\n", Duration::from_millis(500)) {
        served.push(waiting.remove(0));
    }
    assert!(
        (20..80).contains(&served.len()),
        "{} served with 80 descriptors",
        served.len()
    );
    let (start, before) = (Instant::now(), host.processor_time());
    waiting[0].expect_silence(Duration::from_millis(1500));
    let used = host.processor_time() - before;
    assert!(
        used < start.elapsed() / 8,
        "{used:?} of {:?} in a busy loop",
        start.elapsed()
    );
    // Connections that are open are still served.
    served[0].send(b"more\n");
    served[0].expect(b"zber\n");
    while !waiting.is_empty() {
        // Each client that leaves makes room for one that waits.
        let mut leaving = served.remove(0);
        leaving.finish();
        leaving.expect_end();
        let mut next = waiting.remove(0);
        next.expect(b"Uryyb\n");
        served.push(next);
    }
    drop(served);
    host.expect_no_connections();
    let lines = host.stderr().lines().count();
    assert!(lines < 60, "{lines} lines of log:\n{}", host.stderr());
}
