//! Forty clients of one network, for each of which a filter is started that takes long to start: how much processor time they get, and how long the client of another network waits for its own start.
//!
//! In: for how long. Out: processors taken, and the wait.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use linemill_tests::abuse::Ground;
use linemill_tests::soak;
use linemill_tests::{Client, Folder, Host};

use super::measure::Measure;

const CLIENTS: usize = 40;
/// A client of another network starts a filter at once, while one start of the others is under way.
const WAIT: Duration = Duration::from_secs(1);

pub(super) fn run(time: Duration) -> anyhow::Result<Vec<Measure>> {
    let folder = Folder::new();
    let (tables, trust) = Ground::prepare(&folder);
    let states =
        "[[listener]]\nname = \"other\"\nbind = \"127.0.0.1:0\"\nchain = [\"number\", \"dedup\"]\n";
    let host = Host::serve_in(folder, format!("{}\n{states}\n{tables}", soak::config()));
    let ground = Ground::of(&host, 2, trust);
    let slow = ground.slow_start();
    // Every thread, table and page that a first client needs is there.
    let other = IpAddr::from(Ipv4Addr::new(127, 99, 0, 1));
    let served = |from| {
        let start = Instant::now();
        let mut client = Client::connect_from(from, host.listener(1));
        client.send(b"a\n");
        client.expect(b"1 a\n");
        start.elapsed()
    };
    served(other);
    let (before, start) = (host.processor_time(), Instant::now());
    let clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| begin(slow))
        .collect::<anyhow::Result<_>>()?;
    let mut longest = Duration::ZERO;
    while start.elapsed() < time {
        longest = longest.max(served(other));
        thread::sleep(Duration::from_millis(50));
    }
    let taken = (host.processor_time() - before).as_secs_f64() / start.elapsed().as_secs_f64();
    drop(clients);
    let turns = thread::available_parallelism().map_or(1, |count| (count.get() / 4).max(1));
    Ok(vec![
        Measure::at_most(
            turns as f64 + 0.2,
            "",
            format!("processors that {CLIENTS} clients of one network get for slow starts"),
            taken,
        ),
        Measure::at_most(
            1000.0 * WAIT.as_secs_f64(),
            " ms",
            "longest start of a client of another network meanwhile",
            1000.0 * longest.as_secs_f64(),
        ),
    ])
}

fn begin(address: SocketAddr) -> anyhow::Result<TcpStream> {
    use std::io::Write as _;
    let mut client = TcpStream::connect(address).context("connect")?;
    client.write_all(b"a\n").context("send")?;
    Ok(client)
}
