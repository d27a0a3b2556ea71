//! The report: one command measures everything in it and writes it.
//!
//! In: which parts, and whether to measure quickly. Out: a page of Markdown and, in a folder next to
//! it, plots and `results.json`, from which the page can be written again without measuring. Each
//! measurement runs with the arguments that the page names. Not here: the measurements, and how parts
//! look (`document`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::document::{Machine, Results, draw, markdown, plots};
use crate::peer::Binary;

/// A measurement: its name, and its arguments in a full run and in a quick one.
struct Step {
    name: &'static str,
    whole: &'static str,
    quick: &'static str,
}

/// All measurements. A full run takes about ten minutes, a quick one about two.
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

/// The command that the page names.
const COMMAND: &str = "cargo xtask bench";

/// Options of the report.
#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(flatten)]
    binary: Binary,
    /// The page; plots and results.json go to the folder of the same name next to it
    #[arg(long, value_name = "FILE", default_value = "docs/bench.md")]
    out: PathBuf,
    /// Measure only these, separated by commas: load, ping, latency, matrix, filters, tls, memory,
    /// memory-tls. Earlier results of all others stay
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Run fewer and shorter rounds: about two minutes, and less precise
    #[arg(long)]
    quick: bool,
    /// Another server in `load` and `ping`; see there
    #[arg(long = "peer", value_name = "NAME=PORT:COMMAND")]
    peers: Vec<String>,
    /// Add the parts of another results file, such as one that another program wrote
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
    /// Measures the requested parts and writes everything.
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
            // Fail before minutes are spent on figures that cannot be merged with the kept ones.
            results.merge(Results {
                machine: Some(Machine::here(&self.binary.path)),
                ..Results::default()
            })?;
        }
        let mut failed = Vec::new();
        for step in steps {
            // The other parts are still useful. The failed ones are listed at the end.
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

    /// The requested measurements.
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
                    "unknown part {name:?}\nhint: the parts are {}",
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
            .context("--linemill is not UTF-8")?;
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
        // Measuring one part does not change the command that measures everything.
        let command = if self.only.is_empty() {
            format!("{COMMAND} report{quick}")
        } else {
            String::new()
        };
        Ok(Results {
            machine: Some(Machine::here(&self.binary.path)),
            command,
            parts: parts.into_iter().collect(),
        })
    }
}

/// Writes the page, and its plots to `folder`.
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
        .expect("valid results");
        let folder = linemill_tests::Folder::new();
        let page = folder.path().join("page.md");
        let images = folder.path().join("page");
        std::fs::create_dir(&images).expect("a new folder");
        write(&results, &page, &images).expect("a written report");
        let text = std::fs::read_to_string(page).expect("a written file");
        assert!(text.contains("![P](page/mine.svg)") && text.contains("![Q](page/mine-2.svg)"));
        for file in ["mine.svg", "mine-2.svg"] {
            let svg = std::fs::read_to_string(images.join(file)).expect("a written file");
            assert!(svg.starts_with("<svg"), "{svg}");
        }
    }
}
