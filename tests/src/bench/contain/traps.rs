//! A trap on one line in a thousand, with both policies that continue, alternating with the same lines
//! without traps. Every byte that comes back is compared.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use linemill_tests::{Folder, Host, PATIENCE, guest};

use super::measure::Measure;
use crate::spread::Spread;

const CONNECTIONS: usize = 4;
/// One line in this many traps.
const EVERY: usize = 1000;
/// The lowest share of the fault-free rate.
const RATE: f64 = 0.5;
const TEXT: &str = "the quick brown fox jumps over the lazy dog and goes on its way, all day long";

/// Policies for a line that traps; with `None`, no line traps.
const POLICIES: [Option<&str>; 3] = [None, Some("pass"), Some("drop")];

pub(super) fn run(lines: usize, rounds: usize) -> anyhow::Result<Vec<Measure>> {
    let folder = Folder::new();
    folder.write("guest.wasm", guest::batch("trap"));
    let listener = |policy: &str| {
        format!(
            "\n[[listener]]\nname = \"{policy}\"\nbind = \"127.0.0.1:0\"\nchain = [\"{policy}\"]\n\
             [filter.{policy}]\nplugin = \"./guest.wasm\"\non_error = \"{policy}\"\n"
        )
    };
    let mut config = "[host]\nadmin = \"127.0.0.1:0\"\n".to_owned();
    config.extend(POLICIES.into_iter().flatten().map(listener));
    let mut host = Host::serve_in(folder, config);
    let each = lines / CONNECTIONS / EVERY * EVERY;
    let streams = POLICIES.map(|policy| stream(each, policy));
    let mut rates: [Vec<f64>; 3] = Default::default();
    for round in 1..=rounds {
        for ((policy, (input, due)), rates) in POLICIES.iter().zip(&streams).zip(&mut rates) {
            let nth = usize::from(*policy == Some("drop"));
            let took = exchange(host.listener(nth), input, due)
                .with_context(|| format!("{policy:?}, round {round}"))?;
            rates.push((each * CONNECTIONS) as f64 / took.as_secs_f64());
        }
    }
    host.expect_alive();
    let mut measures = Vec::new();
    for (at, policy) in POLICIES.into_iter().enumerate() {
        let Some(policy) = policy else { continue };
        let ratios = rates[at]
            .iter()
            .zip(&rates[0])
            .map(|(own, free)| own / free);
        let ratio = Spread::of(ratios.collect());
        eprintln!(
            "traps: {policy}: {:.2} million lines per second, fault-free {:.2}; ratio {:.2} to {:.2}",
            Spread::of(rates[at].clone()).median / 1e6,
            Spread::of(rates[0].clone()).median / 1e6,
            ratio.min,
            ratio.max
        );
        let bad = (each * CONNECTIONS / EVERY * rounds) as u64;
        measures.push(Measure::exactly(
            bad,
            format!("lines that trapped and followed `{policy}`"),
            super::failures(&host, policy, Some("trap")),
        ));
        measures.push(Measure::exactly(
            bad,
            format!("lines that failed, by `{policy}`"),
            super::failures(&host, policy, None),
        ));
        measures.push(Measure::at_least(
            RATE,
            "",
            format!("throughput with `{policy}`, of the fault-free"),
            ratio.median,
        ));
    }
    Ok(measures)
}

/// This many lines, and the expected answer.
fn stream(lines: usize, policy: Option<&str>) -> (Vec<u8>, Vec<u8>) {
    let (mut input, mut due) = (Vec::new(), Vec::new());
    for number in 0..lines {
        let bad = number % EVERY == EVERY / 2 && policy.is_some();
        let line = format!("{number} {TEXT}{}\n", if bad { "!" } else { "" });
        match policy {
            Some("drop") if bad => {}
            _ if bad => due.extend_from_slice(line.as_bytes()),
            _ => due.extend_from_slice(line.to_ascii_uppercase().as_bytes()),
        }
        input.extend_from_slice(line.as_bytes());
    }
    (input, due)
}

/// Sends the stream on each connection and compares the answers. Returns how long it took.
fn exchange(address: SocketAddr, input: &[u8], due: &[u8]) -> anyhow::Result<Duration> {
    let start = Instant::now();
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for _ in 0..CONNECTIONS {
            let reader = TcpStream::connect(address).context("connect")?;
            reader.set_read_timeout(Some(PATIENCE))?;
            reader.set_write_timeout(Some(PATIENCE))?;
            let mut writer = reader.try_clone()?;
            threads.push(scope.spawn(move || -> anyhow::Result<()> {
                writer.write_all(input).context("send")?;
                writer.shutdown(Shutdown::Write).context("end of input")
            }));
            threads.push(scope.spawn(move || compare(reader, due)));
        }
        for thread in threads {
            thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        Ok(start.elapsed())
    })
}

fn compare(mut from: TcpStream, due: &[u8]) -> anyhow::Result<()> {
    let (mut block, mut got) = (vec![0; 256 * 1024], 0);
    let compared = loop {
        match from.read(&mut block).context("receive") {
            Ok(0) => break Ok(()),
            Ok(count) if due[got..].starts_with(&block[..count]) => got += count,
            Ok(_) => break Err(anyhow!("a wrong byte after {got}")),
            Err(error) => break Err(error),
        }
    };
    if compared.is_err() {
        // Makes the sender stop too, unless it has already.
        let _ = from.shutdown(Shutdown::Both);
    }
    compared?;
    ensure!(
        got == due.len(),
        "the end came after {got} of {} bytes",
        due.len()
    );
    Ok(())
}
