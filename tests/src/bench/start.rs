//! Start-up: from the start of `linemill serve` to its first answered line.
//!
//! In: a release build. Out: a table of times: for chains of bundled filters and for an empty chain,
//! with the cache of compiled plugins empty, filled, and switched off. Variants take turns.
//! Not here: what happens after the first line.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use linemill_tests::Folder;

use crate::peer::Launch;
use crate::report::table;
use crate::spread::Spread;

/// A host has failed if it does not answer for this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Chains, with a line and the expected answer for each.
const CHAINS: [(&str, &str, &str); 3] = [
    ("", "Hello", "Hello"),
    ("rot13", "Hello", "Uryyb"),
    ("redact", "from=ann@example.org", "from=[email]"),
];

/// Options of the measurement.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The linemill to measure
    #[arg(long, default_value = "target/release/linemill")]
    linemill: PathBuf,
    /// Starts of each variant; variants take turns
    #[arg(long, default_value_t = 21)]
    rounds: usize,
    /// Fail when a median with cached plugins exceeds this many milliseconds
    #[arg(long)]
    at_most: Option<f64>,
}

/// The cache of compiled plugins at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cache {
    /// Filled by an earlier start.
    Warm,
    /// Empty: each plugin is compiled and cached.
    Cold,
    /// Switched off: each plugin is compiled.
    Off,
}

/// A way to start, and the times that it took in milliseconds.
struct Variant {
    chain: usize,
    cache: Cache,
    listening: Vec<f64>,
    answered: Vec<f64>,
}

impl Start {
    /// Measures and prints the table.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(self.rounds > 0, "nothing to measure");
        let folder = Folder::new();
        let mut variants = variants();
        // The first round fills the caches and is not counted.
        for round in 0..=self.rounds {
            for variant in &mut variants {
                let (listening, answered) = self.start(&folder, variant)?;
                if round > 0 {
                    variant.listening.push(milliseconds(listening));
                    variant.answered.push(milliseconds(answered));
                }
            }
        }
        println!(
            "`linemill serve` until it listens, and until its first line has come back; medians of {} starts, milliseconds\n",
            self.rounds
        );
        let head = [
            "chain",
            "compiled",
            "listens",
            "first line",
            "least",
            "most",
        ];
        let rows: Vec<_> = variants.iter().map(Variant::row).collect();
        print!("{}", table(&head, &rows));
        for variant in variants.iter().filter(|of| of.cache == Cache::Warm) {
            let (chain, _, _) = CHAINS[variant.chain];
            let median = Spread::of(variant.answered.clone()).median;
            ensure!(
                self.at_most.is_none_or(|most| median <= most),
                "chain [{chain}]: the first line took {median:.1} ms"
            );
        }
        Ok(())
    }

    /// Starts a host. Returns how long it took to listen and to answer.
    fn start(&self, folder: &Folder, variant: &Variant) -> anyhow::Result<(Duration, Duration)> {
        let (chain, line, due) = CHAINS[variant.chain];
        let kept = folder.path().join(format!("kept {chain}"));
        let cache = match variant.cache {
            Cache::Warm => kept,
            Cache::Cold => emptied(folder.path().join("empty"))?,
            Cache::Off => PathBuf::from("off"),
        };
        let mut launch = self.launch(folder, chain, &cache);
        let begun = Instant::now();
        let peer = launch.start()?;
        let listening = begun.elapsed();
        let mut stream = TcpStream::connect(peer.address).context("connect")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{line}\n").as_bytes())?;
        let mut answer = vec![0; due.len() + 1];
        stream.read_exact(&mut answer).context("receive")?;
        let answered = begun.elapsed();
        ensure!(
            answer == format!("{due}\n").as_bytes(),
            "a wrong answer: {}",
            answer.escape_ascii()
        );
        Ok((listening, answered))
    }

    fn launch(&self, folder: &Folder, chain: &str, cache: &Path) -> Launch {
        let quoted = match chain {
            "" => String::new(),
            name => format!("{name:?}"),
        };
        let config =
            format!("[[listener]]\nname = \"bench\"\nbind = \"127.0.0.1:0\"\nchain = [{quoted}]\n");
        let config = folder.write(&format!("serve {chain}.toml"), config);
        let mut command = Command::new(&self.linemill);
        command
            .args(["serve".as_ref(), "--config".as_ref(), config.as_os_str()])
            .env("LINEMILL_CACHE", cache);
        Launch::announced("linemill".to_owned(), 1, command)
    }
}

impl Variant {
    fn row(&self) -> [String; 6] {
        let chain = match CHAINS[self.chain].0 {
            "" => "(empty)",
            name => name,
        };
        let cache = match self.cache {
            Cache::Warm => "before",
            Cache::Cold => "now, and kept",
            Cache::Off => "now",
        };
        let (listening, answered) = (
            Spread::of(self.listening.clone()),
            Spread::of(self.answered.clone()),
        );
        [
            chain.to_owned(),
            cache.to_owned(),
            format!("{:.1}", listening.median),
            format!("{:.1}", answered.median),
            format!("{:.1}", answered.min),
            format!("{:.1}", answered.max),
        ]
    }
}

/// All variants. Without a filter, nothing is compiled.
fn variants() -> Vec<Variant> {
    let caches = |chain: usize| match CHAINS[chain].0 {
        "" => vec![Cache::Warm],
        _ => vec![Cache::Warm, Cache::Cold, Cache::Off],
    };
    let of = |chain| {
        let with = move |cache| Variant {
            chain,
            cache,
            listening: Vec::new(),
            answered: Vec::new(),
        };
        caches(chain).into_iter().map(with)
    };
    (0..CHAINS.len()).flat_map(of).collect()
}

/// Empties the folder and returns it.
fn emptied(folder: PathBuf) -> anyhow::Result<PathBuf> {
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| folder.display().to_string())
        }
        _ => Ok(folder),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
