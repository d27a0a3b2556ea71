//! Counts that were committed, and how others compare with them. Pure, but for the file.

use std::{collections::BTreeMap, fmt, fs, path::Path, process::Command};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{TOLERANCE, valgrind::Valgrind};
use crate::workspace::Workspace;

/// How the file is written anew.
const UPDATE: &str = "cargo xtask count --update";

/// What the file holds.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Baseline {
    made_with: MadeWith,
    /// Of each case, done once.
    instructions: BTreeMap<String, u64>,
}

/// What counts depend on beside the source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeWith {
    /// The host's compiler.
    rustc: String,
    /// The guests' compiler.
    guests: String,
    valgrind: String,
}

/// Counts beside their baseline. Displays as a line a case.
#[derive(Debug)]
pub(crate) struct Compared {
    /// What differs in [`MadeWith`]; if anything does, counts are shown and not judged.
    other_tools: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    name: String,
    /// `None` of a case that is new.
    before: Option<u64>,
    /// `None` of a case that is gone.
    now: Option<u64>,
}

impl MadeWith {
    /// What is in use here.
    pub(crate) fn here(workspace: &Workspace, valgrind: &Valgrind, guests: String) -> Result<Self> {
        let mut rustc = Command::new("rustc");
        rustc.current_dir(workspace.root()).arg("--version");
        let output = rustc.output().context("starting rustc")?;
        let text = String::from_utf8(output.stdout).context("the version of rustc")?;
        let version = text.split(' ').nth(1).context("the version of rustc")?;
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
            "# Instructions that each case of the bench takes, done once. Written by `{UPDATE}`;\n\
             # `cargo xtask ci` fails when one takes {TOLERANCE} % more.\n\n"
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
        let told = |(tool, before, now)| format!("{tool}: {before} then, {now} now");
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
            other_tools: others.map(told).collect(),
            cases: cases.collect(),
        }
    }
}

impl Compared {
    /// Whether nothing takes more than it may.
    pub(crate) fn holds(&self) -> bool {
        !self.cases.iter().any(|case| self.is_wrong(case))
    }

    /// What does not hold, and what to do.
    pub(crate) fn problem(&self) -> String {
        let wrong = self.cases.iter().filter(|case| self.is_wrong(case));
        let wrong: Vec<_> = wrong.map(ToString::to_string).collect();
        format!(
            "more instructions than committed, or other cases:\n{}\nhint: when that is worth it, \
             `{UPDATE}` and commit host/benches/cost/baseline.toml with the reason",
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
    /// In percent.
    fn change(&self) -> Option<f64> {
        let (before, now) = (self.before? as f64, self.now? as f64);
        // In this order a whole percent is one: 0.98 has no exact form.
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
            (None, Some(now), _) => write!(f, "{now:>12}, and no baseline"),
            _ => write!(f, "has a baseline, and is no case"),
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
                "not judged, the baseline was made with other tools ({others}): `{UPDATE}`"
            )
        } else if changes().any(|percent| percent < -TOLERANCE) {
            writeln!(f, "some take fewer than before: keep it so, by `{UPDATE}`")
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

    /// A baseline of 1,000 for `a`, and these counts beside it.
    fn compared(rustc: &str, cases: &[(&str, u64)]) -> Compared {
        let baseline = Baseline::new(made_with("1.95.0"), counts(&[("a", 1000)]));
        baseline.compare(&made_with(rustc), &counts(cases))
    }

    #[test]
    fn what_is_within_the_tolerance_holds() {
        for count in [980, 1000, 1020] {
            let compared = compared("1.95.0", &[("a", count)]);
            assert!(compared.holds(), "{compared}");
            assert_eq!(compared.to_string().lines().count(), 1, "{compared}");
        }
    }

    #[test]
    fn what_takes_more_is_named_with_how_much_and_what_to_do() {
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
    fn what_takes_less_is_told_and_holds() {
        let compared = compared("1.95.0", &[("a", 979)]);
        assert!(compared.holds());
        assert!(
            compared.to_string().contains("fewer than before"),
            "{compared}"
        );
    }

    #[test]
    fn other_tools_are_told_and_nothing_is_judged() {
        let compared = compared("1.96.0", &[("a", 2000)]);
        assert!(compared.holds());
        let told = compared.to_string();
        assert!(
            told.contains("+100.00 %") && told.contains("1.95.0 then, 1.96.0 now"),
            "{told}"
        );
    }

    #[test]
    fn cases_come_and_go_with_the_baseline_only() {
        for (cases, told) in [
            (&[("a", 1000), ("b", 1)][..], "no baseline"),
            (&[], "is no case"),
        ] {
            let compared = compared("1.96.0", cases);
            assert!(!compared.holds());
            assert!(compared.problem().contains(told), "{}", compared.problem());
        }
    }

    #[test]
    fn what_is_written_is_read() -> Result<()> {
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
