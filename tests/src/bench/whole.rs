//! The report: all that it has is measured by one command, and written.
//!
//! In: which parts, and whether quickly. Out: a page of Markdown and, in a folder beside it, plots
//! and `results.json`, from which the page can be written again without measuring. Each measurement
//! is run by the very arguments that the page names. Not here: the measurements, how parts look
//! (`document`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::document::{Machine, Results, draw, markdown, plots};
use crate::peer::Binary;

/// A measurement: its name, and its arguments in a whole run and in a quick one.
struct Step {
    name: &'static str,
    whole: &'static str,
    quick: &'static str,
}

/// All of them; the whole takes about ten minutes, quickly about two.
const STEPS: [Step; 8] = [
    Step {
        name: "load",
        whole: "load --ladder --rounds 5 --seconds 2",
        quick: "load --ladder --rounds 2 --seconds 0.8",
    },
    Step {
        name: "ping",
        whole: "ping --ladder --rounds 5 --seconds 1",
        quick: "ping --ladder --rounds 2 --seconds 0.5",
    },
    Step {
        name: "latency",
        whole: "latency --rate 1000,10000,40000 --rounds 5 --seconds 1.5",
        quick: "latency --rate 1000,10000,40000 --rounds 2 --seconds 0.6",
    },
    Step {
        name: "matrix",
        whole: "matrix --rounds 5 --seconds 1",
        quick: "matrix --rounds 2 --seconds 0.4",
    },
    Step {
        name: "filters",
        whole: "filters --rounds 5 --seconds 1",
        quick: "filters --rounds 2 --seconds 0.5",
    },
    Step {
        name: "tls",
        whole: "tls --rounds 5 --seconds 2",
        quick: "tls --rounds 2 --seconds 0.8",
    },
    Step {
        name: "memory",
        whole: "memory",
        quick: "memory",
    },
    Step {
        name: "memory-tls",
        whole: "memory --tls",
        quick: "memory --tls",
    },
];

/// What the page says to run.
const COMMAND: &str = "cargo xtask bench";

/// Options of the report.
#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(flatten)]
    binary: Binary,
    /// The page; plots and results.json are in the folder beside it that has its name
    #[arg(long, value_name = "FILE", default_value = "docs/bench.md")]
    out: PathBuf,
    /// Measure only these, separated by commas: load, ping, latency, matrix, filters, tls, memory,
    /// memory-tls. What is known of all else stays
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Fewer and shorter rounds: about two minutes, and less certain
    #[arg(long)]
    quick: bool,
    /// Another server in `load` and `ping`, as there
    #[arg(long = "peer", value_name = "NAME=PORT:COMMAND")]
    peers: Vec<String>,
    /// Take the parts of another results file too, such as what another program measured
    #[arg(long, value_name = "FILE")]
    merge: Vec<PathBuf>,
    /// Measure nothing: write page and plots from this results file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "quick", "peers", "fresh"])]
    from: Option<PathBuf>,
    /// Forget what was measured before
    #[arg(long)]
    fresh: bool,
}

impl Report {
    /// Measures what was asked for, and writes everything.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let folder = self.out.with_extension("");
        let kept = folder.join("results.json");
        let mut results = match &self.from {
            Some(from) => Results::read(from)?,
            None if self.fresh || !kept.exists() => Results::default(),
            None => Results::read(&kept)?,
        };
        for path in &self.merge {
            results.merge(Results::read(path)?)?;
        }
        let steps = self.steps()?;
        if !steps.is_empty() {
            // Before minutes are spent on figures that cannot stand beside those that are kept.
            results.merge(Results {
                machine: Some(Machine::here(&self.binary.path)),
                ..Results::default()
            })?;
        }
        let mut failed = Vec::new();
        for step in steps {
            // What a failed one leaves out is said at the end; the others are worth having.
            match self.measure(step) {
                Ok(measured) => results.merge(measured)?,
                Err(error) => {
                    eprintln!("{} failed: {error:#}", step.name);
                    failed.push(step.name);
                }
            }
            results.write(&kept)?;
        }
        results.write(&kept)?;
        write(&results, &self.out, &folder)?;
        eprintln!("wrote {}", self.out.display());
        ensure!(
            failed.is_empty(),
            "not measured, for the reasons above: {}\nhint: `report --only {}` measures them alone",
            failed.join(", "),
            failed.join(",")
        );
        Ok(())
    }

    /// What is to be measured.
    fn steps(&self) -> anyhow::Result<Vec<&'static Step>> {
        if self.from.is_some() {
            return Ok(Vec::new());
        }
        if self.only.is_empty() {
            return Ok(STEPS.iter().collect());
        }
        let known = |name: &String| {
            let step = STEPS.iter().find(|step| step.name == name);
            step.with_context(|| {
                let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
                format!(
                    "there is no part {name:?} to measure\nhint: those are {}",
                    names.join(", ")
                )
            })
        };
        self.only.iter().map(known).collect()
    }

    fn measure(&self, step: &Step) -> anyhow::Result<Results> {
        eprintln!("{}:", step.name);
        let arguments = if self.quick { step.quick } else { step.whole };
        let mut run: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
        let path = self
            .binary
            .path
            .to_str()
            .context("--linemill is no UTF-8")?;
        run.extend(["--linemill".to_owned(), path.to_owned()]);
        let mut command = format!("{COMMAND} {arguments}");
        if matches!(step.name, "load" | "ping") {
            for peer in &self.peers {
                run.extend(["--peer".to_owned(), peer.clone()]);
                command += " --peer NAME=PORT:COMMAND";
            }
        }
        let mut parts = crate::parts(&run)?;
        for (name, part) in &mut parts {
            part.check().with_context(|| name.clone())?;
            part.command.clone_from(&command);
        }
        let quick = if self.quick { " --quick" } else { "" };
        // One part alone does not change what measures the whole.
        let command = match self.only.is_empty() {
            true => format!("{COMMAND} report{quick}"),
            false => String::new(),
        };
        Ok(Results {
            machine: Some(Machine::here(&self.binary.path)),
            command,
            parts: parts.into_iter().collect(),
        })
    }
}

/// Writes the page, and the plots into `folder`.
fn write(results: &Results, page: &Path, folder: &Path) -> anyhow::Result<()> {
    let save = |path: &Path, text: String| {
        fs::write(path, text).with_context(|| path.display().to_string())
    };
    for (name, part) in results.ordered() {
        for (file, plot) in plots(name, part) {
            let svg =
                draw(part, plot).with_context(|| format!("plot {:?} of {name}", plot.title))?;
            save(&folder.join(file), svg)?;
        }
    }
    let Some(seen) = folder.file_name().and_then(|name| name.to_str()) else {
        bail!("{} has no name", page.display());
    };
    save(page, markdown(results, seen))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{STEPS, write};
    use crate::document::Results;

    #[test]
    fn every_step_is_a_command() {
        for step in &STEPS {
            for arguments in [step.whole, step.quick] {
                let all = ["linemill-bench"].into_iter().chain(arguments.split(' '));
                let parsed = crate::Cli::try_parse_from(all);
                assert!(parsed.is_ok(), "{arguments}: {parsed:?}");
            }
        }
    }

    #[test]
    fn the_page_and_its_plots_are_written_from_results() {
        let results: Results = serde_json::from_str(
            r#"{ "parts": { "mine": { "title": "Mine", "about": "", "columns": ["a", "b"], "rows": [["x", 1.0]],
                "plots": [{ "title": "P", "kind": "bars", "x": "a", "y": ["b"] }, { "title": "Q", "y": ["b"] }]
            } } }"#,
        )
        .expect("it is JSON of that form");
        let folder = linemill_tests::Folder::new();
        let page = folder.path().join("page.md");
        let beside = folder.path().join("page");
        std::fs::create_dir(&beside).expect("it is new");
        write(&results, &page, &beside).expect("all can be written");
        let text = std::fs::read_to_string(page).expect("it was written");
        assert!(text.contains("![P](page/mine.svg)") && text.contains("![Q](page/mine-2.svg)"));
        for file in ["mine.svg", "mine-2.svg"] {
            let svg = std::fs::read_to_string(beside.join(file)).expect("it was written");
            assert!(svg.starts_with("<svg"), "{svg}");
        }
    }
}
