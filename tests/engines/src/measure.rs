//! Engines take turns, so that whatever the machine does besides meets all of them.
//!
//! In: engines, lines, rounds. Out: a [`Row`] each. What counts is the time inside of `turn`; making
//! the block, which a read from a socket would, and comparing what comes back do not.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::engine::Engine;
use crate::spread::Spread;

/// Bytes that a busy server reads at a time.
pub(crate) const BLOCK: usize = 64 * 1024;
/// Longest line, bytes: what linemill takes by default.
pub(crate) const LONGEST: usize = 16 * 1024;

/// What each engine gets.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// Bytes of a line, terminator not counted
    #[arg(long, default_value_t = 80)]
    pub(crate) line: usize,
}

/// How often, and how long.
#[derive(Debug, Args)]
pub(crate) struct Rounds {
    /// Measurements of each engine; engines take turns
    #[arg(long, default_value_t = 7)]
    pub(crate) rounds: usize,
    /// Seconds of one measurement, after a warm-up of a quarter of it
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
}

/// What was found of one engine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What it is given in one call.
    pub(crate) call: &'static str,
    /// Lines a second on one core.
    pub(crate) rate: Spread,
    /// How many times as many the first engine does in the same round.
    pub(crate) ratio: Spread,
}

impl Load {
    /// Lines of a block.
    pub(crate) fn lines(&self) -> usize {
        (BLOCK / (self.line + 1)).max(1)
    }

    /// A block of lines, no two of them alike, and what it must become.
    fn block(&self) -> (Vec<u8>, Vec<u8>) {
        let text = b"The quick brown fox jumps over the lazy dog. "
            .iter()
            .cycle();
        let mut sent = Vec::new();
        for number in 0..self.lines() {
            let number = format!("{number:06} ");
            sent.extend(number.bytes().chain(text.clone().copied()).take(self.line));
            sent.push(b'\n');
        }
        let due = sent.iter().copied().map(rot13).collect();
        (sent, due)
    }
}

impl Rounds {
    /// Measures each engine as often as there are rounds; the first is what all are compared with.
    pub(crate) fn measure(
        &self,
        engines: &mut [Box<dyn Engine>],
        load: &Load,
    ) -> anyhow::Result<Vec<Row>> {
        ensure!(
            self.rounds > 0 && !engines.is_empty(),
            "nothing to measure\nhint: --rounds takes a number from 1"
        );
        ensure!(
            (1..=LONGEST).contains(&load.line),
            "--line {} is out of range\nhint: use a number from 1 to {LONGEST}",
            load.line
        );
        let time = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let (sent, due) = load.block();
        let mut found = vec![Vec::new(); engines.len()];
        for round in 1..=self.rounds {
            for (engine, found) in engines.iter_mut().zip(&mut found) {
                let name = engine.name();
                let mut run = |time| {
                    let blocks = run(&mut **engine, &sent, &due, time);
                    blocks.with_context(|| format!("{name}, round {round}"))
                };
                run(time / 4)?;
                let rate = run(time)? * load.lines() as f64;
                eprintln!(
                    "round {round}: {name} {:.2} million lines per second",
                    rate / 1e6
                );
                found.push(rate);
            }
        }
        let rows = engines.iter().zip(&found).map(|(engine, rates)| {
            let ratios = found[0].iter().zip(rates).map(|(first, own)| first / own);
            Row {
                name: engine.name(),
                call: engine.call(),
                ratio: Spread::of(ratios.collect()),
                rate: Spread::of(rates.clone()),
            }
        });
        Ok(rows.collect())
    }
}

/// Blocks a second that the engine turns.
fn run(engine: &mut dyn Engine, sent: &[u8], due: &[u8], time: Duration) -> anyhow::Result<f64> {
    let (mut spent, mut blocks) = (Duration::ZERO, 0_u32);
    while blocks == 0 || spent < time {
        // With the room of a block that a server reads into.
        let mut block = Vec::with_capacity(BLOCK);
        block.extend_from_slice(sent);
        let begun = Instant::now();
        let turned = engine.turn(block)?;
        spent += begun.elapsed();
        blocks += 1;
        if turned != due {
            let right = turned.iter().zip(due).take_while(|(got, due)| got == due);
            bail!("byte {} of a block is wrong", right.count());
        }
    }
    Ok(f64::from(blocks) / spent.as_secs_f64())
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Load, Rounds};
    use crate::spread::Spread;

    #[test]
    fn every_engine_turns_lines_of_every_length_right() {
        for line in [1, 7, 8, 15, 16, 80, 81, 1000, LONGEST] {
            let rounds = Rounds {
                rounds: 1,
                seconds: 0.0,
            };
            let mut engines = crate::engines().expect("engines");
            let rows = rounds.measure(&mut engines, &Load { line });
            let rows = rows.unwrap_or_else(|error| panic!("{line}: {error:#}"));
            assert_eq!(rows.len(), engines.len());
            assert_eq!(rows[0].ratio, Spread::of(vec![1.0]));
        }
    }
}
