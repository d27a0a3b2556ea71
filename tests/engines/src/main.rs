//! The same filter, hosted by linemill and by other WebAssembly engines, side by side.
//!
//! In: nothing but options. Out: a table, and with `--json` a file of it that reports take. Each engine gets the
//! same blocks of lines and gives back blocks of turned lines, in this process, without sockets;
//! every byte is compared with what is due, and a wrong one ends the run without a table.
//! Not here: how linemill does under load (`linemill-bench`).

mod component;
mod core_module;
mod engine;
mod extism;
mod fluvio;
mod guest;
mod interpreter;
mod linemill;
mod measure;
mod report;
#[path = "../../src/bench/spread.rs"]
mod spread;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Parser;

use engine::Engine;
use measure::{Load, Rounds};
use report::Report;

/// Measures lines per second, on one core, of engines that host the same ROT13.
#[derive(Debug, Parser)]
#[command(name = "linemill-engines", version)]
struct Cli {
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    rounds: Rounds,
    /// Only engines whose names have this in them, and linemill
    #[arg(long, value_name = "TEXT", conflicts_with = "json")]
    only: Option<String>,
    /// Writes the table there too, in the form that `cargo xtask bench report --merge` takes
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fail if linemill is less than this many times as fast as another engine
    #[arg(long, value_name = "TIMES")]
    at_least: Option<f64>,
}

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    fn run(&self) -> anyhow::Result<()> {
        let mut engines = engines()?;
        if let Some(text) = &self.only {
            // The first is what all are compared with.
            let mut first = true;
            engines.retain(|engine| std::mem::take(&mut first) || engine.name().contains(text));
            ensure!(
                engines.len() > 1,
                "no engine has {text:?} in its name\nhint: without --only, all are measured"
            );
        }
        let rows = self.rounds.measure(&mut engines, &self.load)?;
        let report = Report {
            rows: &rows,
            load: &self.load,
            rounds: &self.rounds,
        };
        print!("{}", report.text());
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&report.json())?;
            fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
        }
        if let Some(least) = self.at_least {
            for row in &rows[1..] {
                let times = row.ratio.median;
                ensure!(
                    times >= least,
                    "linemill does {times:.1} times as much as {}, less than {least}",
                    row.name
                );
            }
        }
        Ok(())
    }
}

/// All of them, linemill first.
fn engines() -> anyhow::Result<Vec<Box<dyn Engine>>> {
    Ok(vec![
        Box::new(linemill::Linemill::new()?),
        Box::new(core_module::OneBuffer::new()?),
        Box::new(core_module::Alloc::new()?),
        Box::new(component::OneLine::new()?),
        Box::new(interpreter::Wasmi::new()?),
        Box::new(extism::Extism::new()?),
        Box::new(fluvio::Fluvio::new()?),
    ])
}
