//! `linemill bench`: measures what a plugin costs per line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use linemill::control::build::inner_settings::{self, Wrong};
use linemill_config::settings::{FilterSettings, Grant, PluginRef};
use linemill_framing::Framer;
use linemill_framing::LineSettings;
use linemill_framing::Lines;
use linemill_sandbox::chain::{Chain, Stage, StreamState};
use linemill_sandbox::engine::Engine;
use linemill_sandbox::filter::{Filter, Reporting};
use linemill_sandbox::imports::Grants;
use linemill_sandbox::metrics::FilterFamilies;
use linemill_sandbox::plugin::Plugin;
use linemill_sandbox::plugin::compiler::Compiler;
use linemill_sandbox::verdict::Rules;

use super::output::say;
use super::plugin::{admit, grant, hinted};

/// Bytes given to the filter in one call, as on a busy connection.
const BATCH: usize = 64 * 1024;
/// Runs of each measurement; the median is shown.
const RUNS: usize = 7;

/// Measure what a plugin costs per line
///
/// Calls the filter as `serve` does, with 64 KiB of lines per call, on one core, without sockets.
/// Prints the median, the fastest and the slowest of 7 runs. Use a release build of linemill.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  linemill bench redact --input app.log")]
pub(super) struct Bench {
    /// A path to a .wasm file, or the name of a bundled plugin
    #[arg(value_name = "PLUGIN")]
    plugin: String,
    /// File with input lines, instead of generated ones
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Settings of the filter, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    settings: String,
    /// Capabilities to grant, such as log,clock
    #[arg(long, value_name = "GRANTS", value_delimiter = ',', value_parser = grant)]
    grant: Vec<Grant>,
    /// Duration of each run, in seconds
    #[arg(long, value_name = "S", default_value_t = 0.3)]
    seconds: f64,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::block_on(self.bench())
    }

    async fn bench(self) -> anyhow::Result<()> {
        if !(0.001..=60.0).contains(&self.seconds) {
            return Err(hinted(
                "--seconds is out of range",
                "use a number from 0.001 to 60",
            ));
        }
        let filter = self.filter().await?;
        let inputs = match &self.input {
            Some(path) => {
                let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
                vec![(path.display().to_string(), batches(&bytes))]
            }
            None => [16, 80, 256, 1024]
                .iter()
                .map(|length| (format!("{length} bytes"), generated(*length)))
                .collect(),
        };
        say!(
            "{:<16} {:>10} {:>10} {:>10} {:>12}",
            "line",
            "ns/line",
            "fastest",
            "slowest",
            "MiB/s"
        );
        for (name, batches) in inputs {
            let lines: usize = batches.iter().map(Lines::len).sum();
            if lines == 0 {
                return Err(hinted("the input has no lines", "name a file that has"));
            }
            // The first run warms up.
            self.measure(&filter, &batches).await?;
            let mut runs = Vec::with_capacity(RUNS);
            for _ in 0..RUNS {
                runs.push(self.measure(&filter, &batches).await?);
            }
            runs.sort_by(f64::total_cmp);
            let median = runs[RUNS / 2];
            let bytes: usize = batches.iter().map(|lines| lines.bytes().len()).sum();
            let speed = bytes as f64 / lines as f64 / median * 1e9 / f64::from(1 << 20);
            say!(
                "{name:<16} {median:>10.1} {:>10.1} {:>10.1} {speed:>12.0}",
                runs[0],
                runs[RUNS - 1]
            );
        }
        Ok(())
    }

    async fn filter(&self) -> anyhow::Result<Arc<Filter>> {
        let admitted = admit(&self.plugin, Grants::of(&self.grant))?;
        let engine = Arc::new(Engine::new()?);
        let plugin = Plugin::compile(&engine, &admitted, &Compiler::of_user())
            .map_err(|refusal| refusal.problem.of(&self.plugin))?;
        let mut settings = FilterSettings::new("bench", PluginRef::from_arg(&self.plugin));
        settings.grant.clone_from(&self.grant);
        settings.settings =
            serde_json::from_str(&self.settings).context("--settings is not JSON")?;
        if !settings.settings.is_object() {
            return Err(hinted(
                "--settings is not a JSON object",
                "write an object, such as '{\"mask\": \"***\"}'",
            ));
        }
        let about = plugin.describe(&engine, &settings).await;
        let about = about.map_err(|refusal| refusal.problem.of(&self.plugin))?;
        let checked = inner_settings::check(&settings, about).await;
        if let Some(wrong) = checked.err().and_then(Wrong::problems) {
            return Err(wrong.into());
        }
        let families = FilterFamilies::default();
        let filter = Filter::start(engine, plugin, settings, &families, Reporting::default()).await;
        Ok(filter.map_err(|refusal| refusal.problem.of(&self.plugin))?)
    }

    /// Nanoseconds per line.
    async fn measure(&self, filter: &Arc<Filter>, batches: &[Lines]) -> anyhow::Result<f64> {
        let rules = Rules::of(LineSettings::default());
        let chain = Chain::new(vec![Stage::new(Arc::clone(filter), None)], []);
        let mut stream = StreamState::new(Arc::new(chain), rules);
        let (time, mut spent, mut done) =
            (Duration::from_secs_f64(self.seconds), Duration::ZERO, 0);
        while spent < time {
            for batch in batches {
                // A call consumes its lines; copying them is not measured.
                let input = batch.clone();
                let begun = Instant::now();
                let output = stream.process(input).await;
                spent += begun.elapsed();
                done += batch.len();
                if output.close.is_some() {
                    return Err(anyhow!("the filter closed the stream"));
                }
                std::hint::black_box(output.lines.len());
            }
        }
        Ok(spent.as_nanos() as f64 / done as f64)
    }
}

/// Lines of `length` bytes each, made of words.
fn generated(length: usize) -> Vec<Lines> {
    let text = b"the quick brown fox jumps over the lazy dog; "
        .iter()
        .copied()
        .cycle();
    let line: Vec<u8> = text.take(length).chain(*b"\n").collect();
    batches(&line.repeat(BATCH / line.len()))
}

/// The lines of `bytes`, in batches as a connection would read them.
fn batches(bytes: &[u8]) -> Vec<Lines> {
    let mut framer = Framer::new(LineSettings::default());
    let mut all = Vec::new();
    for chunk in bytes.chunks(BATCH) {
        let block = [framer.partial(), chunk].concat();
        all.push(framer.frame(block));
    }
    all.push(framer.finish());
    all.retain(|lines| !lines.is_empty());
    all
}
