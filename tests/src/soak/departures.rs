//! Stops of the host, and removals of a listener, under senders that need no answer.
//!
//! In: how many senders, how long each pauses between its lines, and what happens to the host. Out: how many
//! lines were sent; or that one was not delivered, or that the counts do not add up. A sender goes on until
//! it has seen the host's FIN, and then for some lines more.

use std::thread;
use std::time::Duration;

use anyhow::{bail, ensure};

use crate::{Client, Host, eventually};

/// Lines that a sender sends after the host's FIN.
const AFTER: usize = 3;

/// What happens to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It is stopped.
    Stop,
    /// A reload removes the listener.
    Removal,
}

/// A stop or a removal under senders.
#[derive(Debug, Clone, Copy)]
pub struct Departures {
    /// What happens.
    pub kind: Departure,
    /// Number of senders.
    pub senders: usize,
    /// The pause of a sender between two lines.
    pub gap: Duration,
}

impl Departures {
    /// Lets it happen. Returns how many lines were sent, all of which were delivered.
    ///
    /// # Errors
    /// When a line was not delivered, or the host counts otherwise.
    pub fn run(&self) -> anyhow::Result<u64> {
        let mut host = Host::serve(config(true));
        host.announced(1);
        let clients: Vec<_> = (0..self.senders).map(|_| host.connect()).collect();
        let sent: Vec<usize> = thread::scope(|scope| {
            let senders = clients.into_iter().enumerate().map(|(name, client)| {
                let gap = self.gap;
                let work = move || send(client, name, gap);
                // There may be a thousand of them.
                let builder = thread::Builder::new().stack_size(128 * 1024);
                builder.spawn_scoped(scope, work).expect("a thread")
            });
            let senders: Vec<_> = senders.collect();
            thread::sleep(Duration::from_millis(500) + 2 * self.gap);
            match self.kind {
                Departure::Stop => host.terminate(),
                Departure::Removal => {
                    host.write_config(config(false));
                    let answer = host.post("/reload");
                    assert_eq!(answer.status, 200, "{}", answer.body);
                }
            }
            let sent = senders.into_iter().map(|sender| sender.join());
            sent.map(|sent| sent.expect("the host takes every line"))
                .collect()
        });
        let all: usize = sent.iter().sum();
        match self.kind {
            Departure::Stop => {
                let status = host.wait();
                ensure!(status.success(), "{status}:\n{}", host.stderr());
                ensure!(
                    host.stderr().contains("drained") && !host.stderr().contains("were dropped"),
                    "{}",
                    host.stderr()
                );
            }
            Departure::Removal => {
                // Its metrics leave with it, so the log has the last word.
                host.expect_stderr("removed listener drained");
                ensure!(!host.stderr().contains("were dropped"), "{}", host.stderr());
                // What the file's queue has taken counts, and is written at once.
                eventually("every line in the file", || {
                    let bytes = host.folder().read("out.log");
                    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
                    (lines >= all).then_some(())
                });
            }
        }
        check(&host, &sent)?;
        Ok(all as u64)
    }
}

/// Two listeners, or only that which stays.
fn config(both: bool) -> String {
    let listener = |name: &str, keys: &str| {
        format!("[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\nchain = []\n{keys}\n")
    };
    let leaves = if both {
        listener("leaves", "to = \"file:out.log\"")
    } else {
        String::new()
    };
    let stays = listener("stays", "");
    format!("[host]\nadmin = \"127.0.0.1:0\"\ndrain = \"30s\"\n{leaves}{stays}")
}

fn line(sender: usize, number: usize) -> String {
    format!("sender {sender} line {number}\n")
}

fn send(mut client: Client, name: usize, gap: Duration) -> usize {
    let mut sent = 0;
    while !client.closes_within(gap) {
        client.send(line(name, sent).as_bytes());
        sent += 1;
    }
    for _ in 0..AFTER {
        thread::sleep(gap);
        client.send(line(name, sent).as_bytes());
        sent += 1;
    }
    client.finish();
    sent
}

/// Looks for every line, those of each sender in order.
fn check(host: &Host, sent: &[usize]) -> anyhow::Result<()> {
    let bytes = host.folder().read("out.log");
    let mut next = vec![0; sent.len()];
    for text in bytes.split_inclusive(|&byte| byte == b'\n') {
        let text = std::str::from_utf8(text)?;
        let words: Vec<_> = text.split_whitespace().collect();
        let ["sender", sender, "line", _] = words[..] else {
            bail!("damaged: {text:?}");
        };
        let sender: usize = sender.parse()?;
        ensure!(
            next.get(sender)
                .is_some_and(|next| text == line(sender, *next)),
            "out of order: {text:?}"
        );
        next[sender] += 1;
    }
    ensure!(
        next == sent,
        "{} lines sent, {} delivered",
        sent.iter().sum::<usize>(),
        next.iter().sum::<usize>()
    );
    Ok(())
}
