//! Everything at once: swaps, resets, a disk that fills up, an upstream that goes away, filters that fail, and
//! one kind of abuse after another.
//!
//! In: how long, and how fast lines flow. Out: an account of every line of every stream; descriptors before
//! and after; and resident memory in the pauses between two attacks. Fails at the first line that is wrong.
//! Not here: how much memory is too much.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::churn::slope;
use super::long_lived::{LongLived, Pace, Phase};
use super::short_lived::ShortLived;
use super::swaps::Swaps;
use crate::abuse::{Abuse, Ground};
use crate::disk::Disk;
use crate::outage::{Account, Flow, Outage, Receiver};
use crate::{Folder, Host, PATIENCE};

/// Where lines are kept, and how many are sent there.
const FILE: &str = "disk/out.log";
const FILE_LINES: u32 = 100;
/// More than a line has bytes.
const LINE: u64 = 80;
/// Room on the disk beside the lines.
const ROOM: u64 = 16 << 20;
/// Lines per second to the upstream.
const UPSTREAM_LINES: u32 = 500;
/// How long each attack goes on, and how long the host is left alone after it.
const ATTACK: Duration = Duration::from_secs(10);
const CALM: Duration = Duration::from_secs(2);
/// The same while the host gets to know all of them.
const FIRST: Duration = Duration::from_secs(1);
/// How long connections of attacks may outlast these.
const EMPTY: Duration = Duration::from_secs(120);

/// The size of a siege.
#[derive(Debug, Clone, Copy)]
pub struct Siege {
    /// How long it goes on, without the warm-up.
    pub time: Duration,
    /// The connections under which chains are swapped, and how fast they send.
    pub pace: Pace,
    /// Time from one swap to the next.
    pub swap_every: Duration,
    /// Short-lived connections per second; one in ten is reset.
    pub new_per_second: f64,
    /// How long the upstream is up before it is restarted, and the disk is free before it is full.
    pub calm: Duration,
    /// How long the disk is full.
    pub full: Duration,
}

/// The result of a siege.
#[derive(Debug)]
pub struct SiegeReport {
    /// Lines that came back filtered, of the connections that stay open.
    pub answered: u64,
    /// Short-lived connections.
    pub short_lived: u64,
    /// Swaps.
    pub swaps: u64,
    /// Attacks.
    pub attacks: u64,
    /// Lines sent to the file, and those in it.
    pub kept: [u64; 2],
    /// How often the disk was full.
    pub full: u64,
    /// Lines sent to the upstream, those that came, and those that came again.
    pub delivered: [u64; 3],
    /// How often the upstream was restarted.
    pub restarts: u64,
    /// Lines that the host counts as lost, of both.
    pub lost: u64,
    /// Open descriptors of the idle host, before and after.
    pub descriptors: [usize; 2],
    /// Samples between two attacks: seconds since the start, and resident bytes.
    pub memory: Vec<(f64, f64)>,
}

impl SiegeReport {
    /// How much resident memory grew, as a fraction of its mean, after the warm-up.
    pub fn slope(&self) -> f64 {
        slope(&self.memory)
    }
}

impl Siege {
    /// Runs it.
    ///
    /// # Errors
    /// The first line or connection that was served wrongly, or for which there is no account.
    pub fn run(&self) -> anyhow::Result<SiegeReport> {
        let folder = Folder::new();
        let room = self.time.as_secs() * u64::from(FILE_LINES) * LINE + ROOM;
        let disk = Disk::mount(&folder.path().join("disk"), room).map_err(anyhow::Error::msg)?;
        let mut receiver = Receiver::start(None)?;
        let (tables, trust) = Ground::prepare(&folder);
        let own = format!(
            "[[listener]]\nname = \"file\"\nbind = \"127.0.0.1:0\"\nchain = []\nto = \"file:{FILE}\"\n\
             [[listener]]\nname = \"upstream\"\nbind = \"127.0.0.1:0\"\nchain = []\nto = \"tcp://{}\"\nshared = true\n\
             resend = true\n",
            receiver.address()
        );
        let mut swaps = Swaps::start_with(folder, format!("\n{own}{tables}"));
        let ground = Ground::of(swaps.host(), 3, trust);
        warm_up(swaps.host(), &ground)?;
        empty(swaps.host())?;
        let before = swaps.host().idle_descriptors();

        let (start, over) = (Instant::now(), AtomicBool::new(false));
        let is_over = || over.load(Ordering::Relaxed);
        let host = swaps.host();
        let address = host.address();
        let mut flows = [1, 2].map(|nth| {
            let lines = if nth == 1 { FILE_LINES } else { UPSTREAM_LINES };
            Flow::start(host.listener(nth), lines)
        });
        let long_lived = LongLived::start(address, self.pace);
        long_lived.expect_moved(1)?;
        long_lived.phase(Phase::Harmed);
        let short_lived = ShortLived::start(address, self.new_per_second, Some(10));
        let id = host.id();
        let (memory, attacks, full, restarts, swapped) = thread::scope(|scope| {
            let attacking = scope.spawn(|| attack(id, &ground, start, &is_over));
            let filling = scope.spawn(|| self.fill(&disk, &is_over));
            let restarting = scope.spawn(|| self.restart(&mut receiver, &is_over));
            let mut swap = || {
                while start.elapsed() < self.time && !short_lived.stopped() && !long_lived.stopped()
                {
                    swaps.run(&long_lived, 1, Duration::ZERO)?;
                    short_lived.in_force(swaps.newest());
                    thread::sleep(self.swap_every);
                }
                swaps.settle(&long_lived)
            };
            let swapped = swap();
            over.store(true, Ordering::Relaxed);
            let (memory, attacks) = attacking.join().expect("attacks do not fail");
            let full = filling.join().expect("the disk is there");
            let restarts = restarting.join().expect("the upstream runs");
            (memory, attacks, full, restarts, swapped)
        });
        let short_lived = short_lived.finish()?;
        let observations = long_lived.finish()?;
        swapped?;
        let restarts = restarts?;
        let sent = [flows[0].finish(), flows[1].finish()];
        let host = swaps.host();
        settle(host, sent[0] + sent[1])?;
        empty(host)?;
        let after = host.idle_descriptors();
        let file = fs::read(host.folder().path().join(FILE)).context(FILE)?;
        let kept = Account::of(&[file], sent[0]).context("the file")?;
        ensure!(
            kept.doubled == 0,
            "{} lines are in the file twice",
            kept.doubled
        );
        let lost = host.metric("linemill_output_lost_total", &[]) as u64;
        let resent = host.metric("linemill_output_resent_total", &[]) as u64;
        let came = receiver.account(sent[1]).context("the upstream")?;
        ensure!(
            came.doubled <= resent,
            "{came:?}, and {resent} were sent again"
        );
        Ok(SiegeReport {
            answered: observations.lines,
            short_lived,
            swaps: swaps.newest() - 1,
            attacks,
            kept: [sent[0], kept.came],
            full,
            delivered: [sent[1], came.came, came.doubled],
            restarts,
            lost,
            descriptors: [before, after],
            memory,
        })
    }

    /// Fills the disk now and then. Returns how often.
    fn fill(&self, disk: &Disk, is_over: &impl Fn() -> bool) -> u64 {
        let mut count = 0;
        while !is_over() {
            rest(self.calm, is_over);
            disk.fill();
            rest(self.full, is_over);
            disk.free();
            count += 1;
        }
        count
    }

    /// Restarts the upstream now and then. Returns how often.
    fn restart(&self, receiver: &mut Receiver, is_over: &impl Fn() -> bool) -> anyhow::Result<u64> {
        let mut count = 0;
        while !is_over() {
            rest(self.calm, is_over);
            let before = receiver.begin(Outage::Restarted);
            receiver.end(Outage::Restarted)?;
            receiver.until_more_than(before)?;
            count += 1;
        }
        Ok(count)
    }
}

/// Has the host meet every kind of abuse once: what it opens and keeps then is no leak.
fn warm_up(host: &Host, ground: &Ground) -> anyhow::Result<()> {
    let short_lived = ShortLived::start(host.address(), 100.0, Some(10));
    thread::sleep(FIRST);
    short_lived.finish()?;
    for kind in Abuse::all() {
        let attack = kind.start(ground);
        thread::sleep(FIRST);
        attack.stop();
    }
    Ok(())
}

/// Attacks in every way, again and again. Returns samples of memory, and how many attacks there were.
fn attack(
    id: u32,
    ground: &Ground,
    start: Instant,
    is_over: &impl Fn() -> bool,
) -> (Vec<(f64, f64)>, u64) {
    let (mut memory, mut count) = (Vec::new(), 0);
    for kind in Abuse::all().iter().cycle() {
        let attack = kind.start(ground);
        rest(ATTACK, is_over);
        attack.stop();
        count += 1;
        rest(CALM, is_over);
        if is_over() {
            break;
        }
        if let Ok(now) = crate::memory(id) {
            memory.push((start.elapsed().as_secs_f64(), now.resident as f64));
        }
    }
    (memory, count)
}

/// Sleeps so long, or until it is over.
fn rest(time: Duration, is_over: &impl Fn() -> bool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !is_over() {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until no connection is open. Those of an attack may wait for filters that start slowly.
fn empty(host: &Host) -> anyhow::Result<()> {
    let start = Instant::now();
    while host.metric("linemill_connections", &[]) > 0.5 {
        ensure!(
            start.elapsed() < EMPTY,
            "connections are open after {EMPTY:?}"
        );
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Waits until the host has delivered or lost every line that was sent to outputs.
fn settle(host: &Host, sent: u64) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        let metrics = host.metrics();
        let count = |name: &str| metrics.sum(name, &[]) as u64;
        let (delivered, lost) = (
            count("linemill_output_lines_total"),
            count("linemill_output_lost_total"),
        );
        if delivered + lost == sent {
            return Ok(());
        }
        ensure!(
            delivered + lost < sent && start.elapsed() < PATIENCE,
            "{sent} lines sent, {delivered} delivered, {lost} lost"
        );
        thread::sleep(Duration::from_millis(50));
    }
}
