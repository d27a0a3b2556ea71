//! Restarts under load: the next host starts next to the last one, and no client is reset.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use linemill_tests::{Host, PATIENCE, eventually};

use super::binds::bound;

/// Clients at a time.
const CLIENTS: usize = 8;
/// Restarts.
const RESTARTS: usize = 4;

/// One short connection.
fn ask(address: SocketAddr) -> std::io::Result<()> {
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.write_all(b"Hello\n")?;
    let mut answer = [0; 6];
    client.read_exact(&mut answer)?;
    assert_eq!(&answer, b"Uryyb\n");
    Ok(())
}

#[test]
fn a_restart_with_reuse_port_resets_no_client() {
    let mut host = Host::serve(bound("127.0.0.1:0", "reuse_port = true"));
    let address = host.address();
    // The first host's file, with the ports that the system chose.
    let same = bound(&address.to_string(), "reuse_port = true");
    let same = same.replacen("127.0.0.1:0", &host.admin().to_string(), 1);
    let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        ask(address)?;
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                    std::io::Result::Ok(())
                })
            })
            .collect();
        let answers = |more: usize| {
            let before = asked.load(Ordering::Relaxed);
            eventually("answers", || {
                let failed = clients.iter().any(|client| client.is_finished());
                (failed || asked.load(Ordering::Relaxed) >= before + more).then_some(())
            });
        };
        for _ in 0..RESTARTS {
            answers(200);
            let next = Host::serve(&same);
            next.announced(0);
            answers(200);
            host.terminate();
            assert_eq!(host.wait().code(), Some(0));
            host = next;
        }
        answers(200);
        over.store(true, Ordering::Relaxed);
        for client in clients {
            let ended = client.join().expect("no panic");
            ended.expect("no client is refused or reset");
        }
    });
}
