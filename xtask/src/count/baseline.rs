//! The committed counts, and how others compare with them. Pure, except for reading the file.

use std::{collections::BTreeMap, fmt, fs, path::Path, process::Command};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{TOLERANCE, valgrind::Valgrind};
use crate::workspace::Workspace;

/// The command that updates the file.
const UPDATE: &str = "cargo xtask count --update";

/// The contents of the file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Baseline {
    made_with: MadeWith,
    /// Instructions of one run, by case.
    instructions: BTreeMap<String, u64>,
}

/// What counts depend on besides the source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeWith {
    /// The host's compiler.
    rustc: String,
    /// The guests' compiler.
    guests: String,
    valgrind: String,
}

/// Counts compared with their baseline. Displays as a line per case.
#[derive(Debug)]
pub(crate) struct Compared {
    /// Differences in [`MadeWith`]. If there are any, counts are shown but not judged.
    other_tools: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    name: String,
    /// `None` for a new case.
    before: Option<u64>,
    /// `None` for a removed case.
    now: Option<u64>,
}

impl MadeWith {
    /// The tools of this machine.
    pub(crate) fn here(workspace: &Workspace, valgrind: &Valgrind, guests: String) -> Result<Self> {
        let mut rustc = Command::new("rustc");
        rustc.current_dir(workspace.root()).arg("--version");
        let output = rustc.output().context("starting rustc")?;
        let text = String::from_utf8(output.stdout).context("version of rustc")?;
        let version = text.split(' ').nth(1).context("version of rustc")?;
        Ok(Self {
            rustc: version.to_owned(),
            guests,
            valgrind: valgrind.version.clone(),
        })
    }
}

impl Baseline {
    pub(crate) fn new(made_with: MadeWith, instructions: BTreeMap<String, u64>) -> Self {
        Self {
            made_with,
            instructions,
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path);
        text.map_err(anyhow::Error::from)
            .and_then(|text| Ok(toml::from_str(&text)?))
            .with_context(|| format!("{} (`{UPDATE}` writes it)", path.display()))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let head = format!(
            "# Instructions of one run of each case of the bench. Written by `{UPDATE}`;\n\
             # `cargo xtask ci` fails when a case takes {TOLERANCE} % more.\n\n"
        );
        let text = head + &toml::to_string(self)?;
        fs::write(path, text).with_context(|| path.display().to_string())
    }

    pub(crate) fn compare(
        &self,
        made_with: &MadeWith,
        counted: &BTreeMap<String, u64>,
    ) -> Compared {
        let (before, now) = (&self.made_with, made_with);
        let tools = [
            ("the host's compiler", &before.rustc, &now.rustc),
            ("the guests' compiler", &before.guests, &now.guests),
            ("valgrind", &before.valgrind, &now.valgrind),
        ];
        let others = tools.into_iter().filter(|(_, before, now)| before != now);
        let differs = |(tool, before, now)| format!("{tool}: {before} then, {now} now");
        let gone = self.instructions.keys();
        let mut names: Vec<_> = counted.keys().chain(gone).collect();
        names.sort();
        names.dedup();
        let cases = names.into_iter().map(|name| Case {
            name: name.clone(),
            before: self.instructions.get(name).copied(),
            now: counted.get(name).copied(),
        });
        Compared {
            other_tools: others.map(differs).collect(),
            cases: cases.collect(),
        }
    }
}

impl Compared {
    /// Whether every case is within the tolerance, and neither new nor removed.
    pub(crate) fn holds(&self) -> bool {
        !self.cases.iter().any(|case| self.is_wrong(case))
    }

    /// The cases that fail, and what to do.
    pub(crate) fn problem(&self) -> String {
        let wrong = self.cases.iter().filter(|case| self.is_wrong(case));
        let wrong: Vec<_> = wrong.map(ToString::to_string).collect();
        format!(
            "more instructions than the baseline, or other cases:\n{}\nhint: if the change is worth \
             it, run `{UPDATE}` and commit host/benches/cost/baseline.toml with the reason",
            wrong.join("\n")
        )
    }

    fn is_wrong(&self, case: &Case) -> bool {
        match case.change() {
            Some(percent) => percent > TOLERANCE && self.other_tools.is_empty(),
            None => true,
        }
    }
}

impl Case {
    /// The change in percent.
    fn change(&self) -> Option<f64> {
        let (before, now) = (self.before? as f64, self.now? as f64);
        // Multiplying first keeps whole percentages exact.
        Some((now - before) * 100.0 / before)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:<24}", self.name)?;
        match (self.before, self.now, self.change()) {
            (Some(before), Some(now), Some(change)) => {
                write!(f, "{before:>12} -> {now:>12} {change:>+8.2} %")
            }
            (None, Some(now), _) => write!(f, "{now:>12}, not in the baseline"),
            _ => write!(f, "in the baseline, but not a case"),
        }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.cases {
            writeln!(f, "{case}")?;
        }
        let changes = || self.cases.iter().filter_map(Case::change);
        if !self.other_tools.is_empty() {
            let others = self.other_tools.join("; ");
            writeln!(
                f,
                "not judged, since the baseline was made with other tools ({others}): `{UPDATE}`"
            )
        } else if changes().any(|percent| percent < -TOLERANCE) {
            writeln!(
                f,
                "some take fewer than before: `{UPDATE}` makes that the baseline"
            )
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_with(rustc: &str) -> MadeWith {
        MadeWith {
            rustc: rustc.to_owned(),
            guests: "rustc 1.95".to_owned(),
            valgrind: "3.19.0".to_owned(),
        }
    }

    fn counts(cases: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let owned = cases
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count));
        owned.collect()
    }

    /// These counts compared with a baseline of 1,000 for `a`.
    fn compared(rustc: &str, cases: &[(&str, u64)]) -> Compared {
        let baseline = Baseline::new(made_with("1.95.0"), counts(&[("a", 1000)]));
        baseline.compare(&made_with(rustc), &counts(cases))
    }

    #[test]
    fn counts_within_the_tolerance_pass() {
        for count in [980, 1000, 1020] {
            let compared = compared("1.95.0", &[("a", count)]);
            assert!(compared.holds(), "{compared}");
            assert_eq!(compared.to_string().lines().count(), 1, "{compared}");
        }
    }

    #[test]
    fn an_increase_is_named_with_its_size_and_what_to_do() {
        let compared = compared("1.95.0", &[("a", 1021)]);
        assert!(!compared.holds());
        let problem = compared.problem();
        assert!(
            problem.contains("1000 ->         1021    +2.10 %"),
            "{problem}"
        );
        assert!(problem.contains(UPDATE), "{problem}");
    }

    #[test]
    fn a_decrease_is_reported_and_passes() {
        let compared = compared("1.95.0", &[("a", 979)]);
        assert!(compared.holds());
        assert!(
            compared.to_string().contains("fewer than before"),
            "{compared}"
        );
    }

    #[test]
    fn with_other_tools_nothing_is_judged() {
        let compared = compared("1.96.0", &[("a", 2000)]);
        assert!(compared.holds());
        let shown = compared.to_string();
        assert!(
            shown.contains("+100.00 %") && shown.contains("1.95.0 then, 1.96.0 now"),
            "{shown}"
        );
    }

    #[test]
    fn new_and_removed_cases_fail() {
        for (cases, shown) in [
            (&[("a", 1000), ("b", 1)][..], "not in the baseline"),
            (&[], "not a case"),
        ] {
            let compared = compared("1.96.0", cases);
            assert!(!compared.holds());
            assert!(compared.problem().contains(shown), "{}", compared.problem());
        }
    }

    #[test]
    fn a_written_baseline_is_read_back() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("baseline.toml");
        assert!(Baseline::read(&path).is_err_and(|error| format!("{error:#}").contains(UPDATE)));
        let counted = counts(&[("framing/lf-16", 7)]);
        Baseline::new(made_with("1.95.0"), counted.clone()).write(&path)?;
        let read = Baseline::read(&path)?;
        assert_eq!(
            (read.made_with, read.instructions),
            (made_with("1.95.0"), counted)
        );
        Ok(())
    }
}
