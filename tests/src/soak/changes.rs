//! Changes of where lines go and come from, under connections that stay open.
//!
//! In: how many connections, how fast they send, and how many changes. Out: how many lines were sent and
//! found again; or the first that was lost, came twice, or came out of order within its connection.
//!
//! Each reload changes one key of the listener: `to`, `routes`, `tee`, `bind` or `framing`, in turn. Every
//! second line leaves by a route. All destinations are files, so that each line can be looked for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::Pace;
use crate::{Client, Host, PATIENCE, free_port};

/// Changes under connections that stay open.
#[derive(Debug, Clone, Copy)]
pub struct Changes {
    /// The connections, and how fast they send.
    pub pace: Pace,
    /// Number of changes.
    pub changes: u64,
    /// Time from one to the next.
    pub every: Duration,
}

/// What became of the lines.
#[derive(Debug, Clone, Copy)]
pub struct ChangesReport {
    /// Lines that were sent. All of them were found, each once.
    pub lines: u64,
    /// Copies of lines that were found.
    pub copies: u64,
    /// The longest time that a reload took.
    pub slowest: Duration,
}

/// The files that lines go to; what filters route; and copies.
const FILES: [&str; 5] = ["to-0", "to-1", "route-0", "route-1", "copies"];
const COPIES: usize = 4;

impl Changes {
    /// Makes them.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub fn run(&self) -> anyhow::Result<ChangesReport> {
        let ports = [free_port(), free_port()];
        let host = Host::serve(config(0, ports));
        let address = host.address();
        let stop = AtomicBool::new(false);
        let (sent, slowest) = thread::scope(|scope| {
            let connections = 0..self.pace.connections;
            let senders: Vec<_> = connections
                .map(|name| {
                    let (stop, pace) = (&stop, self.pace);
                    scope.spawn(move || send(name, address, pace, stop))
                })
                .collect();
            let changed = self.change(&host, ports);
            stop.store(true, Ordering::Relaxed);
            let sent: Vec<u64> = senders
                .into_iter()
                .map(|sender| sender.join().expect("the host takes every line"))
                .collect();
            changed.map(|slowest| (sent, slowest))
        })?;
        let lines = sent.iter().sum();
        let start = Instant::now();
        let found = loop {
            let found = Found::of(&host)?;
            if found.lines >= lines || start.elapsed() > PATIENCE {
                break found;
            }
            thread::sleep(Duration::from_millis(50));
        };
        ensure!(
            found.lines == lines,
            "{lines} lines sent, {} found",
            found.lines
        );
        for (name, sent) in sent.iter().enumerate() {
            let last = found.last.get(&name).copied();
            ensure!(
                last == sent.checked_sub(1),
                "of connection {name}, the last line is {last:?}"
            );
        }
        Ok(ChangesReport {
            lines,
            copies: found.copies,
            slowest,
        })
    }

    fn change(&self, host: &Host, ports: [u16; 2]) -> anyhow::Result<Duration> {
        let (mut due, mut slowest) = (Instant::now(), Duration::ZERO);
        for change in 1..=self.changes {
            due += self.every;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            host.replace_config(config(change, ports));
            let start = Instant::now();
            let answer = host.post("/reload");
            ensure!(answer.status == 200, "change {change}: {}", answer.body);
            slowest = slowest.max(start.elapsed());
            // What it moved to, it takes lines from.
            if change % 5 == 4 {
                let port = ports[usize::try_from((change + 1) / 5 % 2)?];
                drop(Client::try_connect(([127, 0, 0, 1], port).into()).context("the new port")?);
            }
        }
        Ok(slowest)
    }
}

/// The configuration after so many changes.
fn config(change: u64, ports: [u16; 2]) -> String {
    // How often each key has changed.
    let [to, route, tee, bind, framing] =
        [5, 4, 3, 2, 1].map(|first| ((change + first - 1) / 5) % 2);
    let bind = ports[usize::from(bind > 0)];
    let tee = if tee > 0 { "\"file:copies\"" } else { "" };
    let framing = ["lf", "auto"][usize::from(framing > 0)];
    format!(
        "[host]\nadmin = \"127.0.0.1:0\"\n\
         [[listener]]\nname = \"test\"\nbind = \"127.0.0.1:{bind}\"\nchain = [\"odd\"]\n\
         framing = \"{framing}\"\nto_framing = \"lf\"\nto = \"file:to-{to}\"\n\
         routes = {{ odd = \"file:route-{route}\" }}\ntee = [{tee}]\n\
         [filter.odd]\nplugin = \"grep\"\nsettings = {{ keep = [\"[13579]$\"], route = \"odd\" }}\n"
    )
}

/// Sends numbered lines until it is to stop. Returns how many.
fn send(name: usize, address: SocketAddr, pace: Pace, stop: &AtomicBool) -> u64 {
    let mut client = Client::connect(address);
    let (start, mut sent) = (Instant::now(), 0);
    let rate = pace.lines / pace.connections as f64;
    while !stop.load(Ordering::Relaxed) {
        let due = (start.elapsed().as_secs_f64() * rate) as u64;
        let text: String = (sent..due)
            .map(|number| format!("connection {name} line {number}\n"))
            .collect();
        client.send(text.as_bytes());
        sent = due;
        thread::sleep(Duration::from_millis(10));
    }
    client.finish();
    client.expect_end();
    sent
}

/// The lines in all files.
#[derive(Default)]
struct Found {
    lines: u64,
    copies: u64,
    /// The highest number of each connection.
    last: HashMap<usize, u64>,
}

impl Found {
    fn of(host: &Host) -> anyhow::Result<Self> {
        let mut found = Self::default();
        let mut seen: HashMap<(usize, u64), ()> = HashMap::new();
        for (file, at) in FILES.iter().zip(0..) {
            let bytes = host.folder().read(file);
            let text = std::str::from_utf8(&bytes)?;
            let mut last: HashMap<usize, u64> = HashMap::new();
            for line in text.lines() {
                let Some((name, number)) = read(line) else {
                    bail!("damaged, in {file}: {line:?}");
                };
                let before = last.insert(name, number);
                ensure!(
                    before.is_none_or(|before| before < number),
                    "in {file}, line {number} of connection {name} came after line {before:?}"
                );
                if at == COPIES {
                    found.copies += 1;
                    continue;
                }
                ensure!((number % 2 == 1) == (at >= 2), "line {number} is in {file}");
                ensure!(
                    seen.insert((name, number), ()).is_none(),
                    "line {number} of connection {name} came twice"
                );
                found.lines += 1;
                let highest = found.last.entry(name).or_default();
                *highest = number.max(*highest);
            }
        }
        Ok(found)
    }
}

/// The connection and number of a line.
fn read(line: &str) -> Option<(usize, u64)> {
    let (name, number) = line.strip_prefix("connection ")?.split_once(" line ")?;
    Some((name.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::config;

    #[test]
    fn each_change_is_of_one_key() {
        let keys = [
            "to =",
            "routes =",
            "tee =",
            "bind = \"127.0.0.1:",
            "framing =",
        ];
        for change in 1..=20 {
            let (before, after) = (config(change - 1, [1, 2]), config(change, [1, 2]));
            let differing = before
                .lines()
                .zip(after.lines())
                .filter(|(one, other)| one != other);
            let differing: Vec<_> = differing.map(|(one, _)| one).collect();
            let key = keys[(change as usize - 1) % 5];
            assert!(
                matches!(differing[..], [line] if line.starts_with(key)),
                "{change}: {differing:?}"
            );
        }
    }
}
