//! An upstream that reads lines and writes them to files, one for each connection. As a process of its
//! own it can be killed: what it has read is in the files.
//!
//! In: how outages begin and end. Out: what came.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use socket2::{Domain, Socket, Type};

use super::Outage;
use super::account::Account;
use crate::binary::built;
use crate::{Folder, Network, PATIENCE, Program};

/// How often connections look whether to end.
const LOOK: Duration = Duration::from_millis(20);

/// Receives until its standard input ends. Then it reads what has come, and closes its connections.
/// It says on standard error where it listens.
///
/// # Errors
/// When it cannot listen at `address`, or cannot write to `folder`.
pub fn receive(address: SocketAddr, folder: &Path) -> anyhow::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    let listener = TcpListener::from(socket);
    eprintln!("listening on {}", listener.local_addr()?);
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut rest = Vec::new();
            // An error ends it, too.
            drop(io::stdin().read_to_end(&mut rest));
            ends.store(true, Ordering::Relaxed);
        });
        listener.set_nonblocking(true)?;
        let (mut number, ends) = (0, &ends);
        while !ends.load(Ordering::Relaxed) {
            match listener.accept() {
                Ok((stream, _)) => {
                    // Several processes write to the folder, one after another.
                    let since = std::time::UNIX_EPOCH.elapsed()?.as_millis();
                    let file = File::create(folder.join(format!("{since:015}-{number:06}")))?;
                    number += 1;
                    scope.spawn(move || keep(stream, file, ends).expect("the disk has room"));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    })
}

/// Writes what a connection brings to a file, until it ends or it is time to end.
fn keep(mut stream: TcpStream, mut file: File, ends: &AtomicBool) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LOOK))?;
    let mut block = vec![0; 64 * 1024];
    loop {
        let ends = ends.load(Ordering::Relaxed);
        if ends {
            stream.set_nonblocking(true)?;
        }
        match stream.read(&mut block) {
            Ok(count @ 1..) => file.write_all(&block[..count])?,
            Err(error) if is_timeout(&error) && !ends => {}
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    use ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// A receiver that runs, or is about to run again.
#[derive(Debug)]
pub(crate) struct Receiver {
    program: Program,
    address: SocketAddr,
    folder: Folder,
    network: Option<Network>,
    /// When the last outage ended.
    back: Instant,
}

impl Receiver {
    /// Starts one, in a network of its own if there is one.
    pub(crate) fn start(network: Option<Network>) -> anyhow::Result<Self> {
        let ip = network
            .as_ref()
            .map_or(IpAddr::from(Ipv4Addr::LOCALHOST), Network::there);
        let folder = Folder::new();
        let mut command = command(network.as_ref(), (ip, 0).into(), &folder);
        let program = Program::start(&mut command);
        let address = program.announced("listening on ").parse()?;
        Ok(Self {
            program,
            address,
            folder,
            network,
            back: Instant::now(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins an outage. Returns how many bytes had come when it was sure that no more would.
    pub(crate) fn begin(&mut self, kind: Outage) -> u64 {
        match kind {
            Outage::Killed => self.program.kill(),
            Outage::Stopped => {
                self.program.stop();
                // It takes effect when the system comes to it.
                thread::sleep(Duration::from_millis(20));
            }
            Outage::Cut => {
                self.network.as_ref().expect("it has one").cut();
                thread::sleep(Duration::from_millis(20));
            }
            Outage::Restarted => {
                self.program.wait();
            }
        }
        self.bytes()
    }

    /// Ends an outage.
    pub(crate) fn end(&mut self, kind: Outage) -> anyhow::Result<()> {
        match kind {
            Outage::Killed | Outage::Restarted => {
                let network = self.network.as_ref();
                let mut command = command(network, self.address, &self.folder);
                self.program = Program::start(&mut command);
                let address = self.program.announced("listening on ");
                ensure!(address == self.address.to_string(), "{address}");
            }
            Outage::Stopped => self.program.resume(),
            Outage::Cut => self.network.as_ref().expect("it has one").heal(),
        }
        self.back = Instant::now();
        Ok(())
    }

    /// Waits until more bytes have come than `before`. Returns how long that took after the end of the
    /// last outage.
    pub(crate) fn until_more_than(&self, before: u64) -> anyhow::Result<Duration> {
        while self.bytes() <= before {
            let waited = self.back.elapsed();
            ensure!(
                waited < PATIENCE,
                "no line within {waited:?} after an outage"
            );
            thread::sleep(Duration::from_millis(5));
        }
        Ok(self.back.elapsed())
    }

    /// What has come, compared with what was sent.
    pub(crate) fn account(mut self, sent: u64) -> anyhow::Result<Account> {
        // What the host has delivered may still be unread.
        self.program.wait();
        let mut files: Vec<_> = fs::read_dir(self.folder.path())?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        files.sort();
        let connections = files.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
        Account::of(&connections, sent)
    }

    /// How many bytes have come.
    fn bytes(&self) -> u64 {
        let entries = fs::read_dir(self.folder.path()).expect("it is there");
        let sizes = entries.map(|entry| entry.and_then(|entry| entry.metadata()));
        sizes.map(|data| data.expect("it is there").len()).sum()
    }
}

/// A command that receives at `address`, in `network` if there is one.
fn command(network: Option<&Network>, address: SocketAddr, folder: &Folder) -> Command {
    let program = built("linemill-bench");
    let mut command = match network {
        Some(network) => network.command(&program),
        None => Command::new(program),
    };
    command
        .args(["receive", &address.to_string()])
        .arg(folder.path());
    command
}
